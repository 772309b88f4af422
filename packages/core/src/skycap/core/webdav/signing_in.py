"""Who may come in: Basic, against hashed passwords, with a limit on failures."""

from __future__ import annotations

import base64

from skycap.core.crypto.secret import Secret
from skycap.core.server.admission import Admission
from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.request import Request

REALM = 'Basic realm="skycap", charset="UTF-8"'


class SigningIn:
    """Finds the user of a request."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def user(self, request: Request) -> str:
        """The name of who sent it; `Refusal` 401 if nobody is known, 429 after too many failures."""
        found = _basic(request.environ.get("HTTP_AUTHORIZATION"))
        if found is None:
            raise _who()
        name, password = found
        verdict = self._admission.admit(str(request.environ.get("REMOTE_ADDR", "")), name, password)
        if verdict.retry_after_s is not None:
            wait = [("Retry-After", str(verdict.retry_after_s))]
            raise Refusal(429, "too many wrong passwords", headers=wait)
        if not verdict:
            raise _who()
        return name


def _who() -> Refusal:
    return Refusal(401, "a user name and a password are needed", headers=[("WWW-Authenticate", REALM)])


def _basic(header: str | None) -> tuple[str, Secret[str]] | None:
    kind, _, value = (header or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        plain = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except ValueError:  # no base64, no ASCII, no UTF-8
        return None
    name, colon, password = plain.partition(":")
    return (name, Secret(password)) if colon else None
