"""A file in one storage as the source of a write into another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from skycap.core.storage.entry import Entry
from skycap.core.storage.interface import Storage
from skycap.core.storage.source import BinaryReader

OnBytes = Callable[[int], None]


class StoredFile:
    """Starts again from its first byte whenever it is opened."""

    def __init__(self, storage: Storage, path: str, on_bytes: OnBytes | None = None) -> None:
        self._storage, self._path, self._on_bytes = storage, path, on_bytes

    @contextmanager
    def open(self) -> Iterator[BinaryReader]:
        """A reader from the first byte."""
        with self._storage.read(self._path) as reader:
            yield reader if self._on_bytes is None else CountedReader(reader, self._on_bytes)


class FetchedFile(StoredFile):
    """Can also be put into a local file by the storage's own means; `entry` is what it told then."""

    def __init__(self, storage: Storage, path: str, size: int | None, on_bytes: OnBytes) -> None:
        super().__init__(storage, path, on_bytes)
        self._size = size
        self.entry: Entry | None = None

    def fetch(self, local: str) -> None:
        """Fill the existing empty file `local`."""
        self.entry = self._storage.read_file(self._path, local)
        if self._on_bytes is not None:
            self._on_bytes(self._size or 0)


class CountedReader:
    """A reader that tells how many bytes went by."""

    def __init__(self, reader: BinaryReader, on_bytes: OnBytes) -> None:
        self._reader, self._on_bytes = reader, on_bytes

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        data = self._reader.read(size)
        self._on_bytes(len(data))
        return data
