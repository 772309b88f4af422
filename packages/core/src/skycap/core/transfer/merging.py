"""What it takes to join two listings: one side of it, and what stands in the way of the other side."""

from __future__ import annotations

from collections.abc import Iterator

from skycap.core.errors import ScanFailed
from skycap.core.paths import printable
from skycap.core.storage.entry import Entry, Kind

_DIRECTORY = Kind.DIRECTORY


class Side:
    """A listing, read one ahead: `entry` is None at the end. `twins` had a path that came before."""

    __slots__ = ("_entries", "entry", "key", "twins")

    def __init__(self, entries: Iterator[Entry]) -> None:
        self._entries = entries
        self.twins: list[Entry] = []
        self.entry = next(entries, None)
        self.key = b"" if self.entry is None else self.entry.order

    def step(self) -> None:
        """Go on to the next path; `ScanFailed` where it should have come earlier."""
        for entry in self._entries:
            # What `entry.order` gives, without two calls: every file of both sides comes by here.
            key = entry.path.encode("utf-8", "surrogateescape")
            if entry.kind is _DIRECTORY:
                key += b"/"
            if key > self.key:
                self.entry, self.key = entry, key
                return
            if key < self.key:
                raise ScanFailed(
                    "the listing is out of order, and what is missing in it cannot be told",
                    where=printable(entry.path),
                    hint="Nothing was removed. This is a defect of the storage type: please report it.",
                )
            self.twins.append(entry)
        self.entry = None


class InTheWay:
    """What one side has and is no directory, for as long as the other may come with something below it.

    Between `a` and `a/` there may be many others, such as `a-b` and `a.txt`: those that are still open are a
    stack, for each begins with the one below it.
    """

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: list[tuple[bytes, bytes, Entry]] = []

    def add(self, key: bytes, entry: Entry) -> None:
        """One more, behind all earlier ones."""
        self._close(key)
        self._open.append((key + b"/", key + b"0", entry))  # "0" is what follows "/"

    def above(self, key: bytes) -> Entry | None:
        """What stands where `key` needs a directory."""
        if not self._open:
            return None
        self._close(key)
        for inside, _, entry in reversed(self._open):
            if key.startswith(inside):
                return entry
        return None

    def _close(self, key: bytes) -> None:
        while self._open and self._open[-1][1] <= key:
            self._open.pop()
