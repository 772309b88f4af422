"""The routes of the Drive API by which one comes in and goes out, one method each."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Self

from skycap.core.crypto.secret import Secret
from skycap.core.errors import ProviderError
from skycap.core.http import Client, Response, Timeouts, Tls, register_secret
from skycap.core.retry import Policies, Policy
from skycap.core.version import VERSION
from skycap.internxt.endpoints import Endpoints, is_open
from skycap.internxt.login.failures import expiry, refusal

CLIENT_HEADERS = {"internxt-client": "skycap", "internxt-version": VERSION}
"""How skycap names itself: it does not pass for a client of Internxt's own."""
_OURS = (400, 401, 402, 403)
"""What is told here in its own words; the rest is the same everywhere, and what passes is tried again."""
_PATIENT = Policy(attempts=5, cap_s=20.0, total_timeout_s=120.0)
_ONCE = Policy(attempts=1)
_log = logging.getLogger("skycap.internxt")


@dataclass(frozen=True)
class Challenge:
    """What the server says of an account before it knows the password: a wrapped salt, a second factor."""

    wrapped_salt: str
    needs_code: bool


@dataclass(frozen=True)
class Entered:
    """An accepted login or refresh: the user object as it came, and the new token."""

    user: dict[str, Any]
    token: Secret[str]


class Gate:
    """Requests of a login. `where` names the account in errors; closed after use."""

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        tls: Tls | None = None,
        timeouts: Timeouts | None = None,
        where: str = "",
        patient: bool = True,
    ) -> None:
        policy = _PATIENT if patient else _ONCE
        self._where = where or endpoints.drive
        self._base = endpoints.drive
        self._http = Client(
            headers=CLIENT_HEADERS,
            tls=tls,
            timeouts=timeouts,
            connections=2,
            policies=Policies(policy, policy, policy, policy),
        )
        if is_open(endpoints.drive):
            _log.warning(
                "%s is not encrypted: whoever is on the way sees the token of the account", endpoints.drive
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def challenge(self, email: str) -> Challenge:
        """What a login of this account needs. The server does not tell whether there is such an account."""
        answer = self._post("/auth/login", {"email": email})
        found = _object(answer, self._where)
        salt = found.get("sKey")
        if not isinstance(salt, str):
            raise ProviderError(
                "the server wants a kind of login that skycap does not know"
                if found.get("useOpaqueLogin")
                else "the server sent no salt",
                where=self._where,
                hint="--browser logs in through the web page.",
            )
        return Challenge(salt, found.get("tfa") is True)

    def access(self, email: str, wrapped_hash: str, code: str | None) -> Entered:
        """Log in; `AuthMissing` for a wrong password or code, `AccessDenied` for a plan or a block."""
        body = {"email": email, "password": wrapped_hash, **({"tfa": code} if code else {})}
        return self._entered(self._post("/auth/cli/login/access", body))

    def refresh(self, token: Secret[str]) -> Entered:
        """A new token for one that is still good; `AuthExpired` if it is not."""
        return self._entered(self._get("/users/cli/refresh", token))

    def logout(self, token: Secret[str]) -> None:
        """End the life of a token; one that is over already is success."""
        self._get("/auth/logout", token, over=True)

    def ask(self, path: str, token: Secret[str]) -> dict[str, Any]:
        """What the server answers on a route of the account, a JSON object."""
        return _object(self._get(path, token), self._where)

    def _post(self, path: str, body: dict[str, Any]) -> Response:
        answer = self._http.request("POST", f"{self._base}{path}", where=self._where, ok=_OURS, json=body)
        if answer.status >= 400:
            raise refusal(answer, where=self._where)
        return answer

    def _get(self, path: str, token: Secret[str], *, over: bool = False) -> Response:
        headers = {"authorization": f"Bearer {token.reveal()}"}
        answer = self._http.request(
            "GET", f"{self._base}{path}", where=self._where, ok=_OURS, headers=headers
        )
        if answer.status >= 400 and not (over and answer.status == 401):
            raise expiry(answer, where=self._where)
        return answer

    def _entered(self, answer: Response) -> Entered:
        found = _object(answer, self._where)
        user, token = found.get("user"), found.get("newToken")
        if not isinstance(user, dict) or not isinstance(token, str) or not token:
            raise ProviderError("the server let us in without a token", where=self._where)
        made: Secret[str] = Secret(token)
        register_secret(made)
        return Entered(user, made)


def _object(answer: Response, where: str) -> dict[str, Any]:
    found = answer.json()
    if not isinstance(found, dict):
        raise ProviderError("the server answered with something else than an object", where=where)
    return found
