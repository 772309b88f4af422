"""Requests to the two services, each with its own proof of who asks.

A 401 renews the login once and asks again. A 429 is waited for here, as long as the server asks, so that a
file that is all sent does not have to be sent again; nothing else is tried again at this height.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from skycap.core.crypto.secret import Secret
from skycap.core.errors import Error, RateLimited
from skycap.core.http import Client, Response, Timeouts, Tls
from skycap.core.retry import Caller, Operation, Policy
from skycap.internxt.api.errors import error_of
from skycap.internxt.login.gate import CLIENT_HEADERS
from skycap.internxt.login.session import Session

_ANY = tuple(range(400, 600))
_PATIENT = Policy(attempts=5, base_s=1.0, cap_s=30.0, total_timeout_s=300.0)
_JSON = "application/json; charset=utf-8"


class Api:
    """Both services. Threads share it."""

    def __init__(self, session: Session, *, tls: Tls, timeouts: Timeouts, connections: int = 8) -> None:
        account = session.account
        pair = f"{account.bridge_user}:{account.network_password.reveal()}"
        basic = Secret(f"Basic {base64.b64encode(pair.encode()).decode('ascii')}")
        headers = {"content-type": _JSON, **CLIENT_HEADERS}
        common: dict[str, Any] = {"tls": tls, "timeouts": timeouts, "connections": connections}
        self._drive = Client(session.endpoints.drive, headers=headers, authorize=session.authorize, **common)
        self._network = Client(
            session.endpoints.network,
            headers=headers,
            authorize=lambda _: {"authorization": basic.reveal()},
            secrets=(basic, account.network_password),
            **common,
        )

    def close(self) -> None:
        """Let go of all connections. Twice is fine."""
        self._drive.close()
        self._network.close()

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
