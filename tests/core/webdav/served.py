"""A WebDAV server on a real socket, and the requests of a client that knows no library."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from skycap.core.location import Location
from skycap.core.server.locks import LockStore, open_lock_store
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Metadata
from skycap.core.storage.interface import Storage
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.webdav.app import DavApp
from skycap.core.webdav.books import Books
from skycap.core.webdav.request import Request
from skycap.core.webdav.serving import bind
from skycap.core.webdav.shares import Share, Shares

DAV = "{DAV:}"
EVERYTHING = frozenset(Capability) - {Capability.LOCAL_PATH}
STORES = ("local", "memory", "prefixes", "bare")


def make_store(kind: str, folder: Path) -> Storage:
    """A storage to serve: real directories, or none that are empty; every verb, or the four."""
    if kind == "local":
        folder.mkdir(parents=True, exist_ok=True)
        return Local(folder)
    if kind == "memory":
        return Memory()
    facts = replace(
        Memory.facts,
        empty_dirs=False,
        rename_dirs=False,
        scan_fields=frozenset({"size", "version", "stored_at_ns"}),
    )
    if kind == "prefixes":  # as an object store has it
        return Memory(facts=facts, capabilities=EVERYTHING - {Capability.RENAME, Capability.REMOVE_TREE})
    four = {Capability.READ, Capability.LIST, Capability.WRITE, Capability.REMOVE}
    return Memory(facts=replace(facts, metadata_fields=frozenset(), empty_dirs=True), capabilities=four)


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def xml(self) -> ET.Element:
        return ET.fromstring(self.body)

    def statuses(self) -> dict[str, int]:
        """Of a 207: the status by href."""
        return {
            response.findtext(f"{DAV}href", ""): int(response.findtext(f"{DAV}status", "").split()[1])
            for response in self.xml.iter(f"{DAV}response")
        }

    def properties(self) -> dict[str, int]:
        """Of a 207 about properties: the status by name."""
        return {
            prop.tag: int(stat.findtext(f"{DAV}status", "").split()[1])
            for stat in self.xml.iter(f"{DAV}propstat")
            for prop in next(stat.iter(f"{DAV}prop"))
        }


class Client:
    """Speaks HTTP to one address. Header names are given as `lock_token="…"`."""

    def __init__(self, port: int, books: Books, locks: LockStore, app: DavApp) -> None:
        self.port, self.books, self.locks, self.app = port, books, locks, app

    def __call__(self, method: str, path: str, body: bytes | str | None = None, /, **headers: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            data = body.encode() if isinstance(body, str) else body
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            if data is None and method in {"MKCOL", "PROPPATCH", "LOCK"}:
                named.setdefault("Content-Length", "0")
            connection.request(method, path, data, named)
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def key(self, url: str) -> str:
        """Under which key the books and the locks know a URL path."""
        place = self.app.shares.place(url)
        assert place is not None
        return place.key

    def move(self, source: str, target: str, method: str = "MOVE", **headers: str) -> Reply:
        return self(method, source, Destination=f"http://127.0.0.1:{self.port}{target}", **headers)

    def copy(self, source: str, target: str, **headers: str) -> Reply:
        return self.move(source, target, "COPY", **headers)

    def lock(self, path: str, scope: str = "exclusive", **headers: str) -> Reply:
        return self("LOCK", path, lock_info(scope), **headers)

    def token(self, path: str, scope: str = "exclusive", **headers: str) -> str:
        """Lock, and tell the token."""
        reply = self.lock(path, scope, **headers)
        assert reply.status in {200, 201}, reply
        return reply.headers["lock-token"].strip("<>")

    def patch(self, path: str, *properties: str, remove: str = "", **headers: str) -> Reply:
        sets = "".join(f"<D:set><D:prop>{one}</D:prop></D:set>" for one in properties)
        gone = f"<D:remove><D:prop>{remove}</D:prop></D:remove>" if remove else ""
        return self(
            "PROPPATCH", path, f'<D:propertyupdate xmlns:D="DAV:">{sets}{gone}</D:propertyupdate>', **headers
        )


def lock_info(scope: str = "exclusive", owner: str = "<D:href>me</D:href>") -> str:
    return (
        f'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{scope}/></D:lockscope>'
        f"<D:locktype><D:write/></D:locktype><D:owner>{owner}</D:owner></D:lockinfo>"
    )


class ByHeader:
    """Signs in whoever says a name."""

    def user(self, request: Request) -> str:
        return request.header("X_USER") or "anonymous"


class Switch:
    """What a server of the whole test run serves now: to start one costs half a second."""

    app: DavApp | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        assert self.app is not None
        return self.app(environ, start_response)


SWITCH = Switch()


@pytest.fixture(scope="session")
def port() -> Iterator[int]:
    """Where the server listens whose application is `SWITCH`."""
    server = bind("cheroot", SWITCH, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server.port
    server.stop()
    thread.join()


@contextmanager
def served(
    port: int, shares: Mapping[str, Storage | Location | Share], state: Path, **options: Any
) -> Iterator[Client]:
    """These shares behind the server of the tests, for as long as the block runs."""
    books = Books(str(state / "webdav.db"))
    locks = open_lock_store(f"sqlite:///{quote(str(state / 'locks.db'))}")
    made = [what if isinstance(what, Share) else _share(name, what) for name, what in shares.items()]
    options.setdefault("signing_in", ByHeader())
    app = DavApp(Shares(made), books, locks, **options)
    SWITCH.app = app
    try:
        yield Client(port, books, locks, app)
    finally:
        SWITCH.app = None
        books.close()
        locks.close()


def _share(name: str, what: Storage | Location) -> Share:
    return Share(name, what if isinstance(what, Location) else Location(what))


def fill(storage: Storage, files: Mapping[str, str]) -> None:
    """Write files; a name with a slash at its end is an empty directory."""
    for path, text in files.items():
        if path.endswith("/"):
            storage.make_dir(path.rstrip("/"))
        else:
            storage.write(path, text.encode(), metadata=Metadata(mtime_ns=1_700_000_000 * 10**9))


def tree(storage: Storage, path: str = "") -> dict[str, str]:
    """Every file with its text; empty directories with a slash."""
    found: dict[str, str] = {}
    entries = list(storage.scan(path))
    if not entries and path:
        return {f"{path}/": ""}
    for entry in entries:
        if entry.is_dir:
            found |= tree(storage, entry.path)
        else:
            with storage.read(entry.path) as reader:
                found[entry.path] = reader.read().decode()
    return found
