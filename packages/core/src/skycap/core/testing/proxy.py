"""A proxy on loopback that makes trouble between an HTTP client and a real server.

    with TroublingProxy(server.endpoint) as proxy:
        proxy.schedule = seeded(7, 0.2, [Trouble(status=503, retry_after=1), Trouble(reset="before")])
        client = make_client(proxy.endpoint)

Requests pass byte for byte, the `Host` header too, so that signatures hold. What a schedule says of a request
is done to it; what was done is kept in `requests`.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Literal, Self
from urllib.parse import urlsplit

_PIECE = 65536


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to one request.

    `status` is answered in the place of the server, with `Retry-After` in seconds. `reset` breaks the
    connection before the server saw the request, or after it did all and only its answer is lost.
    `request_bytes` and `response_bytes` break it after so many bytes of a body. `wait` is called first, and
    may block on an event of the test.
    """

    status: int | None = None
    retry_after: int | None = None
    reset: Literal["before", "after"] | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None
    wait: Callable[[], object] | None = None


@dataclass(slots=True)
class Request:
    """One request that came by. `number` counts from 1; `status` is what the client was told, if anything."""

    number: int
    method: str
    target: str
    trouble: Trouble | None = None
    status: int | None = None


Schedule = Callable[[Request], Trouble | None]


def seeded(seed: int, rate: float, troubles: Sequence[Trouble], *, most: int | None = None) -> Schedule:
    """Trouble for this share of requests, the same for a seed; `most` times at most."""
    source = random.Random(seed)
    left = [most]

    def schedule(_: Request) -> Trouble | None:
        trouble = source.choice(troubles) if source.random() < rate else None
        if trouble is None or left[0] == 0:
            return None
        if left[0] is not None:
            left[0] -= 1
        return trouble

    return schedule


class _Broken(Exception):
    """The connection is to be reset."""


class TroublingProxy:
    """Listens on a free port of 127.0.0.1; one thread a connection."""

    def __init__(self, upstream: str, schedule: Schedule | None = None) -> None:
        parts = urlsplit(upstream)
        if parts.hostname is None or parts.port is None or parts.scheme != "http":
            raise ValueError(f"{upstream!r} is not like http://127.0.0.1:8000")
        self._upstream = parts.hostname, parts.port
        self.schedule = schedule
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopping = False

    @property
    def endpoint(self) -> str:
        """Where clients connect to."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def troubles(self) -> int:
        """How many requests met trouble."""
        with self._lock:
            return sum(request.trouble is not None for request in self.requests)

    def methods(self) -> Counter[str]:
        """How many requests of each method came by."""
        with self._lock:
            return Counter(request.method for request in self.requests)

    def heal(self) -> None:
        """No more trouble."""
        self.schedule = None

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Break all connections and wait for their threads."""
        self._stopping = True
        # On Linux a thread that waits in accept wakes up by shutdown, not by close.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(10)

    def _start(self, target: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self._forget, client)
            with self._lock:
                self._open.add(client)
            try:
                server = socket.create_connection(self._upstream)
                stack.callback(self._forget, server)
                with self._lock:
                    self._open.add(server)
                client_in = stack.enter_context(client.makefile("rb"))
                server_in = stack.enter_context(server.makefile("rb"))
                while self._exchange(client, client_in, server, server_in):
                    pass
            except _Broken:
                # With a linger of 0 the close is a reset and not a polite end.
                with contextlib.suppress(OSError):
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                return

    def _forget(self, one: socket.socket) -> None:
        with self._lock:
            self._open.discard(one)
        one.close()

    def _exchange(
        self, client: socket.socket, client_in: BinaryIO, server: socket.socket, server_in: BinaryIO
    ) -> bool:
        """Pass one request and its answer; whether the connection goes on."""
        head = _read_head(client_in)
        if head is None:
            return False
        request = self._record(head)
        trouble = request.trouble or Trouble()
        if trouble.wait is not None:
            trouble.wait()
        if trouble.reset == "before":
            raise _Broken
        if trouble.status is not None:
            request.status = trouble.status
            client.sendall(_refusal(trouble))
            return False
        if head.get("expect", "").lower() == "100-continue":
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        server.sendall(head.raw)
        _pass_body(head, client_in, server, trouble.request_bytes)
        answer = _read_head(server_in)
        while answer is not None and answer.status < 200:
            answer = _read_head(server_in)
        if answer is None or trouble.reset == "after":
            raise _Broken
        request.status = answer.status
        client.sendall(answer.raw)
        bodiless = request.method == "HEAD" or answer.status in {204, 304}
        if not bodiless:
            _pass_body(answer, server_in, client, trouble.response_bytes, until_close=True)
        closing = "close" in {head.get("connection", "").lower(), answer.get("connection", "").lower()}
        return not closing

    def _record(self, head: _Head) -> Request:
        with self._lock:
            method, target, _ = head.first.split(" ", 2)
            request = Request(len(self.requests) + 1, method, target)
            request.trouble = None if self.schedule is None else self.schedule(request)
            self.requests.append(request)
            return request


class _Head:
    """The first line and the fields of a message, and its bytes as they came."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        self._fields = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }

    def get(self, name: str, default: str = "") -> str:
        return self._fields.get(name, default)

    @property
    def status(self) -> int:
        return int(self.first.split(" ")[1])


def _read_head(stream: BinaryIO) -> _Head | None:
    lines = []
    while line := stream.readline(_PIECE):
        lines.append(line)
        if line in {b"\r\n", b"\n"} and len(lines) > 1:
            return _Head(b"".join(lines))
    return None


def _refusal(trouble: Trouble) -> bytes:
    lines = [f"HTTP/1.1 {trouble.status} Trouble", "Content-Length: 0", "Connection: close"]
    if trouble.retry_after is not None:
        lines.append(f"Retry-After: {trouble.retry_after}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _pass_body(
    head: _Head, source: BinaryIO, target: socket.socket, limit: int | None, *, until_close: bool = False
) -> None:
    if head.get("transfer-encoding").lower() == "chunked":
        _pass_chunks(source, target, limit)
    elif head.get("content-length"):
        _pass_bytes(source, target, int(head.get("content-length")), limit)
    elif until_close:
        _pass_bytes(source, target, None, limit)
    elif limit is not None:
        raise _Broken


def _pass_bytes(source: BinaryIO, target: socket.socket, length: int | None, limit: int | None) -> int:
    passed = 0
    while length is None or passed < length:
        wanted = min(_PIECE, *(n - passed for n in (length, limit) if n is not None), _PIECE)
        if wanted == 0:
            raise _Broken
        data = source.read(wanted) if length is not None else source.read1(wanted)  # type: ignore[attr-defined]
        if not data:
            if length is None:
                break
            raise _Broken
        target.sendall(data)
        passed += len(data)
    if limit is not None and passed >= limit:
        raise _Broken
    return passed


def _pass_chunks(source: BinaryIO, target: socket.socket, limit: int | None) -> None:
    passed = 0
    while line := source.readline(_PIECE):
        target.sendall(line)
        size = int(line.split(b";")[0], 16)
        if size == 0:
            while line := source.readline(_PIECE):  # trailers
                target.sendall(line)
                if line in {b"\r\n", b"\n"}:
                    return
        passed += _pass_bytes(source, target, size, None if limit is None else max(limit - passed, 0))
        target.sendall(source.readline(_PIECE))
    raise _Broken
