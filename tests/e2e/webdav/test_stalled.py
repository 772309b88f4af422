"""Clients that stall keep nobody waiting: what others ask is answered while they are still held."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.core.webdav.commands.servers import Server, serving
from tests.e2e.lab import Lab
from tests.e2e.stores import Store
from tests.e2e.trees import MiB
from tests.e2e.webdav.door import Door, status_of

STALLED, IDLE, SLOW, SHAKING = 40, 100, 40, 40
FILE = 32 * MiB
"""More than what a server and the two ends of a connection hold for a client that does not read."""


def _live(door: Door, live: http.client.HTTPConnection | None = None) -> None:
    """What a client does meanwhile, on connections of its own."""
    with closing(live or door.connect()) as line:
        for number in range(3):
            assert door("OPTIONS", on=line).status == 200
            assert door.find("", "1", "getetag").status == 207
            assert door("PUT", f"live{number}", b"live" * 300_000, on=line).status in {201, 204}
            assert door("GET", f"live{number}", on=line).body == b"live" * 300_000
            assert door.move(f"live{number}", "moved").status in {201, 204}


@contextmanager
def _uploads(door: Door) -> Iterator[Callable[[], None]]:
    """Uploads of which a part came; called, they are finished."""
    with ExitStack() as stack:
        held = [stack.enter_context(door.begin_put(f"up{number}", 8)) for number in range(STALLED)]
        for connection in held:
            connection.sendall(b"half")

        def finish() -> None:
            for connection in held:
                connection.sendall(b"half")
            assert {status_of(connection) for connection in held} == {201}

        yield finish


@contextmanager
def _readers(door: Door, path: str) -> Iterator[Callable[[], None]]:
    """Clients that asked for a large file and took its first bytes; called, they go on a little."""
    with ExitStack() as stack:
        asked = f"GET {door.base}{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        held = [stack.enter_context(door.plain(asked, receive=4096)) for _ in range(SLOW)]
        assert {status_of(connection) for connection in held} == {200}

        def go_on() -> None:
            for connection in held:
                left = 64 * 1024
                while left > 0:
                    got = len(connection.recv(left))
                    assert got, "it was given up"
                    left -= got

        yield go_on


@contextmanager
def _idle(door: Door) -> Iterator[Callable[[], None]]:
    """Connections on which nothing is said, and some on which a request has only begun."""
    with ExitStack() as stack:
        held = [stack.enter_context(door.plain(b"" if number % 2 else b"OPTIONS ")) for number in range(IDLE)]

        def finish() -> None:
            for number, connection in enumerate(held):
                connection.sendall((b"OPTIONS " if number % 2 else b"") + b"/ HTTP/1.1\r\nHost: x\r\n\r\n")
            assert {status_of(connection) for connection in held} == {200}

        yield finish


@pytest.mark.parametrize("kind", ["local", "s3"], indirect=True)
def test_stalled_uploads_idle_connections_and_slow_readers_keep_nobody_waiting(door: Door) -> None:
    door("PUT", "large", bytes(FILE))
    with _uploads(door) as uploads, _readers(door, "large") as readers, _idle(door) as idle:
        _live(door)
        for go_on in (uploads, readers, idle):
            go_on()
    assert door("GET", f"up{STALLED - 1}").body == b"halfhalf"


@pytest.fixture(scope="module")
def encrypted(home: Path, store: Store) -> Iterator[tuple[Server, str]]:
    """A server that speaks TLS, and the certificate to trust."""
    lab = Lab(home / "tls", store.environment())
    with serving(str(home / "local"), "--anonymous", "--tls", "self-signed", env=lab.env) as server:
        yield server, lab.run("webdav", "cert", "show", "--json").records[0]["path"]


def test_handshakes_that_stall_keep_nobody_waiting(encrypted: tuple[Server, str]) -> None:
    server, certificate = encrypted
    door = Door(server.port, "cheroot", server.process.pid)
    context = ssl.create_default_context(cafile=certificate)
    hello = ssl.MemoryBIO()
    unfinished = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        unfinished.do_handshake()
    first = hello.read()
    with ExitStack() as stack:
        # Some say nothing, some a part of a hello, some all of it and then nothing.
        said = (b"", first[:50], first)
        held = [stack.enter_context(door.plain(said[number % 3])) for number in range(SHAKING)]
        for number in range(3):
            line = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=120, context=context)
            with closing(line):
                assert door("PUT", f"tls{number}", b"secret", on=line).status == 201
                assert door("GET", f"tls{number}", on=line).body == b"secret"
        for number, connection in enumerate(held):
            connection.sendall(first[len(said[number % 3]) :])
            assert connection.recv(1) == b"\x16", "its handshake goes on"


def test_a_connection_without_tls_is_closed_and_nothing_else(encrypted: tuple[Server, str]) -> None:
    server, certificate = encrypted
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(b"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1 200" not in connection.recv(1000)
    assert server.ask("OPTIONS", ca=certificate).status == 200
