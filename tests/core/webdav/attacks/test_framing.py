"""Where a request ends must be plain: what has two meanings is refused, and nothing follows."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from contextlib import closing

import pytest

from skycap.core.storage.interface import Storage
from skycap.core.webdav.answers import StartResponse, empty
from skycap.core.webdav.request import Environ
from skycap.core.webdav.serving import ServerName, bind
from tests.core.webdav.attacks.conftest import FILES, SERVERS
from tests.core.webdav.attacks.raw import ask, head, quiet, whole, wire
from tests.core.webdav.served import Client, tree

SMUGGLED = b"DELETE /a HTTP/1.1\r\nHost: h\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"
BODY = b"3\r\nabc\r\n0\r\n\r\n"

REFUSED = {
    "a length beside chunks": head("PUT", "/n", "Content-Length: 5", CHUNKED) + b"0\r\n\r\n" + SMUGGLED,
    "chunks beside a length": head("PUT", "/n", CHUNKED, "Content-Length: 5") + b"0\r\n\r\n" + SMUGGLED,
    "two lengths": head("PUT", "/n", "Content-Length: 0", f"Content-Length: {len(SMUGGLED)}") + SMUGGLED,
    "one length twice": head("PUT", "/n", "Content-Length: 3", "Content-Length: 3") + b"abc",
    "a list of lengths": head("PUT", "/n", "Content-Length: 3, 3") + b"abc",
    "a folded length": head("PUT", "/n", "Content-Length: 3", " 5") + b"abcde",
    "a folded coding": head("PUT", "/n", "Transfer-Encoding:", " chunked") + BODY,
    "a fold before all": head("GET", "/a").replace(b"Host", b" Host"),
    "a space before the colon": head("PUT", "/n", "Content-Length : 3") + b"abc",
    "a tab before the colon": head("PUT", "/n", "Transfer-Encoding\t: chunked") + BODY,
    "no colon": head("GET", "/a", "nonsense"),
    "no name": head("GET", "/a", ": x"),
    "a name that is none": head("GET", "/a", b"a b\xff(): x"),
    "a length with a sign": head("PUT", "/n", "Content-Length: +3") + b"abc",
    "a length below nothing": head("PUT", "/n", "Content-Length: -1") + b"abc",
    "a length as Python writes it": head("PUT", "/n", "Content-Length: 1_0") + b"abcdefghij",
    "a length in hexadecimal": head("PUT", "/n", "Content-Length: 0x3") + b"abc",
    "no length": head("PUT", "/n", "Content-Length:") + b"abc",
    "a length in other digits": head("PUT", "/n", "Content-Length: \N{ARABIC-INDIC DIGIT THREE}") + b"abc",
    "a length beyond all": head("PUT", "/n", "Content-Length: " + "9" * 30),
    "a length of five thousand digits": head("PUT", "/n", "Content-Length: " + "9" * 5000),
    "another coding first": head("PUT", "/n", "Transfer-Encoding: gzip, chunked") + BODY,
    "another coding last": head("PUT", "/n", "Transfer-Encoding: chunked, identity") + BODY,
    "a coding like it": head("PUT", "/n", "Transfer-Encoding: xchunked") + BODY,
    "a coding after a control character": head("PUT", "/n", "Transfer-Encoding: \x0bchunked") + BODY,
    "a coding twice": head("PUT", "/n", CHUNKED, CHUNKED) + BODY,
    "a coding in HTTP/1.0": head("PUT", "/n", CHUNKED, version="1.0") + BODY,
    "a bare line feed": head("GET", "/a").replace(b"h\r\n", b"h\nX: y\r\n"),
    "a bare carriage return": head("GET", "/a").replace(b"h\r\n", b"h\rX: y\r\n"),
    "a NUL": head("GET", "/a", "X: y\0z"),
    "no host": head("GET", "/a").replace(b"Host: h\r\n", b""),
    "two hosts": head("GET", "/a", "Host: other"),
    "two destinations": whole("MOVE", "/a", b"", "Destination: /b", "Destination: /d/c"),
    "too many headers": head("GET", "/a", *(f"X{number}: y" for number in range(300))),
    "a huge header": head("GET", "/a", "X: " + "y" * 100_000),
    "one header again and again": head("GET", "/a", *["X: y"] * 15_000),
    "a huge URL": head("GET", "/" + "a" * 100_000),
    "HTTP/0.9": b"GET /a\r\n\r\n",
    "HTTP/2.0": head("GET", "/a", version="2.0"),
    "no version": head("GET", "/a", version="1.1x"),
    "a method in small letters": head("get", "/a"),
    "a method that is none": head("G\u00c9T", "/a"),
    "no path": head("GET", ""),
    "a host that is none": head("GET", "http://[::1/a"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_be_understood_in_two_ways_is_refused_and_nothing_follows(
    client: Client, storage: Storage, case: str
) -> None:
    with wire(client.port) as line:
        line.send(REFUSED[case])
        assert line.answer().status in {400, 413, 414, 431, 501, 505}
        assert line.rest() == b""
    assert tree(storage) == FILES


WRONG_CHUNKS = {
    "longer than said": b"3\r\nabcd\r\n0\r\n\r\n",
    "shorter than said": b"5\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a size below nothing": b"-3\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a size with a prefix": b"0x3\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a size with a sign": b"+3\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a size between spaces": b" 3\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a line without end": b"3" + b";" * 10_000,
    "no size": b"\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a size that is none": b"three\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("case", WRONG_CHUNKS)
def test_chunks_that_are_none_are_refused_and_nothing_follows(
    client: Client, storage: Storage, case: str
) -> None:
    with wire(client.port) as line:
        line.send(head("PUT", "/a", CHUNKED) + WRONG_CHUNKS[case])
        assert line.answer().status == 400
        assert line.rest() == b""
    assert tree(storage) == FILES


def test_chunks_may_have_extensions_and_trailers_and_the_next_request_is_understood(client: Client) -> None:
    body = b'3;why="so"\r\nabc\r\n0\r\nContent-Length: 5\r\nX: y\r\n\r\n'
    with wire(client.port) as line:
        assert line.ask(head("PUT", "/n", CHUNKED) + body).status == 201
        assert line.ask(head("GET", "/n")).body == b"abc"


def test_an_answer_to_head_has_no_body_of_any_kind(client: Client) -> None:
    for target in ("/", "/d", "/a", "/missing", "/%00"):
        with wire(client.port) as line:
            line.ask(head("HEAD", target, "Connection: close"))
            assert line.rest() == b""


@pytest.mark.parametrize("body", [b"", b"abc"])
def test_who_asks_whether_to_send_is_answered_also_without_a_body(client: Client, body: bytes) -> None:
    with wire(client.port) as line:
        assert line.ask(whole("PUT", "/n", body, "Expect: 100-continue")).status == 201
        assert line.ask(head("GET", "/n", "Expect: 100-continue", "Content-Length: 0")).body == body


def test_trailers_without_end_are_refused(client: Client, storage: Storage) -> None:
    with wire(client.port) as line:
        line.send(head("PUT", "/n", CHUNKED) + b"0\r\n" + b"X: y\r\n" * 200)
        assert line.answer().status == 400
        assert line.rest() == b""
    assert tree(storage) == FILES


def test_what_follows_a_body_is_the_next_request(client: Client) -> None:
    with wire(client.port) as line:
        assert line.ask(head("PUT", "/n", "Content-Length: 3") + b"abc" + head("GET", "/a")).status == 201
        assert line.answer().body == b"hello world"
        line.send(head("PUT", "/o", "Content-Length: 3") + b"xyzNONSENSE\r\n\r\n")
        assert line.answer().status == 201
        assert line.answer().status == 400
        assert line.rest() == b""
    assert client("GET", "/o").body == b"xyz"


def test_a_header_with_an_underscore_is_none_of_those_with_a_hyphen(client: Client) -> None:
    with wire(client.port) as line:
        asked = head("PUT", "/n", "Content-Length: 5", "Content_Length: 3", "Transfer_Encoding: chunked")
        assert line.ask(asked + b"abcde").status == 201
        assert line.ask(head("GET", "/n")).body == b"abcde"


@pytest.mark.parametrize("target", ["http://h/a", "HTTP://other.example/a", "//other.example/a"])
def test_a_url_for_a_path_means_that_path_here(client: Client, target: str) -> None:
    heard = quiet(ask(client.port, head("GET", target)))
    assert (heard.status, heard.body == b"hello world") in {(200, True), (404, False)}
    assert (heard.status == 200) == target.lower().startswith("http")


def test_the_host_of_a_url_counts_more_than_the_header(client: Client, storage: Storage) -> None:
    asked = whole("COPY", "http://real.example/a", b"", "Destination: http://h/copied")
    assert ask(client.port, asked).status == 502
    asked = whole("COPY", "http://real.example/a", b"", "Destination: http://real.example/copied")
    assert ask(client.port, asked).status == 201
    assert tree(storage)["copied"] == FILES["a"]


@pytest.mark.parametrize("target", ["ftp://h/a", "h:80", "a", "*"])
@pytest.mark.parametrize("method", ["GET", "PROPFIND", "DELETE", "CONNECT"])
def test_what_is_no_path_names_nothing(client: Client, storage: Storage, method: str, target: str) -> None:
    assert quiet(ask(client.port, head(method, target))).status in {400, 405}
    assert tree(storage) == FILES


@pytest.mark.parametrize(
    "noise", [bytes(range(256)), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 300]
)
def test_what_is_no_http_ends_its_own_connection_only(client: Client, noise: bytes) -> None:
    with wire(client.port) as line:
        line.send(noise)
        line.finish()
    assert client("GET", "/a").status == 200


@pytest.mark.parametrize("name", SERVERS)
def test_a_port_that_was_free_can_be_taken_again_at_once(name: ServerName) -> None:
    def nothing(_environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return empty(204).send(start_response)

    def once(port: int) -> int:
        server = bind(name, nothing, "127.0.0.1", port)
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            # The server closes first, so that its end of the connection lingers.
            with closing(socket.create_connection(("127.0.0.1", server.port), timeout=30)) as sock:
                sock.sendall(head("GET", "/", "Connection: close"))
                while sock.recv(1000):
                    pass
        finally:
            server.stop()
            thread.join()
        return server.port

    port = once(0)
    assert once(port) == port
