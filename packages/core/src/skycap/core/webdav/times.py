"""The one way to set when something was last changed, for the four ways in which clients ask for it."""

from __future__ import annotations

from skycap.core.errors import Unsupported
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.facts import Facts
from skycap.core.webdav.books import Books
from skycap.core.webdav.shares import Place


def keeps_written(facts: Facts) -> bool:
    """Whether a store keeps the time that a file is written with, and shows it in listings."""
    return "mtime_ns" in facts.metadata_fields and "mtime_ns" in facts.scan_fields


def keeps_set(place: Place, *, is_dir: bool) -> bool:
    """Whether a store also lets the time be set afterwards."""
    settable = keeps_written(place.facts) and place.storage.can(Capability.SET_METADATA)
    return settable and (place.facts.empty_dirs or not is_dir)


def set_time(place: Place, entry: Entry, mtime_ns: int, books: Books) -> None:
    """Set the time of what stands at a place: in the store, or in the books where it keeps none."""
    if keeps_set(place, is_dir=entry.is_dir):
        try:
            place.storage.set_metadata(place.path, Metadata(mtime_ns=mtime_ns))
        except Unsupported:
            if not entry.is_dir:
                raise
        else:
            return
    books.set_time(place.key, entry.version, mtime_ns)
