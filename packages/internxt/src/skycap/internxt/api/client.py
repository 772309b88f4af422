"""Requests to the two services, each with its own proof of who asks.

A 401 renews the login once and asks again. A 429 is waited for here, as long as the server asks, so that a
file that is all sent does not have to be sent again; nothing else is tried again at this height.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from skycap.core.crypto.secret import Secret
from skycap.core.errors import Error, RateLimited
from skycap.core.http import Client, Request, Response, Timeouts, Tls
from skycap.core.retry import Caller, Operation, Policy
from skycap.internxt.api.errors import error_of

if TYPE_CHECKING:
    from skycap.internxt.login.session import Account
from skycap.internxt.endpoints import Endpoints

CLIENT = "skycap"
VERSION = "1.0"
_ANY = tuple(range(400, 600))
_PATIENT = Policy(attempts=5, base_s=1.0, cap_s=30.0, total_timeout_s=300.0)
_JSON = "application/json; charset=utf-8"


class Login(Protocol):
    """What a session is to these requests."""

    @property
    def account(self) -> Account:
        """Whose it is."""

    @property
    def endpoints(self) -> Endpoints:
        """Where the services are."""

    def token(self) -> Secret[str]:
        """What the Drive API wants to see."""

    def renewed(self, refused: Secret[str]) -> Secret[str]:
        """Another one, after a 401."""


class Api:
    """Both services. Threads share it."""

    def __init__(self, login: Login, *, tls: Tls, timeouts: Timeouts, connections: int = 8) -> None:
        self.login = login
        self._shown = threading.local()
        headers = {"content-type": _JSON, "internxt-client": CLIENT, "internxt-version": VERSION}
        account = login.account
        pair = f"{account.bridge_user}:{account.network_password.reveal()}"
        basic = Secret(f"Basic {base64.b64encode(pair.encode()).decode('ascii')}")
        common: dict[str, Any] = {"tls": tls, "timeouts": timeouts, "connections": connections}
        self._drive = Client(login.endpoints.drive, headers=headers, authorize=self._bearer, **common)
        self._network = Client(
            login.endpoints.network,
            headers=headers,
            authorize=lambda _: {"authorization": basic.reveal()},
            secrets=(basic, account.network_password),
            **common,
        )

    def close(self) -> None:
        """Let go of all connections. Twice is fine."""
        self._drive.close()
        self._network.close()

    def _bearer(self, request: Request) -> dict[str, str]:
        if request.refused:
            token = self.login.renewed(self._shown.token)
        else:
            token = self.login.token()
        self._shown.token = token
        return {"authorization": f"Bearer {token.reveal()}"}

    def drive(
        self,
        method: str,
        path: str,
        *,
        where: str,
        operation: Operation = Operation.LIST,
        ok: tuple[int, ...] = (),
        params: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> Response:
        """One call of the Drive API. A status of 400 and more raises, but for those in `ok`."""
        return self._call(self._drive, method, path, where, operation, ok, params, json)

    def network(
        self,
        method: str,
        path: str,
        *,
        where: str,
        operation: Operation = Operation.LIST,
        ok: tuple[int, ...] = (),
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """One call of the Network API."""
        return self._call(self._network, method, path, where, operation, ok, params, json, headers)

    def _call(
        self,
        client: Client,
        method: str,
        path: str,
        where: str,
        operation: Operation,
        ok: tuple[int, ...],
        params: Mapping[str, Any] | None,
        json: Any,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        def request() -> Response | Error:
            try:
                answer = client.request(
                    method,
                    path,
                    operation=operation,
                    where=where,
                    ok=_ANY,
                    params=params,
                    json=json,
                    headers=headers,
                )
            except Error as error:
                return error  # whether it is safe to ask again is known further up
            if answer.status < 400 or answer.status in ok:
                return answer
            found = error_of(answer, where=where, operation=operation)
            if isinstance(found, RateLimited):
                raise found
            return found

        request.__name__ = method
        found = Caller(_PATIENT)(request)
        if isinstance(found, Error):
            raise found
        return found
