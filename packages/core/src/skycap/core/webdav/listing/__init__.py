"""PROPFIND: what stands at a URL, and directly below it.

One listing of the storage a folder, and XML written straight: a folder of any size costs the memory of a
piece, and the first bytes leave before the last entry is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from skycap.core.storage.entry import Entry, directory
from skycap.core.webdav.answers import XML_TYPE, Answer
from skycap.core.webdav.books import Books
from skycap.core.webdav.conditions import Conditions
from skycap.core.webdav.listing.asked import Preferences, asked
from skycap.core.webdav.listing.live import Live
from skycap.core.webdav.listing.members import DEEP_MAX, Members
from skycap.core.webdav.listing.responses import FOOT, HEAD, Responses
from skycap.core.webdav.listing.subject import Subject
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.lookup import Lookup
from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place
from skycap.core.webdav.streaming import streamed


class Listing:
    """Answers PROPFIND."""

    def __init__(self, lookup: Lookup, conditions: Conditions, locking: Locking, books: Books) -> None:
        self._lookup = lookup
        self._conditions = conditions
        self._locking = locking
        self._live = Live(locking)

    def propfind(self, request: Request, place: Place | None) -> Answer:
        """207 with the properties that were asked for. Without a place: the list of shares.

        A request without Depth asks for all levels, as RFC 4918 says, within the same bound.
        """
        depth = request.depth("0", "1", "infinity", default="infinity")
        responses = Responses(asked(request), preferences := Preferences.of(request), self._live)
        members = Members(self._lookup, self._locking, dead=responses.needs_dead, locks=responses.needs_locks)
        if place is None:
            self._conditions.check(request, None, directory(""))
            subjects = self._shares(request, members, depth)
        else:
            entry = self._lookup.needed(request, place)
            self._conditions.check(request, place, entry)
            subjects = self._subjects(members, place, entry, depth)
        if depth == "infinity":
            subjects = iter(list(subjects))  # whether it is too much is said before the first byte
        if preferences.no_root and depth != "0":
            subjects = _without_first(subjects)
        headers = [("Content-Type", XML_TYPE), ("Cache-Control", "no-cache"), *preferences.headers]
        return streamed(request, 207, headers, _document(subjects, responses))

    def _subjects(self, members: Members, place: Place, entry: Entry, depth: str) -> Iterator[Subject]:
        yield members.itself(place, entry)
        if entry.is_dir and depth == "1":
            yield from members.below(place)
        elif entry.is_dir and depth == "infinity":
            yield from members.all_below(place)

    def _shares(self, request: Request, members: Members, depth: str) -> Iterator[Subject]:
        yield Subject(directory(""), "", "/", None)
        if depth == "0":
            return
        budget = DEEP_MAX
        for share in self._lookup.shares:
            place = self._lookup.shares.place(share.name)
            entry = None if place is None else self._lookup.entry(request, place)
            if place is None or entry is None:
                continue
            budget -= 1
            yield members.itself(place, entry)
            if depth == "infinity" and entry.is_dir:
                for subject in members.all_below(place, budget):
                    budget -= 1
                    yield subject


def _document(subjects: Iterable[Subject], responses: Responses) -> Iterator[str]:
    yield HEAD
    yield from map(responses.write, subjects)
    yield FOOT


def _without_first(subjects: Iterable[Subject]) -> Iterator[Subject]:
    found = iter(subjects)
    next(found)
    return found
