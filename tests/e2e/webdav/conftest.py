"""`skycap webdav serve`, once for each HTTP server and module, with a share for each kind of storage."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.webdav.commands.servers import Server, serving
from tests.e2e.lab import Lab
from tests.e2e.stores import Store
from tests.e2e.webdav.door import KINDS, SERVERS, Door

_folders = itertools.count()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all that the servers of a module need lies: `local` is served, `state` is theirs."""
    found = tmp_path_factory.mktemp("dav")
    (found / "local").mkdir()
    (found / "key").write_bytes(bytes(range(32)))
    (found / "key").chmod(0o600)
    return found


@pytest.fixture(scope="module")
def started(home: Path, store: Store) -> Iterator[Callable[[str], Server]]:
    """The server of a name, started when it is first asked for."""
    with ExitStack() as stack:
        running: dict[str, Server] = {}

        def get(name: str) -> Server:
            if name not in running:
                lab = Lab(home / name, store.environment())
                box = {
                    "SKYCAP_REMOTE_BOX_TYPE": "crypt",
                    "SKYCAP_REMOTE_BOX_REMOTE": str(home / f"{name}-box"),
                    "SKYCAP_REMOTE_BOX_KEY_FILE": str(home / "key"),
                }
                places = {
                    "local": str(home / "local"),
                    "memory": "memory://",
                    "s3": f"t:{store.make_bucket()}",
                    "crypt": "box:",
                }
                mounts = [word for one in places.items() for word in ("--mount", "=".join(one))]
                args = (*mounts, "--anonymous", "--server", name, "--junk", "store")
                running[name] = stack.enter_context(serving(*args, env={**lab.env, **box}))
            return running[name]

        yield get


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    """Which HTTP server stands below."""
    name: str = request.param
    return name


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Over which storage."""
    name: str = request.param
    return name


@pytest.fixture
def open_door(started: Callable[[str], Server]) -> Callable[[str, str], Door]:
    """A new folder in the share of a kind, behind the server of a name."""

    def get(name: str, kind: str) -> Door:
        running = started(name)
        door = Door(running.port, name, running.process.pid, f"/{kind}/")
        folder = f"t{next(_folders)}/"
        assert door("MKCOL", folder).status == 201
        return replace(door, base=door.base + folder)

    return get


@pytest.fixture
def door(server: str, kind: str, open_door: Callable[[str, str], Door]) -> Door:
    """A new folder on each storage behind each server."""
    return open_door(server, kind)
