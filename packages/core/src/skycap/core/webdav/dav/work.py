"""One request on its way through WsgiDAV, and how a path is written so that WsgiDAV takes it as it is."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from skycap.core.errors import Error
from skycap.core.server.locks import Lock
from skycap.core.storage.entry import Entry
from skycap.core.webdav.answers import Headers, Refusal, refusal
from skycap.core.webdav.books import Books
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.lookup import Lookup
from skycap.core.webdav.properties.patching import Change
from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place
from skycap.core.webdav.trees import Failures
from skycap.core.webdav.urls import encode


@dataclass(slots=True)
class Work:
    """What a request is about. `target` is where COPY and MOVE go, `changes` what PROPPATCH wants."""

    request: Request
    place: Place
    entry: Entry | None
    tokens: frozenset[str]
    lookup: Lookup
    locking: Locking
    books: Books
    mtime_ns: int | None = None
    target: Place | None = None
    there: Entry | None = None
    changes: list[Change] = field(default_factory=list)
    looked_at: int = 0
    applied: bool = False
    owner: str = ""
    lock: Lock | None = None
    refused: Refusal | None = None
    headers: Headers = field(default_factory=list)

    def place_at(self, path: str) -> Place | None:
        """The place of a path that `opaque` wrote."""
        url = "/".join(
            bytes.fromhex(part).decode("utf-8", "surrogateescape") for part in path.split("/") if part
        )
        return self.lookup.shares.place(url)

    def href(self, place: Place) -> str:
        """The URL path of a place, as an answer names it."""
        entry = self.lookup.entry(self.request, place)
        return encode(place.url, is_dir=entry is not None and entry.is_dir)

    def doing(self, action: Callable[[], Failures]) -> Failures:
        """What an action could not do. What stops it wholly is kept for the end: WsgiDAV would blur it."""
        try:
            return action()
        except Refusal as said:
            self.refused = said
        except Error as error:
            self.refused = refusal(error)
        return [(self.place, self.refused)]


CURRENT: ContextVar[Work] = ContextVar("work")
"""The request that this thread is at: the lock manager of WsgiDAV is told of none."""


def opaque(url: str) -> str:
    """A decoded URL path as hexadecimal parts: nothing in it can be unescaped twice or taken for a query."""
    return "/" + "/".join(part.encode("utf-8", "surrogateescape").hex() for part in url.split("/") if part)
