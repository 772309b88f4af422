"""All that is below a location, lazily and in the one order in which listings are merged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from skycap.core.errors import AuthMissing, ConfigInvalid, Error, Interrupted, NotFound
from skycap.core.location import Location
from skycap.core.retry import never_reached
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Kind
from skycap.core.transfer.ahead import OnError, Relay, read_ahead
from skycap.core.transfer.sorting import in_order


class Selects(Protocol):
    """What a filter looks like from here."""

    def matches(self, path: str, *, is_dir: bool, size: int | None, mtime_ns: int | None) -> bool:
        """Whether the entry is wanted."""
        ...

    def names(self, path: str, *, is_dir: bool) -> bool:
        """Whether the name alone is wanted."""
        ...

    def fits(self, size: int | None, mtime_ns: int | None) -> bool:
        """Whether size and age of a file are wanted."""
        ...

    def prunes(self, path: str) -> bool:
        """Whether nothing below this directory is wanted."""
        ...


def walk(
    location: Location,
    on_error: OnError,
    select: Selects | None = None,
    *,
    by_name: bool = False,
    must_exist: bool = False,
    ahead: bool = False,
) -> Iterator[Entry]:
    """Entries with paths as seen from the location. A directory that cannot be listed goes to `on_error`.

    With `by_name`, only the names are looked at: who compares two sides must see what one of them leaves out.
    With `must_exist`, so does an empty listing where directories are only prefixes: nobody can tell it from
    a mistyped name. With `ahead`, a child process reads ahead where the storage is the local file system.
    """
    storage = location.storage
    if not storage.can(Capability.LIST):
        return iter(())
    holes: list[str] = []

    def on_hole(path: str, error: Error) -> None:
        holes.append(path)
        on_error(path, error)

    if storage.can(Capability.SCAN_ALL):
        found = _flat(location, on_hole)
        if not storage.facts.scan_all_ordered:
            found = in_order(found)
    elif ahead and storage.can(Capability.LOCAL_PATH):
        relay = Relay(on_hole)
        found = read_ahead(_levels(location, relay, select), relay)
    else:
        found = _levels(location, on_hole, select)
    if must_exist and location.path and not storage.facts.empty_dirs:
        found = _not_empty(found, location, on_error, holes)
    return found if select is None else _selected(found, select, by_name=by_name)


def _not_empty(
    found: Iterator[Entry], location: Location, on_error: OnError, holes: list[str]
) -> Iterator[Entry]:
    first = next(found, None)
    if first is not None:
        yield first
        yield from found
    elif not holes:
        on_error("", NotFound("nothing is there", where=location.shown()))


def _selected(found: Iterator[Entry], select: Selects, *, by_name: bool) -> Iterator[Entry]:
    for entry in found:
        if select.names(entry.path, is_dir=entry.is_dir) and (by_name or entry.is_dir or fits(entry, select)):
            yield entry


def fits(entry: Entry, select: Selects) -> bool:
    """Whether size and age of a file are wanted; the store's clock tells where nobody else does."""
    return select.fits(entry.size, entry.stored_at_ns if entry.mtime_ns is None else entry.mtime_ns)


def _flat(location: Location, on_error: OnError) -> Iterator[Entry]:
    cut = len(location.path) + 1 if location.path else 0
    try:
        for entry in location.storage.scan_all(location.path):
            yield entry._replace(path=entry.path[cut:]) if cut else entry
    except Interrupted:
        raise
    except Error as error:
        on_error("", error)


def _levels(location: Location, on_error: OnError, select: Selects | None) -> Iterator[Entry]:
    cut = len(location.path) + 1 if location.path else 0
    ordered = location.storage.facts.scan_ordered
    stack = [_level(location, "", on_error, ordered=ordered)]
    while stack:
        for found in stack[-1]:
            entry = found._replace(path=found.path[cut:]) if cut else found
            if found.kind is not Kind.DIRECTORY:
                yield entry
                continue
            if select is not None and select.prunes(entry.path):
                continue
            yield entry
            stack.append(_level(location, entry.path, on_error, ordered=ordered))
            break
        else:
            stack.pop()


def _level(location: Location, path: str, on_error: OnError, *, ordered: bool) -> Iterator[Entry]:
    found = _told(location, path, on_error)
    return found if ordered else in_order(found)


def _told(location: Location, path: str, on_error: OnError) -> Iterator[Entry]:
    """One level; an error goes to `on_error`, and what came before it counts."""
    try:
        yield from location.storage.scan(location.below(path))
    except Interrupted:
        raise
    except Error as error:
        on_error(path, error)


def is_hopeless(error: Error) -> bool:
    """Whether an error of a whole place would be said of each file in it again: nobody lets us in there."""
    return never_reached(error) or isinstance(error, AuthMissing | ConfigInvalid)


def only(location: Location) -> Iterator[Entry]:
    """The one file a location names, as a listing of one; empty if nothing is there."""
    try:
        yield location.storage.stat(location.path)._replace(path="")
    except NotFound:
        return
