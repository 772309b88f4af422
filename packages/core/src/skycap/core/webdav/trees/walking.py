"""What lies in a collection, for those who change it: everything, also what WebDAV does not show."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

from skycap.core.errors import NotFound
from skycap.core.storage.entry import Entry, directory
from skycap.core.webdav.books import Books
from skycap.core.webdav.shares import Place


class Step(Enum):
    """Where a walk is: before the members of a collection, at a member that is none, after them."""

    IN = auto()
    LEAF = auto()
    OUT = auto()


class Walk:
    """A walk through a tree, from the top down and back. As deep as may be: nothing here calls itself."""

    def __init__(self, place: Place, entry: Entry, books: Books) -> None:
        self._top = place, entry
        self._books = books
        self._skipped = False

    def skip(self) -> None:
        """Do not go into the collection that was just entered; it is not left either."""
        self._skipped = True

    def __iter__(self) -> Iterator[tuple[Step, Place, Entry]]:
        """Each step."""
        place, entry = self._top
        stack: list[tuple[Place, Entry, Iterator[tuple[Place, Entry]]]] = []
        waiting: tuple[Place, Entry] | None = (place, entry)
        while waiting is not None or stack:
            if waiting is None:
                place, entry, rest = stack[-1]
                waiting = next(rest, None)
                if waiting is None:
                    stack.pop()
                    yield Step.OUT, place, entry
                continue
            place, entry = waiting
            waiting = None
            if not entry.is_dir:
                yield Step.LEAF, place, entry
                continue
            self._skipped = False
            yield Step.IN, place, entry
            if not self._skipped:
                stack.append((place, entry, members(place, self._books)))


def members(place: Place, books: Books) -> Iterator[tuple[Place, Entry]]:
    """What lies directly in a collection, folders that only the books know too."""
    only_known = set() if place.facts.empty_dirs else set(books.folders_in(place.key))
    times = books.times_in(place.key)
    try:
        for entry in place.storage.scan(place.path):
            name = entry.name
            if entry.is_dir:
                only_known.discard(name)
            if name in times and times[name][0] == entry.version:
                entry = entry._replace(mtime_ns=times[name][1])
            yield place.child(name), entry
    except NotFound:  # removed since, or a folder that the store does not know
        pass
    for name in sorted(only_known):
        child = place.child(name)
        yield child, directory(child.path)
