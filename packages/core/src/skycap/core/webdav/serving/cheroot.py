"""cheroot, with the settings and the corrections that WebDAV needs.

A connection takes a thread only while it has something to say. TLS is agreed upon in that thread too, so that
nobody who says nothing keeps others waiting. Threads are made as uploads that stall take those there are.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

from cheroot import connections, server, wsgi  # this module is imported when a server is started
from cheroot.ssl import Adapter

from skycap.core.webdav.serving import heads, unbound
from skycap.core.webdav.serving.streams import READ_SIZE, RequestBody, make_file

_log = logging.getLogger("skycap.webdav.server")
THREADS, MOST_THREADS = 16, 512
IDLE_S = 120.0
"""Without a byte in either direction for so long, a connection is cut."""
GRACE_S = 60.0
"""How long requests that run are waited for when the server stops."""
DRAIN = 1 << 20
"""Of a body that nobody wanted, so much is read before the connection is closed, that the answer arrives."""
NEXT_MS = 3 if hasattr(select, "poll") else 0
"""How long a thread waits for the next request of a client before it takes another one's."""
LINGER, LINGER_S = 8 << 20, 2.0
"""So much of what still comes is thrown away after that."""


class _Tls(Adapter):
    """TLS whose handshake is left to the thread that reads the first request."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, Any]]:
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, self.get_environ()

    def get_environ(self) -> dict[str, Any]:
        return {"wsgi.url_scheme": "https", "HTTPS": "on"}

    def makefile(self, sock: socket.socket, mode: str = "r", bufsize: int = -1) -> Any:
        return make_file(sock, mode)


class _Headers(server.HeaderReader):
    """Reads headers, and keeps `Expect` for the body: the application decides whether to go on."""

    def __call__(self, rfile: Any, hdict: Any = None) -> Any:
        found = {} if hdict is None else hdict
        found.update((name.title(), value) for name, value in heads.headers(_lines(rfile)).items())
        if found.get(b"Expect", b"").lower() == b"100-continue":
            del found[b"Expect"]
            found[b"X-Skycap-Expects"] = b"1"
        else:
            found.pop(b"X-Skycap-Expects", None)
        if found.get(b"Connection", b"").lower() in {b"close", b"keep-alive"}:  # cheroot knows one spelling
            found[b"Connection"] = {b"c": b"close", b"k": b"Keep-Alive"}[found[b"Connection"][:1].lower()]
        return found


def _lines(rfile: Any) -> Iterator[bytes]:
    while (line := rfile.readline()) != b"\r\n":
        if not line.endswith(b"\r\n"):
            raise ValueError("a line of the head has no end")
        yield line[:-2]


class _FirstLine:
    """Keeps the first line of a request, as it was sent."""

    def __init__(self, rfile: Any) -> None:
        self._rfile = rfile
        self.line = b""

    def readline(self) -> bytes:
        self.line = self._rfile.readline()
        return self.line


class _Request(server.HTTPRequest):
    rfile: Any
    header_reader = _Headers()

    def __init__(self, http_server: Any, conn: Any, **_: Any) -> None:
        # As a proxy cheroot takes `GET http://host/path` too, as RFC 9112 wants it of every server.
        super().__init__(http_server, conn, proxy_mode=True)

    def read_request_line(self) -> bool:
        rfile, self.rfile = self.rfile, _FirstLine(self.rfile)
        try:
            if not super().read_request_line():
                return False
            self.version = heads.first_line(self.rfile.line.rstrip(b"\r\n"))
        except ValueError as error:  # a host in brackets that is none
            self.simple_response("400 Bad Request", str(error))
            return False
        finally:
            self.rfile = rfile
        return True

    def read_request_headers(self) -> bool:
        if not super().read_request_headers():
            return False
        found = {name.lower(): value for name, value in self.inheaders.items()}
        try:
            heads.require_one_meaning(self.version, found)
        except ValueError as error:
            self.simple_response("400 Bad Request", str(error))
            return False
        except NotImplementedError as error:
            self.simple_response("501 Not Implemented", str(error))
            return False
        return True

    def respond(self) -> None:
        waits = self.inheaders.pop(b"X-Skycap-Expects", None) is not None
        length = None if self.chunked_read else int(self.inheaders.get(b"Content-Length", 0))
        go_on = self._go_on if waits and length != 0 else None
        self.rfile = RequestBody(self.conn.rfile, length, go_on)
        self.server.gateway(self).respond()
        if self.chunked_write:
            self.conn.wfile.write(b"0\r\n\r\n")
        if not self.rfile.ended:
            self._linger()

    def _go_on(self) -> None:
        self.conn.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def send_headers(self) -> None:
        if not self.rfile.ended and not self._drained():
            self.close_connection = True
        super().send_headers()

    def _drained(self) -> bool:
        """Read what is left of a body, if that is little. A client may look for the answer only after it."""
        if self.rfile.unasked or self.rfile.broken:
            return False
        left = DRAIN
        try:
            while left > 0 and (data := self.rfile.read(READ_SIZE)):
                left -= len(data)
        except (OSError, ValueError):
            return False
        return bool(self.rfile.ended)

    def _linger(self) -> None:
        # Closed at once, the kernel would answer the bytes that still come in with a reset, and the client
        # would lose what was said to it.
        sock = self.conn.socket
        with contextlib.suppress(OSError, ValueError):
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(LINGER_S)
            end, left = time.monotonic() + LINGER_S, LINGER
            while time.monotonic() < end and left > 0 and (data := sock.recv(READ_SIZE)):
                left -= len(data)


class _Gateway(wsgi.Gateway_10):
    def respond(self) -> None:
        response = self.req.server.wsgi_app(self.env, self.start_response)
        try:
            if hasattr(response, "pour"):
                self.req.ensure_headers_sent()
                response.pour(self.req.conn.wfile.write)
            elif isinstance(response, list) and len(response) == 1:
                self._send_small(response[0])
            else:
                for chunk in response:
                    if chunk:
                        self.write(chunk)
        except ssl.SSLError as error:
            raise ConnectionResetError(str(error)) from error
        finally:
            self.req.ensure_headers_sent()
            if hasattr(response, "close"):
                response.close()

    def _send_small(self, body: bytes) -> None:
        """Headers and body in one piece: one system call, one packet."""
        wfile = self.req.conn.wfile
        self.req.conn.wfile = gathered = _Gathered()
        try:
            self.write(body)
        finally:
            self.req.conn.wfile = wfile
        wfile.write(b"".join(gathered.pieces))


class _Gathered:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.pieces.append(data)
        return len(data)


class _Connection(server.HTTPConnection):
    RequestHandlerClass = _Request
    shaken = False

    def __init__(self, http_server: Any, sock: socket.socket, makefile: Any = make_file) -> None:
        super().__init__(http_server, sock, make_file)

    def communicate(self) -> bool:
        if isinstance(self.socket, ssl.SSLSocket) and not self.shaken:
            try:
                self.socket.do_handshake()
            except (OSError, ValueError):
                return False
            self.shaken = True
            return True  # it may be long until the request comes: wait for it without a thread
        while super().communicate():
            if not self._goes_on():
                return True
        return False

    def _goes_on(self) -> bool:
        """Whether the next request comes at once: then this thread takes it, which saves two hand-overs."""
        http_server = self.server
        if not http_server.ready or http_server.requests.qsize:
            return False
        if self.rfile.has_data():
            return True
        if not NEXT_MS:
            return False
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(NEXT_MS)) and bool(http_server.ready)


class _Connections(connections.ConnectionManager):
    """Lets a new connection wait in the selector until it says something."""

    def _from_server_socket(self, server_socket: socket.socket) -> None:
        conn = super()._from_server_socket(server_socket)
        if conn is not None:
            conn.last_used = time.time()
            self._selector.register(conn.socket.fileno(), selectors.EVENT_READ, data=conn)


class _Server(wsgi.Server):
    ConnectionClass = _Connection
    protocol = "HTTP/1.1"
    max_request_header_size = heads.HEAD_MAX
    keep_alive_conn_limit = None
    nodelay = True

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        _log.log(min(level, logging.DEBUG) if level <= logging.INFO else level, "%s", msg, exc_info=traceback)

    def process_conn(self, conn: Any) -> None:
        pool = self.requests
        if pool.idle <= pool.qsize and len(pool._threads) < MOST_THREADS:
            pool.grow(4)
        super().process_conn(conn)

    def stop(self) -> None:
        if self.ready:
            # The loop looks at its flag when somebody comes, or twice a second.
            self._connections._stop_requested = True
            host, port = self.bind_addr
            nearby = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
            with contextlib.suppress(OSError), socket.create_connection((nearby, port), timeout=1.0):
                pass
        super().stop()

    @classmethod
    def prepare_socket(cls, bind_addr: Any, *args: Any, **options: Any) -> Any:
        sock = super().prepare_socket(bind_addr, *args, **options)
        if os.name != "nt":  # for a free port too: the next server may be told to take the same one
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return sock

    def prepare(self) -> None:
        manager, connections.ConnectionManager = connections.ConnectionManager, _Connections
        try:
            super().prepare()
        finally:
            connections.ConnectionManager = manager


class CherootServer:
    """See `skycap.core.webdav.serving.HttpServer`."""

    def __init__(self, app: Any, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self._server = _Server(
            (host, port),
            app,
            numthreads=THREADS,
            max=MOST_THREADS,
            request_queue_size=128,
            timeout=IDLE_S,
            shutdown_timeout=GRACE_S,
            server_name="skycap",
        )
        self._server.gateway = _Gateway
        if tls is not None:
            self._server.ssl_adapter = _Tls(tls)
        self._stopped = threading.Event()
        try:
            self._server.prepare()
        except OSError as error:
            raise unbound(error, host, port) from error

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.bind_addr[1])

    def serve(self) -> None:
        """Answer requests until `stop`."""
        self._server.serve()
        self._stopped.wait()

    def stop(self) -> None:
        """Let what runs come to its end."""
        self._server.stop()
        self._stopped.set()
