"""What a share link is made of: a code that only the link holds, and the id of the sharing.

    https://DOMAIN/sh/file/ID/CODE                  ID is the sharing's UUID in base64url, 22 characters

The server gets the code sealed under the key of the bucket, and that key sealed under the code.
"""

from __future__ import annotations

import base64
import os
import uuid
from dataclasses import dataclass
from typing import Literal

from skycap.core.crypto.secret import Secret
from skycap.core.errors import UsageError
from skycap.internxt.crypto.blobs import seal, unseal

ALGORITHM = "inxt-v3"
_CODE_SIZE = 8
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SHARED = 32

Kind = Literal["file", "folder"]


@dataclass(frozen=True)
class Sealed:
    """What the server is given of a new link."""

    encryption_key: str
    encrypted_code: str
    encrypted_password: str | None = None


def new_code() -> Secret[str]:
    """Eight characters, six random bits each."""
    return Secret("".join(_ALPHABET[byte % 64] for byte in os.urandom(_CODE_SIZE)))


def seal_link(bucket_key: Secret[bytes], code: Secret[str], password: Secret[str] | None = None) -> Sealed:
    """The sealed parts of a link with this code, and with a password if it shall have one."""
    shared = shared_key(bucket_key)
    return Sealed(
        seal(shared, code),
        seal(code, shared),
        None if password is None else seal_password(code, password),
    )


def seal_password(code: Secret[str], password: Secret[str]) -> str:
    """The password of a link, for the server."""
    return seal(password, code)


def recover_code(bucket_key: Secret[bytes], encrypted_code: str) -> Secret[str]:
    """The code of a link that was made before. `IntegrityError` if it was made under another key."""
    return unseal(encrypted_code, shared_key(bucket_key))


def shared_key(bucket_key: Secret[bytes]) -> Secret[str]:
    """The half of a bucket's key that opens its objects, in hexadecimal."""
    return Secret(bucket_key.reveal()[:_SHARED].hex())


def short_id(sharing: str) -> str:
    """The 22 characters for the UUID of a sharing."""
    return base64.urlsafe_b64encode(uuid.UUID(sharing).bytes).decode("ascii").rstrip("=")


def long_id(short: str) -> str:
    """The UUID again; `UsageError` for what is no such id."""
    try:
        return str(uuid.UUID(bytes=base64.b64decode(f"{short}==", b"-_", validate=True)))
    except ValueError:
        raise UsageError(f"{short!r} is no id of a share link", hint="It has 22 characters.") from None


def link(domain: str, kind: Kind, sharing: str, code: Secret[str]) -> str:
    """The address of a link. It opens what it names: treat it like a password."""
    return f"{domain.rstrip('/')}/sh/{kind}/{short_id(sharing)}/{code.reveal()}"


def parse_link(url: str) -> tuple[Kind, str, Secret[str]]:
    """Kind, UUID and code of a link; `UsageError` if it is none."""
    from urllib.parse import urlsplit

    parts = urlsplit(url).path.strip("/").split("/")
    if len(parts) != 4 or parts[0] != "sh" or parts[1] not in {"file", "folder"} or not parts[3]:
        raise UsageError("that is no share link", hint="One ends with /sh/file/ID/CODE.")
    return ("file" if parts[1] == "file" else "folder"), long_id(parts[2]), Secret(parts[3])
