"""Bytes on a socket, as no HTTP library would send them, and the answers to them."""

from __future__ import annotations

import http.client
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

NOISE = ("Traceback", 'File "', "site-packages", "Error(", "/tmp/", ".py")
"""What no client is to be told."""


@dataclass(frozen=True)
class Heard:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def head(method: str, target: str | bytes, *lines: str | bytes, version: str = "1.1") -> bytes:
    """The head of a request to this host, with the lines as they are."""
    first = [method.encode(), _bytes(target), f"HTTP/{version}".encode()]
    return b"\r\n".join([b" ".join(first), b"Host: h", *map(_bytes, lines), b"", b""])


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def whole(method: str, target: str | bytes, body: bytes = b"", *lines: str | bytes) -> bytes:
    """A request whose body is as long as it says."""
    return head(method, target, f"Content-Length: {len(body)}", *lines) + body


class _Open:
    """A reader that others cannot close."""

    def __init__(self, reader: BinaryIO) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def close(self) -> None:
        pass


class Wire:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._reader = sock.makefile("rb")

    def makefile(self, _mode: str) -> Any:
        """One reader for all answers: it may have read the beginning of the next one."""
        return _Open(self._reader)

    def send(self, data: bytes) -> None:
        """As much as the other side takes: it may have answered and gone already."""
        with suppress(OSError):
            self.sock.sendall(data)

    def heard(self, method: str = "GET") -> Heard | None:
        """The next answer; None if the connection ends without one."""
        answer = http.client.HTTPResponse(self, method=method)  # type: ignore[arg-type]
        try:
            answer.begin()
            while answer.status == 100:
                answer.begin()
            return Heard(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except (http.client.RemoteDisconnected, http.client.BadStatusLine, ConnectionError):
            return None
        finally:
            answer.close()

    def answer(self, method: str = "GET") -> Heard:
        """The next answer, which must come, and tell nothing of our inside."""
        heard = self.heard(method)
        assert heard is not None
        return quiet(heard)

    def ask(self, data: bytes) -> Heard:
        """What is said to a request."""
        self.send(data)
        return self.answer(data.partition(b" ")[0].decode("latin-1"))

    def rest(self) -> bytes:
        """All that still comes, until the other side closes."""
        found = b""
        try:
            while data := self._reader.read1():
                found += data
        except ConnectionError:
            pass
        return found

    def finish(self) -> None:
        """Say that nothing more will come, and wait until the other side has closed."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
        self.rest()

    def close(self) -> None:
        self._reader.close()

    def reset(self) -> None:
        """Go away in the rudest way there is."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._reader.close()
        self.sock.close()


@contextmanager
def wire(port: int) -> Iterator[Wire]:
    """A connection to a port of this machine."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    with closing(sock), closing(Wire(sock)) as line:
        yield line


def ask(port: int, data: bytes) -> Heard:
    """The answer to one request on a connection of its own."""
    with wire(port) as line:
        return line.ask(data)


def quiet(heard: Heard, *secrets: str) -> Heard:
    """The same, if it tells nothing of our inside and is no failure of ours."""
    assert heard.status < 500 or heard.status in {501, 502, 505, 507}, heard
    for noise in (*NOISE, *secrets):
        assert noise not in heard.text, heard
        assert not any(noise in value for value in heard.headers.values()), heard
    return heard
