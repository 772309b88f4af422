"""What one login gave, and the one secret in which it is kept.

The secret is JSON, in the credential store under the name of the remote:

    {"version": 1, "reference": "keyring:skycap/NAME.session" | null, "email": ..., "uuid": ...,
     "root_folder": uuid, "bucket": 24 hexadecimal digits, "bridge_user": ..., "network_password": ...,
     "mnemonic": 24 words, "token": JWT}

`reference` says where it lies itself: a token that was refreshed is put back there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, ProviderError
from skycap.core.http import register_secret
from skycap.internxt.crypto.passwords import network_password

_VERSION = 1
_PLAIN = ("email", "uuid", "root_folder", "bucket", "bridge_user")
_SECRET = ("network_password", "mnemonic")
_BUCKET = re.compile(r"[0-9a-f]{24}")
LOG_IN = 'Run "skycap internxt login REMOTE".'


@dataclass(frozen=True)
class Account:
    """Who is logged in. `root_folder` is a UUID, `bucket` 24 hexadecimal digits.

    `network_password` is as Basic authentication at the network wants it.
    """

    email: str
    uuid: str
    root_folder: str
    bucket: str
    bridge_user: str
    network_password: Secret[str]
    mnemonic: Secret[str]

    @classmethod
    def of_user(cls, user: Any, mnemonic: Secret[str], *, where: str) -> Account:
        """The account of the user object that the server sent; `ProviderError` if a part is missing."""
        fields = {
            "email": "email",
            "uuid": "uuid",
            "root_folder": "rootFolderId",
            "bucket": "bucket",
            "bridge_user": "bridgeUser",
        }
        found = user if isinstance(user, Mapping) else {}
        for name in (*fields.values(), "userId"):
            if not isinstance(found.get(name), str) or not found[name]:
                raise ProviderError(f"the server sent an account without {name}", where=where)
        if not _BUCKET.fullmatch(found["bucket"]):
            raise ProviderError("the server sent an account whose bucket is no id", where=where)
        password = network_password(found["userId"])
        register_secret(password, mnemonic)
        plain = {ours: found[theirs] for ours, theirs in fields.items()}
        return cls(**plain, network_password=password, mnemonic=mnemonic)


@dataclass(frozen=True)
class Kept:
    """What is kept of a login."""

    account: Account
    token: Secret[str]
    reference: str | None = None
    """Where it is kept, as the configuration writes it; None if nowhere."""

    def with_token(self, token: Secret[str]) -> Kept:
        """The same with another token."""
        register_secret(token)
        return replace(self, token=token)

    def as_secret(self) -> Secret[str]:
        """For the credential store."""
        found: dict[str, object] = {"version": _VERSION, "reference": self.reference}
        found |= {name: getattr(self.account, name) for name in _PLAIN}
        found |= {name: getattr(self.account, name).reveal() for name in _SECRET}
        return Secret(json.dumps({**found, "token": self.token.reveal()}))

    @classmethod
    def of_secret(cls, secret: Secret[str], *, where: str | None = None) -> Kept:
        """From the credential store; `AuthMissing` if it is nothing that a login put there."""
        try:
            found = json.loads(secret.reveal())
        except ValueError:
            found = None  # the cause would quote it
        if not isinstance(found, dict):
            raise _broken("it is no JSON object", where)
        if found.get("version") != _VERSION:
            raise _broken("it is of another version of skycap", where)
        for name in (*_PLAIN, *_SECRET, "token"):
            if not isinstance(found.get(name), str):
                raise _broken(f"{name} is missing in it", where)
        plain: dict[str, str] = {name: found[name] for name in _PLAIN}
        network: Secret[str] = Secret(found["network_password"])
        mnemonic: Secret[str] = Secret(found["mnemonic"])
        token: Secret[str] = Secret(found["token"])
        register_secret(token, network, mnemonic)
        account = Account(**plain, network_password=network, mnemonic=mnemonic)
        reference = found.get("reference")
        return cls(account, token, reference if isinstance(reference, str) else None)


def _broken(why: str, where: str | None) -> AuthMissing:
    return AuthMissing(f"what is kept of the login cannot be used: {why}", where=where, hint=LOG_IN)
