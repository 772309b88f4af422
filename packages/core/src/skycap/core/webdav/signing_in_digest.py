"""Who may come in: Digest, against a file of what is as good as passwords."""

from __future__ import annotations

from skycap.core.server.digest import DigestAdmission
from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.request import Request


class DigestSigningIn:
    """Finds the user of a request, as `SigningIn` does."""

    def __init__(self, admission: DigestAdmission) -> None:
        self._admission = admission

    def user(self, request: Request) -> str:
        """The name of who sent it; `Refusal` 401 if nobody is known, 429 after too many failures."""
        said = request.header("AUTHORIZATION")
        judged = self._admission.admit(
            str(request.environ.get("REMOTE_ADDR", "")),
            request.method,
            request.target,
            None if said is None else _text(said),
        )
        if judged.user is not None:
            return judged.user
        if judged.retry_after_s is not None:
            wait = [("Retry-After", str(judged.retry_after_s))]
            raise Refusal(429, "too many wrong passwords", headers=wait)
        challenges = self._admission.challenges(stale=judged.stale)
        raise Refusal(
            401,
            "a user name and a password are needed",
            headers=[("WWW-Authenticate", one) for one in challenges],
        )


def _text(header: str) -> str:
    """The header as UTF-8, which WSGI hands over as Latin-1; as it is where it is none."""
    raw = header.encode("latin-1", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return header
