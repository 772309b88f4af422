"""Reading through a place for the commands that show something of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from skycap.core.errors import Error, NotFound, Partial
from skycap.core.location import Location
from skycap.core.paths import relative_to, split
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry
from skycap.core.transfer.ahead import OnError
from skycap.core.transfer.walk import Selects, walk

if TYPE_CHECKING:
    from skycap.core.cli.session import Session


class Problems:
    """Tells of what could not be read, and goes on; remembers it for the exit status."""

    def __init__(self, run: Session) -> None:
        self._run = run
        self.found = 0

    def __call__(self, path: str, error: Error) -> None:
        """`path` could not be read. An error at the top ends the command."""
        if not path:
            raise error
        self.found += 1
        self._run.complain(error)

    @property
    def exit_status(self) -> int:
        """0, or 3 where something is missing in what was shown."""
        return Partial.exit_status if self.found else 0


def require(location: Location, capability: Capability) -> None:
    """`Unsupported`, in the words of the storage behind a location, if it has no such thing."""
    if not location.storage.can(capability):
        refusal = location.storage.refusal(capability)
        refusal.where = location.shown()
        raise refusal


def listed(
    location: Location, *, recursive: bool, on_error: OnError, select: Selects | None = None
) -> Iterator[Entry]:
    """What is in a place, with paths as seen from it; a file is listed as itself. `NotFound` if absent."""
    storage = location.storage
    if location.path and not location.wants_dir and storage.can(Capability.LOCAL_PATH):
        # A look at a local path costs nothing; elsewhere the listing is asked first.
        entry = storage.stat(location.path)
        if not entry.is_dir:
            yield entry.at(split(location.path)[1])
            return
    empty = True
    try:
        for entry in _below(location, recursive=recursive, on_error=on_error, select=select):
            empty = False
            yield entry
    except Error:  # where folders are real, what is none cannot be listed
        found = file_at(location) if empty and location.path else None
        if found is None:
            raise
        yield found.at(split(location.path)[1])
        return
    if empty and location.path and (found := file_at(location)) is not None:
        yield found.at(split(location.path)[1])


def _below(
    location: Location, *, recursive: bool, on_error: OnError, select: Selects | None
) -> Iterator[Entry]:
    if recursive:
        yield from walk(location, on_error, select)
        return
    for entry in sorted(location.storage.scan(location.path), key=lambda found: found.order):
        seen = entry.at(relative_to(entry.path, location.path))
        if select is None or select.matches(
            seen.path, is_dir=seen.is_dir, size=seen.size, mtime_ns=seen.mtime_ns
        ):
            yield seen


def with_mode(location: Location, entry: Entry) -> Entry:
    """An entry of a listing with its permissions, where they cost no request to a store."""
    if entry.metadata is not None or not location.storage.can(Capability.LOCAL_PATH):
        return entry
    for path in (location.below(entry.path), location.path):  # a file named by itself is listed by its name
        try:
            found = location.storage.stat(path)
        except Error:
            continue  # it went meanwhile, or may not be looked at
        if found.kind is entry.kind:
            return entry._replace(metadata=found.metadata)
    return entry


def file_at(location: Location) -> Entry | None:
    """The file a location names; None if it is a directory. `NotFound` if nothing is there."""
    if not location.storage.can(Capability.READ):
        return None
    try:
        entry = location.storage.stat(location.path)
    except NotFound as error:
        error.where = error.where or location.shown()
        raise
    if entry.is_dir:
        return None
    if location.wants_dir:
        raise NotFound("it is a file, not a folder", where=location.shown())
    return entry
