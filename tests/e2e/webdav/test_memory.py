"""What a server takes of memory does not depend on how large a file is, nor on who sends it."""

from __future__ import annotations

import base64
import contextlib
import os
import select
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.core.webdav.commands.servers import Server, serving
from tests.e2e.lab import Lab
from tests.e2e.stores import Store
from tests.e2e.trees import KiB, MiB
from tests.e2e.webdav.door import Door, memory, reset_peak, status_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
_ZEROS = memoryview(bytes(MiB))
GiB = 1024 * MiB


def _peak(door: Door, act: Callable[[], None]) -> int:
    """How much the peak of memory rises above what the server had before, in bytes."""
    before = reset_peak(door.pid)
    act()
    grown = memory(door.pid) - before
    print(f"{door.server} {door.base}: {before / MiB:.0f} MiB + {grown / MiB:.1f} MiB")
    return grown


def _put(door: Door, path: str, size: int, *, chunked: bool = False) -> None:
    said = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    with door.plain(f"PUT {door.base}{path} HTTP/1.1\r\nHost: x\r\n{said}\r\n\r\n".encode()) as connection:
        for start in range(0, size, MiB):
            piece = _ZEROS[: min(MiB, size - start)]
            if chunked:
                connection.sendall(b"%x\r\n" % len(piece))
            connection.sendall(piece)
            if chunked:
                connection.sendall(b"\r\n")
        if chunked:
            connection.sendall(b"0\r\n\r\n")
        connection.settimeout(1800)
        assert status_of(connection) in {201, 204}


def _get(door: Door, path: str, size: int) -> None:
    with closing(door.connect()) as line:
        line.request("GET", door.base + path)
        answer = line.getresponse()
        assert answer.getheader("content-length") == str(size)
        buffer, total = bytearray(MiB), 0
        while count := answer.readinto(buffer):
            total += count
        assert total == size


@pytest.mark.parametrize("kind", ["local", "crypt"], indirect=True)
def test_a_large_file_takes_no_more_memory_than_a_small_one(door: Door) -> None:
    _warm(door)
    assert _peak(door, lambda: _put(door, "a", 64 * MiB)) < 16 * MiB
    assert _peak(door, lambda: _put(door, "b", 64 * MiB, chunked=True)) < 16 * MiB
    assert _peak(door, lambda: _get(door, "a", 64 * MiB)) < 16 * MiB


@pytest.mark.parametrize("kind", ["s3"], indirect=True)
def test_an_upload_to_s3_takes_as_much_memory_as_some_parts_of_it(door: Door) -> None:
    _warm(door)
    assert _peak(door, lambda: _put(door, "a", 160 * MiB)) < 112 * MiB
    assert _peak(door, lambda: _get(door, "a", 160 * MiB)) < 16 * MiB


def _warm(door: Door) -> None:
    """What is loaded and grown once does not count."""
    for _ in range(2):
        _put(door, "warm", 16 * MiB)
        _put(door, "warm", 16 * MiB, chunked=True)
        _get(door, "warm", 16 * MiB)


@pytest.mark.parametrize("kind", ["local"], indirect=True)
def test_many_large_files_at_once_take_little_memory(door: Door) -> None:
    size = 24 * MiB
    _put(door, "large", size)

    def at_once() -> None:
        with ExitStack() as stack:
            asked = f"GET {door.base}large HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            held = [stack.enter_context(door.plain(asked, receive=64 * KiB)) for _ in range(16)]
            assert {status_of(connection) for connection in held} == {200}
            for connection in held:
                for _ in range(4):
                    connection.recv(MiB)

    assert _peak(door, at_once) < 16 * 3 * MiB, "for who reads slowly, no more is held than can be sent soon"


# Who may not come in


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Iterator[Callable[[str], Server]]:
    """The server of a name that wants a password."""
    home = tmp_path_factory.mktemp("guarded")
    (home / "files").mkdir()
    (home / "password").touch(0o600)
    (home / "password").write_text("correct horse")
    with ExitStack() as stack:

        def start(name: str) -> Server:
            lab = Lab(home / name, store.environment())
            login = ("--user", "ada", "--password-file", str(home / "password"))
            args = (str(home / "files"), *login, "--server", name)
            return stack.enter_context(serving(*args, env=lab.env))

        yield start


@pytest.mark.parametrize("login", ["none", "wrong"])
def test_a_large_upload_of_a_stranger_takes_no_memory(
    server: str, login: str, guarded: Callable[[str], Server]
) -> None:
    running = guarded(server)
    door = Door(running.port, server, running.process.pid)
    shown = base64.b64encode(b"ada:wrong").decode()
    more = "" if login == "none" else f"Authorization: Basic {shown}\r\n"
    with door.plain(f"PUT /tiny HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n{more}\r\nx".encode()) as warm:
        assert status_of(warm) == 401
    size = 400 * MiB
    sent = [0]

    def upload() -> None:
        head = f"PUT /large HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n{more}\r\n"
        with door.plain(head.encode()) as connection:
            status = None
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                while sent[0] < size:
                    sent[0] += connection.send(_ZEROS)
                    if status is None and select.select([connection], [], [], 0)[0]:
                        status = status_of(connection)
            assert (status or status_of(connection)) == 401

    assert _peak(door, upload) < 20 * MiB
    if server == "cheroot":  # waitress takes each body before it asks what to do with it
        assert sent[0] < 100 * MiB, "it was not read to its end"
    assert os.listdir(running_files(running)) == []


def running_files(server: Server) -> Path:
    """The folder that it serves."""
    words = Path(f"/proc/{server.process.pid}/cmdline").read_bytes().split(b"\0")
    return Path(os.fsdecode(words[words.index(b"serve") + 1]))


# Larger than memory


@pytest.mark.long
@pytest.mark.parametrize("kind", ["local", "crypt"], indirect=True)
def test_four_gibibytes_go_both_ways_in_little_memory(door: Door) -> None:
    size = 4 * GiB
    _put(door, "warm", 16 * MiB)
    _get(door, "warm", 16 * MiB)
    assert _peak(door, lambda: _put(door, "large", size)) < 24 * MiB
    assert _peak(door, lambda: _get(door, "large", size)) < 24 * MiB
    assert door.find("large", "0", "getcontentlength").found(f"{door.base}large") == {
        "{DAV:}getcontentlength": str(size)
    }
    assert door("DELETE", "large").status == 204


def test_a_socket_that_is_reset_in_mid_download_costs_nothing(
    server: str, open_door: Callable[[str, str], Door]
) -> None:
    door = open_door(server, "local")
    _put(door, "large", 24 * MiB)
    for _ in range(20):
        with door.plain(f"GET {door.base}large HTTP/1.1\r\nHost: x\r\n\r\n".encode(), receive=4096) as held:
            assert status_of(held) == 200
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert _peak(door, lambda: _get(door, "large", 24 * MiB)) < 12 * MiB
