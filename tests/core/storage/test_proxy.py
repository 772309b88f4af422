"""The proxy that makes trouble, in front of a real HTTP server."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from skycap.core.testing.proxy import Trouble, TroublingProxy, seeded


class _Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the body it was sent, or with 100,000 bytes; says which Host was asked for."""

    protocol_version = "HTTP/1.1"
    seen: list[str] = []  # noqa: RUF012 - filled by the tests

    def do_GET(self) -> None:
        self._answer(b"x" * 100_000)

    def do_HEAD(self) -> None:
        self._answer(b"x" * 100_000)

    def do_PUT(self) -> None:
        body = self._chunks() if "Transfer-Encoding" in self.headers else self._body()
        type(self).seen.append(self.path)
        self._answer(body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("X-Host", self.headers["Host"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Connections break here on purpose."""


@pytest.fixture
def proxy() -> Iterator[TroublingProxy]:
    _Echo.seen.clear()
    with _Server(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with TroublingProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
                yield proxy
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def client(proxy: TroublingProxy) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(proxy.endpoint).netloc, timeout=20)
    yield connection
    connection.close()


def _ask(
    client: http.client.HTTPConnection, method: str = "GET", target: str = "/", body: bytes | None = None
) -> tuple[int, bytes]:
    client.request(method, target, body)
    response = client.getresponse()
    return response.status, response.read()


def _ask_in_chunks(client: http.client.HTTPConnection, chunks: list[bytes]) -> tuple[int, bytes]:
    client.request("PUT", "/file", iter(chunks), encode_chunked=True)
    response = client.getresponse()
    return response.status, response.read()


def test_requests_pass_as_they_are(proxy: TroublingProxy, client: http.client.HTTPConnection) -> None:
    assert _ask(client) == (200, b"x" * 100_000)
    assert _ask(client, "PUT", "/a%20b?c=d", b"body") == (200, b"body")
    assert _ask(client, "HEAD") == (200, b"")
    client.request("GET", "/")
    response = client.getresponse()
    response.read()
    assert f"http://{response.headers['X-Host']}" == proxy.endpoint
    assert proxy.methods() == {"GET": 2, "PUT": 1, "HEAD": 1}
    assert proxy.troubles() == 0
    assert proxy.requests[1].target == "/a%20b?c=d"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_status_is_answered_in_place_of_the_server(
    proxy: TroublingProxy, client: http.client.HTTPConnection, status: int
) -> None:
    proxy.schedule = lambda request: Trouble(status=status, retry_after=7) if request.number == 1 else None
    client.request("GET", "/")
    response = client.getresponse()
    response.read()
    assert (response.status, response.headers["Retry-After"]) == (status, "7")
    assert _ask(client)[0] == 200
    assert [request.status for request in proxy.requests] == [status, 200]


def test_a_reset_before_reaches_no_server(proxy: TroublingProxy, client: http.client.HTTPConnection) -> None:
    proxy.schedule = seeded(1, 1, [Trouble(reset="before")], most=1)
    with pytest.raises(ConnectionError):
        _ask(client, "PUT", "/file", b"body")
    assert _Echo.seen == []
    client.close()
    assert _ask(client, "PUT", "/file", b"body") == (200, b"body")


def test_a_reset_after_loses_only_the_answer(
    proxy: TroublingProxy, client: http.client.HTTPConnection
) -> None:
    proxy.schedule = seeded(1, 1, [Trouble(reset="after")], most=1)
    with pytest.raises(ConnectionError):
        _ask(client, "PUT", "/file", b"body")
    assert _Echo.seen == ["/file"]


def test_an_answer_breaks_off(proxy: TroublingProxy, client: http.client.HTTPConnection) -> None:
    proxy.schedule = seeded(1, 1, [Trouble(response_bytes=5000)], most=1)
    client.request("GET", "/")
    response = client.getresponse()
    with pytest.raises((ConnectionError, http.client.IncompleteRead)):
        response.read()
    client.close()
    assert _ask(client)[0] == 200


def test_a_body_breaks_off_on_its_way_up(proxy: TroublingProxy, client: http.client.HTTPConnection) -> None:
    proxy.schedule = seeded(1, 1, [Trouble(request_bytes=10)], most=1)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        _ask(client, "PUT", "/file", b"b" * 1_000_000)
    assert proxy.requests[0].status is None


def test_a_request_waits_for_the_test(proxy: TroublingProxy, client: http.client.HTTPConnection) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        arrived.set()
        go_on.wait(20)

    proxy.schedule = seeded(1, 1, [Trouble(wait=wait)], most=1)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(_ask(client, "PUT", "/file", b"body")))
    thread.start()
    assert arrived.wait(20)
    assert answers == []
    go_on.set()
    thread.join()
    assert answers == [(200, b"body")]


def test_a_schedule_is_the_same_for_a_seed(proxy: TroublingProxy) -> None:
    def outcomes(seed: int) -> list[bool]:
        proxy.schedule = seeded(seed, 0.5, [Trouble(status=503)])
        connection = http.client.HTTPConnection(urlsplit(proxy.endpoint).netloc, timeout=20)
        try:
            return [_ask(connection, "HEAD")[0] == 200 for _ in range(30)]
        finally:
            connection.close()

    assert outcomes(1) == outcomes(1) != outcomes(2)


def test_chunked_bodies_pass(proxy: TroublingProxy, client: http.client.HTTPConnection) -> None:
    for _ in range(2):
        assert _ask_in_chunks(client, [b"abc", b"def" * 50_000]) == (200, b"abc" + b"def" * 50_000)


def test_a_chunked_body_breaks_off_on_its_way_up(
    proxy: TroublingProxy, client: http.client.HTTPConnection
) -> None:
    proxy.schedule = seeded(1, 1, [Trouble(request_bytes=100)], most=1)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        _ask_in_chunks(client, [b"abc", b"def" * 50_000])
    assert proxy.requests[0].status is None


def test_a_healed_proxy_makes_no_trouble(proxy: TroublingProxy, client: http.client.HTTPConnection) -> None:
    proxy.schedule = seeded(1, 1, [Trouble(status=500)])
    assert _ask(client)[0] == 500
    proxy.heal()
    assert _ask(client)[0] == 200
