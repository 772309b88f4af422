"""Fetching bytes with as little as possible between the socket and whoever reads.

Under TLS a server's bytes come in pieces of 16 KiB at most, and the client that all other requests go through
looks at each of them. Here they are gathered outside the interpreter, which takes a fraction of the time. It
speaks to servers directly: where a proxy is set, the other client does.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from skycap.core.errors import DownloadFailed, Error
from skycap.core.http import Timeouts, Tls
from skycap.core.http.failures import translate, unreached
from skycap.core.retry import Operation, answered, remaining

_Server = tuple[str, str, int]
_LEAST_S = 0.001
_DROPPED = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError, http.client.RemoteDisconnected)
"""How it shows that the server closed a kept connection while it was idle."""
_BROKEN = (OSError, http.client.HTTPException)
_PORTS = {"http": 80, "https": 443}


class Body:
    """An answer whose bytes come as they are read. One that breaks off raises; it never ends early."""

    def __init__(self, answer: http.client.HTTPResponse, where: str) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in answer.getheaders()}
        self._answer = answer
        self._where = where
        told = self.headers.get("content-length", "")
        self.length = int(told) if told.isdecimal() else None
        """Bytes of the body, where the server said."""
        self._left = self.length

    @property
    def whole(self) -> bool:
        """Whether all of it was read, so that the connection can be used again."""
        return self._left == 0 and self._answer.isclosed()

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, b"" at the end; all that is left if negative."""
        if self._left == 0:
            return b""
        try:
            data = self._answer.read(size if size >= 0 else None)
        except _BROKEN as error:
            raise translate(error, self._where, Operation.DOWNLOAD) from None
        if self._left is not None:
            self._left -= len(data)
            if not data and size:
                raise DownloadFailed(f"the answer ended {self._left} bytes before its end", where=self._where)
        return data


class Direct:
    """Connections to object stores, kept for the next request. Threads share it."""

    def __init__(self, tls: Tls, timeouts: Timeouts, connections: int) -> None:
        self._tls = tls
        self._timeouts = timeouts
        self._most = connections
        self._lock = threading.Lock()
        self._idle: dict[_Server, list[http.client.HTTPConnection]] = {}

    def close(self) -> None:
        """Close those that are idle."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str], *, where: str) -> Iterator[Body]:
        """The answer to a GET, whatever its status."""
        parts = urlsplit(url)
        server = (parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection, answer = self._asked(server, target, headers, where)
        body = Body(answer, where)
        try:
            yield body
        finally:
            answer.close()
            if body.whole and not answer.will_close:
                self._give_back(server, connection)
            else:
                connection.close()

    def _asked(
        self, server: _Server, target: str, headers: Mapping[str, str], where: str
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        while True:
            connection, kept = self._take(server, where)
            try:
                connection.request("GET", target, headers={"accept-encoding": "identity", **headers})
                answer = connection.getresponse()
            except _BROKEN as error:
                connection.close()
                if kept and isinstance(error, _DROPPED):
                    continue
                # Such an error may quote the link, and would be shown as the cause.
                raise translate(error, where, Operation.DOWNLOAD) from None
            answered(f"{server[0]}://{server[1]}:{server[2]}")
            return connection, answer

    def _take(self, server: _Server, where: str) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            idle = self._idle.get(server)
            kept = idle.pop() if idle else None
        if kept is not None:
            if kept.sock is not None:
                kept.sock.settimeout(self._patience(self._timeouts.idle_s))
            return kept, True
        return self._connected(server, where), False

    def _connected(self, server: _Server, where: str) -> http.client.HTTPConnection:
        scheme, host, port = server
        limit = self._patience(self._timeouts.connect_s)
        connection: http.client.HTTPConnection
        if scheme == "https":
            context = self._tls.context()
            connection = http.client.HTTPSConnection(host, port, timeout=limit, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=limit)
        try:
            connection.connect()
        except Error:
            raise
        except _BROKEN as error:
            connection.close()
            raise unreached(error, where, Operation.DOWNLOAD, f"{scheme}://{host}:{port}") from None
        connection.sock.settimeout(self._patience(self._timeouts.idle_s))
        return connection

    def _give_back(self, server: _Server, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            idle = self._idle.setdefault(server, [])
            if len(idle) < self._most:
                idle.append(connection)
                return
        connection.close()

    @staticmethod
    def _patience(seconds: float) -> float:
        left = remaining(seconds)
        return seconds if left is None else max(left, _LEAST_S)


def has_proxy(url: str) -> bool:
    """Whether the environment sends requests to this address by a proxy."""
    from urllib.request import getproxies_environment, proxy_bypass

    parts = urlsplit(url)
    found = getproxies_environment()
    if not (found.get(parts.scheme) or found.get("all")):
        return False
    return not proxy_bypass(parts.netloc)
