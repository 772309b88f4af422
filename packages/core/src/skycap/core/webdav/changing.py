"""DELETE, MKCOL, COPY, MOVE, PROPPATCH, LOCK and UNLOCK, by WsgiDAV over a provider of ours."""

from __future__ import annotations

from skycap.core.webdav.answers import Answer
from skycap.core.webdav.books import Books
from skycap.core.webdav.conditions import Conditions
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.lookup import Lookup
from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place


class Changing:
    """Changes trees, properties and locks."""

    def __init__(self, lookup: Lookup, conditions: Conditions, locking: Locking, books: Books) -> None:
        self._lookup = lookup
        self._conditions = conditions
        self._locking = locking
        self._books = books

    def change(self, request: Request, place: Place) -> Answer:
        """The answer to a request that changes something."""
        raise NotImplementedError
