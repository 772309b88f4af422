"""waitress: takes the whole body of a request first, in a temporary file if it is large, and then asks.

Clients that are slow or go away cost no thread. It costs disk, and a client waits at the end of its upload
until the storage has it.
"""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

from waitress.channel import HTTPChannel  # this module is imported when a server is started
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.server import TcpWSGIServer, create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask

from skycap.core.webdav.serving import heads, unbound
from skycap.core.webdav.serving.chunks import Chunks

THREADS, MOST_THREADS = 16, 512
IDLE_S = 120
GRACE_S = 60.0


class _Parser(HTTPRequestParser):
    """Refuses heads that could be understood in more than one way, before waitress understands them."""

    body_rcv: Any

    def parse_header(self, header_plus: bytes) -> None:
        if self.header_bytes_received >= self.adj.max_request_header_size:
            super().parse_header(header_plus)  # a stand-in for one that was too long
            return
        first, *lines = header_plus.removesuffix(b"\r\n").removesuffix(b"\r\n").split(b"\r\n")
        try:
            heads.require_one_meaning(heads.first_line(first), heads.headers(lines))
            super().parse_header(header_plus)
            if self.chunked:
                self.body_rcv = Chunks(self.body_rcv.getbuf())
            elif self.body_rcv is None:
                self.expect_continue = False  # waitress would wait for ever for a body that is none
        except NotImplementedError as error:
            raise TransferEncodingNotImplemented(str(error)) from None
        except ValueError as error:  # also a host in brackets that is none
            raise ParsingError(str(error)) from None


class _Task(WSGITask):
    """Writes no end of a body that is none: waitress would, after an answer to HEAD of unknown length."""

    def finish(self) -> None:
        if not self.wrote_header:
            self.write(b"")
        if self.request.command == "HEAD":
            self.chunked_response = False
        super().finish()


class _Channel(HTTPChannel):
    parser_class = _Parser
    task_class = _Task
    request: Any

    def handle_close(self) -> None:
        # What came of a body that broke off may be in a temporary file.
        request, self.request = self.request, None
        if request is not None:
            request.close()
        super().handle_close()


class _Threads(ThreadedTaskDispatcher):
    """Threads for requests; more are made as clients that do not read hold those there are."""

    def __init__(self) -> None:
        super().__init__()
        self.set_thread_count(THREADS)

    def add_task(self, task: Any) -> None:
        with self.lock:
            running = len(self.threads) - self.stop_count
            idle = running - self.active_count
            grow = running > 0 and len(self.queue) >= idle and running < MOST_THREADS
        if grow:
            self.set_thread_count(running + 4)
        super().add_task(task)


class WaitressServer:
    """See `skycap.core.webdav.serving.HttpServer`."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        logging.getLogger("waitress").setLevel(logging.ERROR)
        self._map: dict[int, Any] = {}
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            listener = socket.create_server((host, port), family=family, backlog=128)
        except OSError as error:
            raise unbound(error, host, port) from error
        self.port = listener.getsockname()[1]
        self._server: TcpWSGIServer = create_server(
            app,
            map=self._map,
            sockets=[listener],
            _dispatcher=_Threads(),
            ident="skycap",
            connection_limit=1000,
            channel_timeout=IDLE_S,
            cleanup_interval=10,
            backlog=128,
            max_request_body_size=1 << 62,
            max_request_header_size=heads.HEAD_MAX,
            asyncore_use_poll=True,
            channel_request_lookahead=1,
            outbuf_high_watermark=1 << 20,
            outbuf_overflow=2 << 20,  # more than that is never waiting, so it needs no temporary files
            clear_untrusted_proxy_headers=True,
        )
        self._server.channel_class = _Channel

    def serve(self) -> None:
        """Answer requests until `stop`."""
        from waitress import wasyncore

        server = self._server
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1.0, use_poll=True, map=self._map, count=1)
        server.accepting = False
        server.del_channel()
        server.socket.close()
        self._finish(wasyncore)

    def _finish(self, wasyncore: Any) -> None:
        """Let what came in or comes in be answered, and the answers go out."""
        import time

        end = time.monotonic() + GRACE_S
        while time.monotonic() < end:
            for channel in list(self._map.values()):
                # Without a request it would bring another one, and this would never end.
                if hasattr(channel, "requests") and not _at_work(channel):
                    channel.handle_close()
            if not any(hasattr(channel, "requests") for channel in list(self._map.values())):
                break
            wasyncore.loop(timeout=0.2, use_poll=True, map=self._map, count=1)
        # Where the client left after its last byte, what it sent is stored all the same.
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=max(5.0, end - time.monotonic()))
        with self._lock:
            self._closed = True
            wasyncore.close_all(self._map, ignore_all=True)

    def stop(self) -> None:
        """Let what runs come to its end."""
        with self._lock:
            self._stopping.set()
            if not self._closed:  # the trigger's descriptor may be somebody else's by now
                self._server.pull_trigger()


def _at_work(channel: Any) -> bool:
    """Whether a request runs or its body comes in, or an answer goes out."""
    with channel.requests_lock:
        coming = channel.request is not None and channel.request.headers_finished
        if channel.requests or coming:
            return bool(channel.connected)
    return bool(channel.connected and channel.total_outbufs_len)
