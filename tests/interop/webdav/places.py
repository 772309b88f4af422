"""What the clients of others meet: a server of ours on loopback, over storages of several kinds."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from skycap.core.location import Location
from skycap.core.server.locks import open_lock_store
from skycap.core.storage.interface import Storage
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.crypt import Crypt, KeyFile
from skycap.core.testing.servers import SeaweedFS
from skycap.core.webdav.app import DavApp
from skycap.core.webdav.books import Books
from skycap.core.webdav.junk import Junk, Policy
from skycap.core.webdav.serving import ServerName, bind
from skycap.core.webdav.shares import Share, Shares

SERVERS: tuple[ServerName, ...] = ("cheroot", "waitress")
both_servers = pytest.mark.parametrize("server", SERVERS)
"""For what has to be so on either."""
NEAR = ("local", "memory", "crypt")
"""Kinds of storage that need no server of their own."""


_numbers = itertools.count()


@dataclass(frozen=True)
class Served:
    """A storage behind a server."""

    url: str
    storage: Storage
    port: int


@contextmanager
def serving(
    name: ServerName, storage: Storage, state: Path, *, junk: Policy = "auto", share: str = ""
) -> Iterator[Served]:
    """A storage at the top of a server, or below it as a share of this name, in threads of this process."""
    state.mkdir(exist_ok=True)
    with (
        closing(Books(str(state / "webdav.db"))) as books,
        closing(open_lock_store(f"sqlite:///{state}/locks.db")) as locks,
    ):
        shares = Shares([Share(share, Location(storage))])
        app = DavApp(shares, books, locks, junk=Junk(junk, str(state / "side")))
        server = bind(name, app, "127.0.0.1", 0)
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{server.port}/", storage, server.port)
        finally:
            server.stop()
            thread.join()


def opened(kind: str, folder: Path, stack: ExitStack, weed: Callable[[], SeaweedFS]) -> Storage:
    """An empty storage of a kind, open until the stack ends."""
    if kind == "memory":
        return stack.enter_context(Memory())
    if kind == "s3":
        return stack.enter_context(_bucket(weed()))
    folder.mkdir()
    local = stack.enter_context(Local(folder))
    if kind == "local":
        return local
    key = folder.with_name("key")
    key.write_bytes(bytes(range(32)))
    return stack.enter_context(Crypt(local, KeyFile(str(key))))


def _bucket(weed: SeaweedFS) -> Storage:
    from skycap.cloudproviders.s3.options import S3Options
    from skycap.cloudproviders.s3.storage import S3, connect

    options, name = S3Options.parse(weed.options, where="test"), f"dav-{next(_numbers)}"
    with closing(connect(options)) as client:
        client.request("PUT", name)
    return S3(options, name)
