"""The two ends of a connection as cheroot wants them, and the body of a request.

Cheroot's own are written in Python down to the buffer, read a whole chunk at once however large the client
says it is, and read what is left of a refused body into memory.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from typing import Any, cast

from skycap.core.webdav.serving.heads import CHUNK_LINE_MAX, TRAILERS_MAX, chunk_size

READ_SIZE = 1 << 16


class _Raw(socket.SocketIO):
    """The raw end of a socket, which can be told to ask nobody."""

    dry = False

    def readinto(self, buffer: Any) -> int | None:
        """As many bytes as are there; None where it must not ask."""
        return None if self.dry else super().readinto(buffer)


class SocketReader(io.BufferedReader):
    """What comes in."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        super().__init__(_Raw(sock, "rb"), READ_SIZE)

    def has_data(self) -> bool:
        """Whether something was read ahead that nobody took yet."""
        if self.closed:
            return False
        raw = cast(_Raw, self.raw)
        raw.dry = True
        try:
            if self.peek(1):
                return True
        finally:
            raw.dry = False
        pending: Callable[[], int] | None = getattr(self._socket, "pending", None)
        return bool(pending and pending())


class SocketWriter:
    """What goes out, unbuffered."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.closed = False
        self.bytes_written = 0

    def write(self, data: bytes | memoryview) -> int:
        """All of it."""
        self._socket.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """The socket is closed by whoever holds it."""
        self.closed = True


def make_file(sock: socket.socket, mode: str = "rb", _size: int = 0) -> SocketReader | SocketWriter:
    """One end, as cheroot asks for it."""
    return SocketReader(sock) if "r" in mode else SocketWriter(sock)


class RequestBody:
    """The body of a request, of known length or in chunks; `ValueError` where the client breaks off.

    The first read tells a client that waits for it to go on.
    """

    def __init__(
        self, reader: io.BufferedReader, length: int | None, go_on: Callable[[], None] | None
    ) -> None:
        self._reader = reader
        self._chunked = length is None
        self._left = length or 0  # of the body, or of the chunk
        self._ended = length == 0
        self._go_on = go_on
        self.broken = False
        """Whether the client broke off, or sent what is no body: nothing that follows can be understood."""

    @property
    def ended(self) -> bool:
        """Whether all of it was read, so that the next request can follow."""
        return self._ended

    @property
    def unasked(self) -> bool:
        """Whether the client waits for a word before it sends anything."""
        return self._go_on is not None

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, all that is left if negative; b"" at the end."""
        if self._go_on is not None:
            go_on, self._go_on = self._go_on, None
            go_on()
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(READ_SIZE), b""))
        if self._ended or not size:
            return b""
        if self.broken:
            raise ValueError("the request broke off before")
        try:
            if self._chunked:
                return self._read_chunked(size)
            data = self._reader.read(min(size, self._left))
            self._took(data)
        except (OSError, ValueError):
            self.broken = True
            raise
        return data

    def _took(self, data: bytes) -> None:
        if not data:
            raise ValueError(f"the connection ended {self._left} bytes too early")
        self._left -= len(data)
        if not self._left and not self._chunked:
            self._ended = True

    def _read_chunked(self, size: int) -> bytes:
        pieces: list[bytes] = []
        while size and not self._ended:
            if not self._left:
                self._next_chunk()
                continue
            data = self._reader.read(min(size, self._left))
            self._took(data)
            pieces.append(data)
            size -= len(data)
            if not self._left and self._line() != b"":
                raise ValueError("a chunk is longer than it said")
        return b"".join(pieces)

    def _next_chunk(self) -> None:
        self._left = chunk_size(self._line())
        if not self._left:
            if all(self._line() for _ in range(TRAILERS_MAX)):
                raise ValueError("there are too many trailers")
            self._ended = True

    def _line(self) -> bytes:
        line = self._reader.readline(CHUNK_LINE_MAX)
        if not line.endswith(b"\r\n"):
            raise ValueError(
                "the connection ended in the middle of a line"
                if len(line) < CHUNK_LINE_MAX
                else "a line is too long"
            )
        if b"\r" in line[:-2]:
            raise ValueError("a line has an end within")
        return line[:-2]

    def __iter__(self) -> RequestBody:
        return self

    def __next__(self) -> bytes:
        if data := self.read(READ_SIZE):
            return data
        raise StopIteration

    def readline(self, size: int = -1) -> bytes:
        """Part of WSGI; nobody here reads lines."""
        raise io.UnsupportedOperation("readline")
