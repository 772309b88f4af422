"""What is in a folder, and below it: one listing of the storage, with what the books and the locks add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from skycap.core.errors import NotFound
from skycap.core.paths import join
from skycap.core.server.locks import Lock
from skycap.core.storage.entry import Entry, Kind, directory
from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.junk import is_junk
from skycap.core.webdav.listing.subject import Subject
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.lookup import Lookup
from skycap.core.webdav.shares import Place
from skycap.core.webdav.urls import encode, encode_name

DEEP_MAX = 10_000
"""So many resources a listing of all levels tells at most."""
_NOTHING: Mapping[str, str] = {}


class Members:
    """Finds them. What only some requests need is asked for only then."""

    def __init__(self, lookup: Lookup, locking: Locking, *, dead: bool, locks: bool) -> None:
        self._lookup = lookup
        self._books = lookup.books
        self._locking = locking
        self._dead = dead
        self._locks = locks

    def itself(self, place: Place, entry: Entry) -> Subject:
        """The resource of a place."""
        return Subject(
            entry,
            place.name,
            encode(place.url, is_dir=entry.is_dir).replace("&", "&amp;"),
            place,
            self._books.properties(place.key) if self._dead else _NOTHING,
            self._locking.covering(place) if self._locks else (),
        )

    def below(self, place: Place) -> Iterator[Subject]:
        """What is directly in a folder, by one listing."""
        dead = self._books.properties_in(place.key) if self._dead else {}
        above, own = self._locks_in(place) if self._locks else ((), {})
        base = encode(place.url, is_dir=True).replace("&", "&amp;")
        for entry in entries(self._lookup, place):
            name = entry.path.rpartition("/")[2]
            # Ampersands are the only characters of an href that XML has other plans for.
            href = base + encode_name(name).replace("&", "&amp;")
            if entry.is_dir:
                href += "/"
            locks = (*above, *own.get(name, ())) if own or above else ()
            yield Subject(entry, name, href, place, dead.get(name, _NOTHING) if dead else _NOTHING, locks)
        side = self._lookup.shares.side(place)
        if side is not None:
            with suppress(NotFound):  # nothing was put there yet
                yield from (subject for subject in self.below(side) if is_junk(subject.name))

    def all_below(self, place: Place, budget: int = DEEP_MAX) -> Iterator[Subject]:
        """All levels. `Refusal` 403 where there is too much to tell at once."""
        waiting = [place]
        while waiting:
            folder = waiting.pop()
            try:
                for subject in self.below(folder):
                    budget -= 1
                    if budget < 0:
                        raise Refusal(
                            403,
                            "there is too much below it to tell at once; list folder by folder",
                            precondition="<D:propfind-finite-depth/>",
                        )
                    yield subject
                    if subject.is_dir:
                        waiting.append((subject.near or folder).child(subject.name))
            except NotFound:
                if folder is place:
                    raise
                # removed since its parent was listed

    def _locks_in(self, place: Place) -> tuple[tuple[Lock, ...], dict[str, list[Lock]]]:
        above = tuple(lock for lock in self._locking.covering(place) if lock.deep)
        own: dict[str, list[Lock]] = {}
        prefix = f"{place.key}/"
        for lock in self._locking.store.at_or_below(place.key):
            name = lock.resource.removeprefix(prefix)
            if lock.resource.startswith(prefix) and "/" not in name:
                own.setdefault(name, []).append(lock)
        return above, own


def entries(lookup: Lookup, place: Place) -> Iterator[Entry]:
    """The files and folders of a folder, with those that only the books know."""
    books = lookup.books
    made = {} if place.facts.empty_dirs else dict.fromkeys(books.folders_in(place.key))
    times = books.times_in(place.key)
    hides = lookup.shares.hides(place)
    try:
        for entry in place.storage.scan(place.path):
            kind = entry.kind
            if kind is not Kind.FILE and kind is not Kind.DIRECTORY:
                continue
            if hides is not None and hides(entry.path.rpartition("/")[2]):
                continue
            if made or times:
                name = entry.path.rpartition("/")[2]
                made.pop(name, None)
                if name in times:
                    entry = lookup.dated(place.child(name), entry)
            yield entry
    except NotFound:
        # The top is made by the first write, and a folder of the books by its first file.
        if not place.is_top and (place.facts.empty_dirs or not books.has_folder(place.key)):
            raise
    for name in made:
        made_one = directory(join(place.path, name))
        yield lookup.dated(place.child(name), made_one) if name in times else made_one
