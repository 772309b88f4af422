"""Who may come in: Basic, against hashed passwords, with a limit on failures."""

from __future__ import annotations

import base64
import binascii
from typing import Protocol

from skycap.core.crypto.secret import Secret
from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.request import Request

REALM = 'Basic realm="skycap", charset="UTF-8"'


class Logins(Protocol):
    """`skycap.core.server.logins`: users and their passwords."""

    def verify(self, user: str, password: Secret[str], /) -> bool:
        """Whether this is the user's password, in a time that tells nothing."""
        ...


class Throttle(Protocol):
    """`skycap.core.server.throttle`: how often one may be wrong."""

    def wait_s(self, address: str, user: str, /) -> float | None:
        """Seconds until another try is looked at; None: now."""
        ...

    def failed(self, address: str, user: str, /) -> None:
        """A try that was wrong."""
        ...

    def succeeded(self, address: str, user: str, /) -> None:
        """A try that was right."""
        ...


class SigningIn:
    """Finds the user of a request."""

    def __init__(self, logins: Logins, throttle: Throttle) -> None:
        self._logins = logins
        self._throttle = throttle

    def user(self, request: Request) -> str:
        """The name of who sent it; `Refusal` 401 if nobody is known, 429 after too many failures."""
        found = _basic(request.environ.get("HTTP_AUTHORIZATION"))
        if found is None:
            raise _who()
        name, password = found
        address = str(request.environ.get("REMOTE_ADDR", ""))
        if (wait_s := self._throttle.wait_s(address, name)) is not None:
            raise Refusal(
                429, "too many wrong passwords", headers=[("Retry-After", str(max(1, round(wait_s))))]
            )
        if not self._logins.verify(name, password):
            self._throttle.failed(address, name)
            raise _who()
        self._throttle.succeeded(address, name)
        return name


def _who() -> Refusal:
    return Refusal(401, "a user name and a password are needed", headers=[("WWW-Authenticate", REALM)])


def _basic(header: str | None) -> tuple[str, Secret[str]] | None:
    kind, _, value = (header or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        plain = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    name, colon, password = plain.partition(":")
    return (name, Secret(password)) if colon else None
