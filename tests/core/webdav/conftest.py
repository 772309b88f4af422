"""Storages to serve: to have everything shown over one more, add it to `STORAGES`."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from email.message import Message
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

import pytest

from skycap.core.location import Location
from skycap.core.server.locks import LockStore, open_lock_store
from skycap.core.storage.capability import Capability
from skycap.core.storage.interface import Storage
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.webdav.app import DavApp
from skycap.core.webdav.books import Books
from skycap.core.webdav.serving import bind
from skycap.core.webdav.shares import Share, Shares
from tests.core.webdav.served import port as port  # the fixture of the tests of changes

Make = Callable[[Path, ExitStack], Storage]


def _local(folder: Path, _: ExitStack) -> Storage:
    (folder / "served").mkdir()
    return Local(folder / "served")


def _prefixes(_folder: Path, _: ExitStack) -> Storage:
    """As an object store has it: no times of the client in listings, and no directories by themselves."""
    facts = replace(
        Memory.facts,
        empty_dirs=False,
        rename_dirs=False,
        scan_fields=frozenset({"size", "version", "stored_at_ns"}),
    )
    without = {Capability.LOCAL_PATH, Capability.RENAME, Capability.REMOVE_TREE}
    return Memory(facts=facts, capabilities=frozenset(Capability) - without)


STORAGES: dict[str, Make] = {
    "local": _local,
    "memory": lambda _folder, _: Memory(),
    "prefixes": _prefixes,
}


@pytest.fixture(params=STORAGES)
def storages(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """One storage after the other, open and empty."""
    with ExitStack() as stack:
        yield stack.enter_context(STORAGES[request.param](tmp_path, stack))


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    def found(self, href: str) -> dict[str, ET.Element]:
        """Of a 207: the properties that the resource at an href has."""
        return {prop.tag: prop for status, prop in self._told(href) if status == 200}

    def missing(self, href: str) -> set[str]:
        """Of a 207: the properties that it does not have."""
        return {prop.tag for status, prop in self._told(href) if status == 404}

    def _told(self, href: str) -> Iterator[tuple[int, ET.Element]]:
        for response in ET.fromstring(self.body).iter("{DAV:}response"):
            if response.findtext("{DAV:}href") == href:
                for stat in response.iter("{DAV:}propstat"):
                    for prop in next(stat.iter("{DAV:}prop")):
                        yield int(stat.findtext("{DAV:}status", "").split()[1]), prop

    @property
    def hrefs(self) -> list[str]:
        """Of a 207: whom it is about."""
        return [each.text or "" for each in ET.fromstring(self.body).iterfind("{DAV:}response/{DAV:}href")]


class Served:
    """A server on a real socket. Header names are given as `if_range="…"`."""

    def __init__(self, port: int, books: Books, locks: LockStore) -> None:
        self.port, self.books, self.locks = port, books, locks

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def __call__(self, method: str, path: str, body: bytes | str | None = None, /, **headers: str) -> Reply:
        with closing(self.connect()) as connection:
            data = body.encode() if isinstance(body, str) else body
            connection.request(
                method, path, data, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())

    def find(self, path: str, *names: str, depth: str = "0", **headers: str) -> Reply:
        """PROPFIND of properties in Clark notation; of all where none is named."""
        body = None
        if names:
            elements = "".join(
                f"<x:{name.rpartition('}')[2]} xmlns:x={quoteattr(name[1:].rpartition('}')[0])}/>"
                for name in names
            )
            body = f'<D:propfind xmlns:D="DAV:"><D:prop>{elements}</D:prop></D:propfind>'
        reply = self("PROPFIND", path, body, depth=depth, **headers)
        assert reply.status == 207, reply
        return reply


class Serve(Protocol):
    """Starts a server over storages by the names of their shares; it ends with the test."""

    def __call__(self, shares: Storage | dict[str, Storage], *, read_only: bool = False) -> Served: ...


both_servers = pytest.mark.parametrize("serve", ["cheroot", "waitress"], indirect=True)
"""For what the server below has a part in."""


@pytest.fixture
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serve]:
    """On cheroot, if nothing else is said."""
    name = getattr(request, "param", "cheroot")
    with ExitStack() as stack:

        def start(shares: Storage | dict[str, Storage], *, read_only: bool = False) -> Served:
            books = stack.enter_context(closing(Books(str(tmp_path / "state" / "webdav.db"))))
            locks = stack.enter_context(closing(open_lock_store(f"sqlite:///{tmp_path}/locks.db")))
            named = shares if isinstance(shares, dict) else {"": shares}
            made = [Share(name, Location(storage), read_only) for name, storage in named.items()]
            server = bind(name, DavApp(Shares(made), books, locks), "127.0.0.1", 0)
            thread = threading.Thread(target=server.serve)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.stop)
            return Served(server.port, books, locks)

        yield start
