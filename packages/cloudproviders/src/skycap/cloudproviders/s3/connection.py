"""Connections to one service: kept, shared by threads, with timeouts, TLS and proxies."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from urllib.parse import urlsplit

from skycap.cloudproviders.s3.options import S3Options
from skycap.core.errors import ConfigInvalid
from skycap.core.retry import remaining, whole_try

DROPPED = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError, http.client.RemoteDisconnected)
"""How it shows that the server closed a kept connection while it was idle."""
_LEAST_S = 0.001
# Zero would mean not to wait at all, which is another kind of socket.
Server = tuple[str, str, int]


def patience(seconds: float) -> float:
    """How long to wait for the server: this long, or as long as the try may still take."""
    left = remaining(seconds)
    return seconds if left is None else max(left, _LEAST_S)


def tls_context(options: S3Options) -> ssl.SSLContext:
    """What is trusted: the system's authorities, or the file that the options name."""
    if not options.verify_tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cafile=options.ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(
            f"ca_bundle cannot be read ({error})",
            where=options.ca_bundle,
            hint="It is a file of certificates in PEM form.",
        ) from error


class Connections:
    """A pool. A connection that comes out of it was idle, and may have been dropped meanwhile."""

    def __init__(self, options: S3Options) -> None:
        self._options = options
        self._idle: dict[Server, list[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._pid = os.getpid()

    def take(self, server: Server) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it has been used before."""
        with self._lock:
            if self._pid != os.getpid():
                # A child shares its parent's sockets: what it sends would end up in the parent's answers.
                self._idle, self._pid = {}, os.getpid()
            idle = self._idle.get(server)
            kept = idle.pop() if idle else None
        if kept is not None:
            if kept.sock is not None:
                kept.sock.settimeout(patience(self._options.read_timeout))
            return kept, True
        return self._connect(server), False

    def give_back(self, server: Server, connection: http.client.HTTPConnection) -> None:
        """Keep it for the next request."""
        with self._lock:
            idle = self._idle.setdefault(server, [])
            if len(idle) < self._options.connections:
                idle.append(connection)
                return
        connection.close()

    def be_patient(self, kept: socket.socket | None) -> None:
        """The try ends with the answer; what follows may take long, but each piece no longer than a try."""
        if kept is not None and kept.fileno() >= 0:
            kept.settimeout(max(whole_try(self._options.read_timeout), _LEAST_S))

    def close(self) -> None:
        """Close those that are idle."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    def _connect(self, server: Server) -> http.client.HTTPConnection:
        scheme, host, port = server
        options = self._options
        proxy = _proxy(scheme, host)
        address = proxy or (host, port)
        connection: http.client.HTTPConnection
        if scheme == "https":
            with self._lock:
                self._context = self._context or tls_context(options)
            connection = http.client.HTTPSConnection(
                *address, timeout=patience(options.connect_timeout), context=self._context
            )
        else:
            connection = http.client.HTTPConnection(*address, timeout=patience(options.connect_timeout))
        if proxy:
            connection.set_tunnel(host, port)
        connection.blocksize = 256 * 1024
        connection.connect()
        connection.sock.settimeout(patience(options.read_timeout))
        return connection


def _proxy(scheme: str, host: str) -> tuple[str, int] | None:
    names = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    url = next((os.environ[name] for name in names if os.environ.get(name)), None)
    if url is None:
        return None
    from urllib.request import proxy_bypass

    if proxy_bypass(host):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigInvalid("only http:// proxies are spoken to", where=f"{scheme}_proxy")
    return parts.hostname, parts.port or 80
