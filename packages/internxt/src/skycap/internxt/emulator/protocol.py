"""The HTTP/1.1 connection: uvicorn's own, and two things that ASGI has no word for.

An answer's body can be sent from a file by the kernel, and a connection can be cut.
"""

from __future__ import annotations

import asyncio
from typing import Any, BinaryIO, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTION = "skycap.connection"
"""Where a request's scope holds its `Connection`."""


class _Length:
    """Stands for bytes that the kernel sends: the protocol only counts them."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length


class Connection:
    """The connection that a request came by."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    @property
    def is_tls(self) -> bool:
        """Whether bytes must be encrypted here, so that the kernel cannot send them from a file."""
        return self._protocol.transport.get_extra_info("sslcontext") is not None

    async def send_file(self, file: BinaryIO, start: int, length: int) -> None:
        """Send a stretch of a file, after the response was started and before its last body message."""
        event = h11.Data(data=cast(bytes, _Length(length)))
        self._protocol.conn.send_with_data_passthrough(event)
        await asyncio.get_running_loop().sendfile(self._protocol.transport, file, start, length)

    def close(self) -> None:
        """Close it when what was written is sent."""
        self._protocol.transport.close()

    def cut(self) -> None:
        """Close it without another byte."""
        self._protocol.transport.abort()


class Protocol(H11Protocol):
    """Hands the connection to the application."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        inner, connection = self.app, Connection(self)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope[CONNECTION] = connection
            await inner(scope, receive, send)

        self.app = app
