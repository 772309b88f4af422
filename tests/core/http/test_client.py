"""The seam to HTTP, against a real server on loopback."""

from __future__ import annotations

import io
import logging
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.errors import (
    AuthMissing,
    ConfigInvalid,
    DownloadFailed,
    Error,
    NotFound,
    ProviderError,
    RateLimited,
    Timeout,
    TransferFailed,
    UploadFailed,
    UsageError,
)
from skycap.core.http import Client, Request, Timeouts
from skycap.core.retry import Operation, Policies, Policy, RetryEvent

OK = (200, {}, b"fine")
PATIENT = Policies(*[Policy(attempts=4, base_s=0)] * 4)


def test_an_answer_comes_whole(server: Any) -> None:
    server.on("/a", (200, {"X-Thing": "1"}, b'{"b": [1]}'))
    with Client(server.url) as client:
        answer = client.request("GET", "/a", params={"q": "x y"}, headers={"X-Mine": "2"})
    assert (answer.status, answer.headers["x-thing"], answer.json()) == (200, "1", {"b": [1]})
    assert server.seen[0].path in {"/a?q=x+y", "/a?q=x%20y"}
    assert server.seen[0].headers["x-mine"] == "2"


def test_the_user_agent_says_who_we_are(server: Any) -> None:
    server.on("/", OK)
    with Client(server.url) as client:
        client.request("GET", "/")
    assert server.seen[0].headers["user-agent"].startswith("skycap/")


def test_json_and_forms_are_sent_as_such(server: Any) -> None:
    server.on("/", OK)
    with Client(server.url) as client:
        client.request("POST", "/", json={"a": 1})
        client.request("POST", "/", form={"b": "2"})
    assert server.seen[0].body.replace(b" ", b"") == b'{"a":1}'
    assert server.seen[1].body == b"b=2"


def test_what_is_not_json_is_said_so(server: Any) -> None:
    server.on("/", (200, {}, b"<html>"))
    with Client(server.url) as client, pytest.raises(ProviderError, match="not JSON"):
        client.request("GET", "/").json()


def test_a_body_of_known_size_goes_up_as_it_is_read(server: Any) -> None:
    server.on("/up", OK)
    data = bytes(range(256)) * 5000
    with Client(server.url) as client:
        client.request("PUT", "/up", content=io.BytesIO(data), size=len(data))
        client.request("PUT", "/up", content=io.BytesIO(data))
        client.request("PUT", "/up", content=memoryview(data))
    assert [seen.body == data for seen in server.seen] == [True] * 3
    assert server.seen[0].headers["content-length"] == str(len(data))
    assert server.seen[1].headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("data", [b"abc", b"", b"x" * 11])
def test_a_source_of_another_size_is_an_upload_that_failed(server: Any, data: bytes) -> None:
    server.on("/up", OK)
    with Client(server.url) as client, pytest.raises(UploadFailed):
        client.request("PUT", "/up", content=io.BytesIO(data), size=10)
    assert [seen.body for seen in server.seen if len(seen.body) == 10] == []


def test_an_error_of_the_source_comes_out_unchanged(server: Any) -> None:
    class Broken:
        def read(self, size: int = -1, /) -> bytes:
            raise NotFound("the source is gone", where="a")

    server.on("/up", OK)
    with Client(server.url) as client, pytest.raises(NotFound) as caught:
        client.request("PUT", "/up", content=Broken())
    assert caught.value.message == "the source is gone"


def test_a_stream_comes_in_pieces_of_any_size(server: Any) -> None:
    data = bytes(range(256)) * 4096
    server.on("/down", (200, {}, data))
    with Client(server.url) as client:
        for size in (1000, 1 << 20, -1):
            with client.stream("GET", "/down") as stream:
                assert stream.length == len(data)
                pieces = []
                while piece := stream.read(size):
                    assert size < 0 or len(piece) <= size
                    pieces.append(piece)
                assert b"".join(pieces) == data
                assert stream.read(10) == b""


def test_a_stream_gives_the_bytes_as_they_were_sent(server: Any) -> None:
    server.on("/zipped", (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b not unpacked"))
    with Client(server.url) as client, client.stream("GET", "/zipped") as stream:
        assert stream.read() == b"\x1f\x8b not unpacked"
    assert server.seen[0].headers["accept-encoding"] == "identity"


def test_a_head_request_has_a_length_and_no_body(server: Any) -> None:
    server.on("/a", (200, {"Content-Length": "5000"}, b""))
    with Client(server.url) as client, client.stream("HEAD", "/a") as stream:
        assert stream.read() == b""
        assert stream.headers["content-length"] == "5000"


def _truncate(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x" * 400)
    handler.close_connection = True


def _truncate_chunked(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"190\r\n" + b"x" * 400 + b"\r\n")
    handler.close_connection = True


def _reset(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(handler.connection.detach())


@pytest.mark.parametrize("cut", [_truncate, _truncate_chunked])
def test_a_body_cut_short_is_never_taken_for_the_whole(server: Any, cut: Callable[..., None]) -> None:
    server.routes["/cut"] = cut
    with Client(server.url) as client:
        with client.stream("GET", "/cut") as stream, pytest.raises(DownloadFailed) as caught:
            stream.read()
        with pytest.raises(DownloadFailed):
            client.request("GET", "/cut", operation=Operation.DOWNLOAD)
    assert caught.value.retryable


def test_a_reset_is_tried_again(server: Any) -> None:
    left = [_reset, _reset]

    def flaky(handler: BaseHTTPRequestHandler) -> None:
        if left:
            left.pop()(handler)
        else:
            handler.send_response(204)
            handler.end_headers()

    server.routes["/"] = flaky
    events: list[RetryEvent] = []
    with Client(server.url, policies=PATIENT, on_retry=events.append) as client:
        assert client.request("GET", "/").status == 204
    assert [event.operation for event in events] == ["GET", "GET"]


def test_without_a_policy_nothing_is_sent_twice(server: Any) -> None:
    server.on("/", (503, {}, b""))
    with Client(server.url) as client, pytest.raises(TransferFailed) as caught:
        client.request("GET", "/")
    assert caught.value.retryable
    assert len(server.seen) == 1


def test_a_busy_server_is_waited_for_as_long_as_it_asks(server: Any) -> None:
    server.on("/", (429, {"Retry-After": "0.01"}, b""), (503, {}, b""), OK)
    events: list[RetryEvent] = []
    with Client(server.url, policies=PATIENT, on_retry=events.append) as client:
        assert client.request("PUT", "/", content=b"abc").body == b"fine"
    assert [type(event.error) for event in events] == [RateLimited, TransferFailed]
    assert events[0].delay_s >= 0.01
    assert [seen.body for seen in server.seen] == [b"abc"] * 3


def test_a_stream_that_goes_up_is_sent_once(server: Any) -> None:
    server.on("/", (503, {}, b""), OK)
    with Client(server.url, policies=PATIENT) as client, pytest.raises(TransferFailed):
        client.request("PUT", "/", content=io.BytesIO(b"abc"), size=3)
    assert len(server.seen) == 1


def test_opening_a_stream_is_tried_again(server: Any) -> None:
    server.on("/", (500, {}, b""), OK)
    with Client(server.url, policies=PATIENT) as client, client.stream("GET", "/") as stream:
        assert stream.read() == b"fine"


def test_a_status_one_expects_does_not_raise(server: Any) -> None:
    server.on("/", (404, {}, b"no"))
    with Client(server.url) as client:
        assert client.request("GET", "/", ok=(404,)).status == 404
        with pytest.raises(NotFound) as caught:
            client.request("GET", "/", where="photos:a.jpg")
    assert caught.value.where == "photos:a.jpg"


def test_what_the_server_said_is_in_the_error(server: Any) -> None:
    server.on(
        "/", (400, {"Content-Type": "application/json"}, b'{"error":\n "bucket name", "token": "abcdefgh"}')
    )
    with Client(server.url) as client, pytest.raises(ProviderError) as caught:
        client.request("GET", "/")
    assert '"bucket name"' in caught.value.message
    assert "abcdefgh" not in caught.value.message


def test_proof_is_asked_for_each_try_and_renewed_once_when_refused(server: Any) -> None:
    server.on("/", (401, {}, b""), OK)
    asked: list[bool] = []

    def authorize(request: Request) -> Mapping[str, str]:
        asked.append(request.refused)
        return {"authorization": f"Bearer token{len(asked)}"}

    with Client(server.url, authorize=authorize) as client:
        assert client.request("GET", "/").status == 200
    assert asked == [False, True]
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer token1", "Bearer token2"]


def test_proof_that_stays_refused_is_an_error(server: Any) -> None:
    server.on("/", (401, {}, b""))
    with Client(server.url, authorize=lambda _: {}) as client, pytest.raises(AuthMissing) as caught:
        client.request("GET", "/")
    assert "skycap auth login" in (caught.value.hint or "")
    assert len(server.seen) == 2


def test_a_connection_is_used_again(server: Any) -> None:
    ports: set[int] = set()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address[1])
        handler.send_response(204)
        handler.end_headers()

    server.routes["/"] = answer
    with Client(server.url) as client:
        for _ in range(5):
            client.request("GET", "/")
    assert len(ports) == 1


def test_threads_share_a_client(server: Any) -> None:
    server.on("/", OK)
    with Client(server.url, connections=2) as client:
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda: answers.append(client.request("GET", "/").status))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [200] * 8


def test_a_server_that_says_nothing_is_given_up(server: Any) -> None:
    done = threading.Event()
    server.routes["/"] = lambda handler: done.wait(20) and None
    try:
        with Client(server.url, timeouts=Timeouts(idle_s=0.1)) as client, pytest.raises(Timeout) as caught:
            client.request("GET", "/")
    finally:
        done.set()
    assert "--timeout" in (caught.value.hint or "")


def test_a_stream_that_stalls_is_given_up(server: Any) -> None:
    done = threading.Event()

    def stall(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"x")
        handler.wfile.flush()
        done.wait(20)

    server.routes["/"] = stall
    try:
        with (
            Client(server.url, timeouts=Timeouts(idle_s=0.1)) as client,
            client.stream("GET", "/") as stream,
            pytest.raises(Timeout),
        ):
            stream.read()
    finally:
        done.set()


def test_a_try_that_may_take_no_longer_shortens_every_wait(server: Any) -> None:
    done = threading.Event()
    server.routes["/"] = lambda handler: done.wait(20) and None
    policies = Policies(*[Policy(attempts=1, per_try_timeout_s=0.1)] * 4)
    try:
        with Client(server.url, policies=policies) as client, pytest.raises(Timeout):
            client.request("GET", "/")
    finally:
        done.set()


def test_a_try_that_is_over_sends_nothing(server: Any) -> None:
    from skycap.core.retry import Caller

    now = [0.0]

    def late() -> None:
        now[0] += 5
        with Client(server.url) as client:
            client.request("GET", "/")

    with pytest.raises(Timeout, match="too long"):
        Caller(Policy(attempts=1, per_try_timeout_s=5), clock=lambda: now[0])(late)
    assert server.seen == []


def test_a_closed_port_says_that_the_connection_was_refused() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(TransferFailed) as caught:
        client.request("GET", "/")
    assert "refused" in caught.value.message
    assert caught.value.retryable


def test_an_unknown_host_is_not_asked_again_and_again() -> None:
    with Client("http://no-such-host.invalid") as client, pytest.raises(TransferFailed) as caught:
        client.request("GET", "/")
    assert "name of the host" in caught.value.message


@pytest.mark.parametrize("url", ["ftp://x/", "/relative", "http://[::1"])
def test_what_is_not_a_web_address_is_a_fault_of_the_configuration(url: str) -> None:
    with Client() as client, pytest.raises(ConfigInvalid):
        client.request("GET", url)


def test_a_proxy_is_used_when_named(server: Any) -> None:
    server.on("http://somewhere.invalid/a", OK)
    with Client("http://somewhere.invalid", proxy=server.url) as client:
        assert client.request("GET", "/a").body == b"fine"


def test_a_proxy_that_is_no_url_is_refused() -> None:
    with Client("http://x", proxy="nonsense") as client, pytest.raises(ConfigInvalid):
        client.request("GET", "/")


def test_a_closed_client_says_so(server: Any) -> None:
    client = Client(server.url)
    client.close()
    client.close()
    with pytest.raises(UsageError, match="closed"):
        client.request("GET", "/")


def test_nothing_secret_is_logged_or_raised(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    server.on("/a", (500, {"Set-Cookie": "session=cookie-value-1"}, b""))
    caplog.set_level(logging.DEBUG)
    with (
        Client(
            server.url,
            secrets=(Secret("registered-value"),),
            authorize=lambda _: {"authorization": "Bearer bearer-value"},
        ) as client,
        pytest.raises(Error) as caught,
    ):
        client.request("GET", "/a?X-Amz-Signature=signed-value&path=registered-value&b=1")
    assert server.seen[0].path.endswith("&b=1")
    text = caplog.text + str(caught.value) + repr(client)
    assert "HTTP Request" in text
    assert "b=1" in text
    for value in ("signed-value", "registered-value", "bearer-value", "cookie-value-1"):
        assert value not in text


def test_an_illegal_header_is_not_quoted_in_the_error(server: Any) -> None:
    server.on("/", OK)
    with (
        Client(server.url, authorize=lambda _: {"authorization": "Bearer broken\nvalue"}) as client,
        pytest.raises(Error) as caught,
    ):
        client.request("GET", "/")
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "broken" not in str(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def test_another_transport_can_take_its_place() -> None:
    import httpx

    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-length": "10"}, stream=httpx.ByteStream(b"short"))

    with (
        Client("http://x", transport=httpx.MockTransport(handle)) as client,
        client.stream("GET", "/") as stream,
        pytest.raises(DownloadFailed, match="5 of 10"),
    ):
        stream.read()


def test_the_client_library_is_imported_at_the_first_request() -> None:
    code = "import sys, skycap.core.http as h; h.Client('http://x'); assert 'httpx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_who_signs_is_told_the_challenge_of_a_refusal(server: Any) -> None:
    server.on("/a", (401, {"WWW-Authenticate": 'Digest realm="r"'}, b""), OK)
    asked: list[Request] = []

    def authorize(request: Request) -> dict[str, str]:
        asked.append(request)
        return {}

    with Client(server.url, authorize=authorize) as client:
        client.request("GET", "/a")
    assert [(one.refused, one.challenge) for one in asked] == [(False, ""), (True, 'Digest realm="r"')]


def test_a_server_that_takes_no_connection_is_named(server: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with Client(url) as client, pytest.raises(TransferFailed, match="refused") as caught:
        client.request("GET", "/a")
    assert caught.value.unreached == url
