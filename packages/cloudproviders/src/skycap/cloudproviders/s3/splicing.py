"""From a socket into a file by the kernel, without a copy through this process: on Linux, and without TLS."""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import socket
import ssl
import sys
from typing import Any

from skycap.core.units import MiB

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_SIZE = MiB


def plain_socket(response: http.client.HTTPResponse) -> socket.socket | None:
    """The socket of an answer, if the bytes of its body can be taken from there as they are."""
    if sys.platform != "linux" or response.chunked or response.length is None:
        return None
    found = getattr(getattr(response.fp, "raw", None), "_sock", None)
    return found if isinstance(found, socket.socket) and not isinstance(found, ssl.SSLSocket) else None


class Pipe:
    """What stands between a socket and a file: the kernel moves pages from one to the other by it."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe()
        with contextlib.suppress(OSError):  # somebody with many pipes gets small ones
            fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, _SIZE)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._out)
        os.close(self._in)

    def put(self, data: bytes) -> int:
        """A few bytes that were read already, at most a page or two."""
        return os.write(self._in, data)

    def fill(self, source: socket.socket, most: int) -> int:
        """At most `most` bytes from a socket, 0 at its end; `TimeoutError` as the socket has it."""
        while True:
            try:
                return os.splice(source.fileno(), self._in, min(most, _SIZE))
            except BlockingIOError:
                _wait_for(source)

    def drain(self, target: int, position: int, count: int) -> None:
        """The `count` bytes in it to a place in the file `target`."""
        while count:
            moved = os.splice(self._out, target, count, offset_dst=position)
            count -= moved
            position += moved


def _wait_for(source: socket.socket) -> None:
    timeout = source.gettimeout()
    poll = select.poll()
    poll.register(source, select.POLLIN)
    if not poll.poll(None if timeout is None else timeout * 1000):
        raise TimeoutError("timed out")
