"""Uploads that are too large to be held, that break off, and that come under conditions."""

from __future__ import annotations

import hashlib
import random
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.trees import KiB, MiB
from tests.e2e.webdav.door import Door, status_of

LARGE = 9 * MiB + 17
"""More than a server holds in memory, and than one part of an upload to S3."""


def _pieces(size: int, seed: int) -> Iterator[bytes]:
    source = random.Random(seed)
    while size:
        piece = source.randbytes(min(size, 300 * KiB))
        yield piece
        size -= len(piece)


def _hash(pieces: Iterator[bytes]) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


@pytest.mark.parametrize("told", [True, False], ids=["size is told", "size is not told"])
def test_a_large_upload_is_stored_whole(door: Door, told: bool) -> None:
    length = {"Content_Length": str(LARGE)} if told else {}
    reply = door("PUT", "large", _pieces(LARGE, 1), **length)
    assert reply.status == 201
    got = door("GET", "large")
    assert got.headers["etag"] == reply.headers["etag"]
    assert hashlib.sha256(got.body).hexdigest() == _hash(_pieces(LARGE, 1))
    assert door("PUT", "large", _pieces(LARGE, 2), **length).status == 204
    assert hashlib.sha256(door("GET", "large").body).hexdigest() == _hash(_pieces(LARGE, 2))


@pytest.mark.parametrize("end", ["it is closed", "it is reset"])
def test_an_upload_that_breaks_off_leaves_the_old_file(door: Door, end: str) -> None:
    assert door("PUT", "a.txt", b"old").status == 201
    with door.begin_put("a.txt", LARGE) as connection:
        connection.sendall(b"x" * (1 * MiB))
        if end == "it is closed":
            connection.shutdown(socket.SHUT_WR)
            said = connection.recv(1000)
            assert not said or said.split()[1] == b"400", "the end was seen"
        else:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with door.begin_put("new", LARGE) as connection:
        connection.sendall(b"x")
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1000)
    assert door("GET", "a.txt").body == b"old"
    assert door("GET", "new").status == 404
    assert sorted(door.find("", "1", "getetag").hrefs) == [door.base, f"{door.base}a.txt"]


def test_the_finder_writes_under_its_lock_and_nobody_else_does(door: Door) -> None:
    text = b"all of it\n" * 50_000
    assert door("PUT", "a.txt", b"").status == 201
    locked = door.lock("a.txt", Timeout="Second-600", Depth="0")
    assert locked.status == 200
    token = locked.headers["lock-token"]
    url = f"http://127.0.0.1:{door.port}{door.base}a.txt"
    assert door("PUT", "a.txt", b"other").status == 423
    assert (
        door("PUT", "a.txt", b"other", If="(<urn:uuid:00000000-0000-0000-0000-000000000000>)").status == 412
    )
    expected = {"X_Expected_Entity_Length": str(len(text))}
    written = door("PUT", "a.txt", iter([text]), If=f"({token})", **expected)
    assert written.status == 204
    etag = written.headers["etag"]
    assert door("PUT", "a.txt", iter([text]), If=f"({token})", X_Expected_Entity_Length="7").status == 400
    assert door("PUT", "a.txt", text, If=f'({token} ["gone"])').status == 412
    assert door("PUT", "a.txt", text, If=f"<{url}> ({token} [{etag}])", If_Match=etag).status == 204
    assert door("PUT", "a.txt", text, If=f'(["gone"]) ({token})').status == 204
    assert door("GET", "a.txt").body == text
    assert door("LOCK", "a.txt", b"", If=f"({token})", Timeout="Second-600").status == 200
    assert door("UNLOCK", "a.txt", Lock_Token=token).status == 204
    assert door("PUT", "a.txt", b"other").status == 204


def test_a_condition_holds_before_the_body_and_after(door: Door) -> None:
    etag = door("PUT", "a.txt", b"one", If_None_Match="*").headers["etag"]
    assert door("PUT", "a.txt", b"x", If_None_Match="*").status == 412
    assert door("PUT", "a.txt", b"x", If_Match='"other"').status == 412
    assert door("PUT", "b.txt", b"x", If_Match="*").status == 412
    assert door("PUT", "a.txt", b"two", If_Match=f'"other", {etag}').status == 204
    assert door("PUT", "a.txt", b"x", If_Match=etag).status == 412
    etag = door("GET", "a.txt").headers["etag"]
    with door.begin_put("a.txt", 5, headers=f"If-Match: {etag}\r\n") as connection:
        connection.sendall(b"thr")
        assert door("PUT", "a.txt", b"between").status == 204
        connection.sendall(b"ee")
        assert status_of(connection) == 412
    assert door("GET", "a.txt").body == b"between"
    assert door("DELETE", "a.txt", If_Match=etag).status == 412
    assert door("GET", "b.txt").status == 404


def test_a_body_that_waits_to_be_wanted_is_not_wanted_where_it_is_refused(
    kind: str, open_door: Callable[[str, str], Door]
) -> None:
    """Waitress asks for every body, and then says what it thinks of it."""
    door = open_door("cheroot", kind)
    head = "HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\n"
    for path, more, status in (
        ("no/where", "", 409),
        ("a.txt", 'If-Match: "x"\r\n', 412),
        ("a.txt", "Content-Range: bytes 0-1/3\r\n", 400),
    ):
        with door.plain(f"PUT {door.base}{path} {head}{more}\r\n".encode()) as connection:
            assert status_of(connection) == status
