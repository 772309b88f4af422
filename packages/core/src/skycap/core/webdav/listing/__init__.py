"""PROPFIND: what stands at a URL, and directly below it."""

from __future__ import annotations

from skycap.core.webdav.answers import Answer
from skycap.core.webdav.books import Books
from skycap.core.webdav.conditions import Conditions
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.lookup import Lookup
from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place


class Listing:
    """Answers PROPFIND."""

    def __init__(self, lookup: Lookup, conditions: Conditions, locking: Locking, books: Books) -> None:
        self._lookup = lookup
        self._conditions = conditions
        self._locking = locking
        self._books = books

    def propfind(self, request: Request, place: Place | None) -> Answer:
        """207 with the properties that were asked for. Without a place: the list of shares."""
        raise NotImplementedError
