"""What every request passes first: the log, the faults, the way to the objects."""

from __future__ import annotations

import asyncio
import contextlib
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from skycap.internxt.emulator.errors import NetworkRefused, Refused, StorageRefused
from skycap.internxt.emulator.faults import Fault, patched
from skycap.internxt.emulator.protocol import CONNECTION
from skycap.internxt.emulator.routes import objects
from skycap.internxt.emulator.routes.objects import Receive, Scope, Send
from skycap.internxt.emulator.services import Services


class Front:
    """An ASGI application around the routes."""

    def __init__(self, services: Services, routes: Any) -> None:
        self._services = services
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith("/admin"):
            await self._routes(scope, receive, send)
            return
        if len(scope["path"]) > 1 and not scope["path"].startswith("/objects/"):
            scope["path"] = scope["path"].rstrip("/") or "/"
            scope["raw_path"] = scope["raw_path"].rstrip(b"/") or b"/"
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        entry = self._services.log.begin(scope["method"], scope["path"], query, headers)
        striking = self._services.faults.striking(scope["method"], scope["path"], query)
        entry.faults = tuple(number for number, _ in striking)

        async def noting(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", b"%032x" % entry.number)]
            await send(message)

        try:
            await self._with(striking, scope, receive, noting)
        finally:
            self._services.log.end()

    async def _with(
        self, striking: list[tuple[int, Fault]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        for _, fault in striking:
            if fault.delay_ms:
                await asyncio.sleep(fault.delay_ms / 1000)
            if fault.refuse_tokens:
                await asyncio.to_thread(_refuse_tokens, self._services)
            if fault.expire_links:
                scope["skycap.links_expired"] = True
            if fault.send_only is not None:
                scope["skycap.send_only"] = fault.send_only
            if fault.keep_only is not None:
                scope["skycap.keep_only"] = fault.keep_only
            if fault.cut == "before":
                await _cut(scope)
                return
            if fault.status is not None:
                await _read_all(receive)
                await _refuse(fault, scope["path"], send)
                return
        patch = {name: value for _, fault in striking for name, value in fault.patch.items()}
        cut = any(fault.cut == "after" for _, fault in striking)
        if not patch and not cut:
            await self._answer(scope, receive, send)
            return
        messages: list[dict[str, Any]] = []

        async def gathering(message: dict[str, Any]) -> None:
            messages.append(message)

        await self._answer(scope, receive, gathering)
        if cut:
            await _cut(scope)
        else:
            await _send_patched(messages, patch, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/objects/"):
            await objects.serve(self._services, scope, receive, send)
        else:
            await self._routes(scope, receive, send)


def _refuse_tokens(services: Services) -> None:
    with services.database.transaction() as db:
        db.execute("UPDATE tokens SET refused = 1")


async def _cut(scope: Scope) -> None:
    scope[CONNECTION].cut()
    await asyncio.sleep(0)  # so that the server sees it, and does not try to answer


async def _read_all(receive: Receive) -> None:
    while (message := await receive()).get("more_body", False) and message["type"] == "http.request":
        pass


async def _refuse(fault: Fault, path: str, send: Send) -> None:
    status = fault.status or 500
    try:
        text = fault.message or HTTPStatus(status).phrase
    except ValueError:  # 420 is none of the standard
        text = "Max space used"
    if fault.body is not None:
        kind, body = "text/plain", fault.body.encode()
    elif path.startswith("/objects/"):
        kind, body = "application/xml", StorageRefused(status, text.replace(" ", ""), text).body.encode()
    elif path.startswith("/network"):
        kind, body = "application/json", json.dumps(NetworkRefused(status, text).body).encode()
    else:
        kind, body = "application/json", json.dumps(Refused(status, text).body).encode()
    headers = {"content-type": kind, "content-length": str(len(body))} | {
        name.lower(): value for name, value in fault.headers.items()
    }
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def _send_patched(messages: list[dict[str, Any]], patch: dict[str, Any], send: Send) -> None:
    start, *bodies = messages
    raw = b"".join(message.get("body", b"") for message in bodies)
    with contextlib.suppress(ValueError):  # where it is not JSON there is nothing to change
        raw = json.dumps(patched(json.loads(raw), patch)).encode()
    kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    await send(start | {"headers": [*kept, (b"content-length", str(len(raw)).encode())]})
    await send({"type": "http.response.body", "body": raw})
