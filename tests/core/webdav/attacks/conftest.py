"""Both servers, each started once, over a folder that each test has for itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest

from skycap.core.storage.interface import Storage
from skycap.core.storage.local import Local
from skycap.core.webdav.serving import ServerName, bind
from tests.core.webdav.served import SWITCH, Client, fill, served

SERVERS: tuple[ServerName, ...] = ("cheroot", "waitress")
FILES = {"a": "hello world", "d/x": "x", "d/s/": ""}


@pytest.fixture(scope="session")
def ports() -> Iterator[Callable[[ServerName], int]]:
    """Where each of the servers listens, whose application is `SWITCH`."""
    with ExitStack() as stack:
        started: dict[ServerName, int] = {}

        def get(name: ServerName) -> int:
            if name not in started:
                server = bind(name, SWITCH, "127.0.0.1", 0)
                thread = threading.Thread(target=server.serve)
                thread.start()
                stack.callback(thread.join)
                stack.callback(server.stop)
                started[name] = server.port
            return started[name]

        yield get


@pytest.fixture(params=SERVERS)
def port(request: pytest.FixtureRequest, ports: Callable[[ServerName], int]) -> int:
    """One server after the other."""
    return ports(cast(ServerName, request.param))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is served, as the disk has it."""
    return tmp_path / "served"


@pytest.fixture
def storage(folder: Path) -> Storage:
    """A folder with a few files."""
    folder.mkdir()
    storage = Local(folder)
    fill(storage, FILES)
    return storage


@pytest.fixture
def client(port: int, storage: Storage, tmp_path: Path) -> Iterator[Client]:
    """The storage behind the server, and somebody well-behaved who asks."""
    with served(port, {"": storage}, tmp_path / "state") as client:
        yield client
