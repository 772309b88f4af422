"""Versions, trash and links of an inner storage, each call going through the overlay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from skycap.core.errors import Error
from skycap.core.retry.policies import Operation
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.extras import (
    BulkReader,
    BulkWriter,
    Share,
    Shares,
    Trash,
    Trashed,
    Version,
    Versions,
)

T = TypeVar("T")
Needs = Callable[[Capability, str], None]
Around = Callable[..., Any]


class Iterate(Protocol):
    """`Overlay._iterate`."""

    def __call__(self, operation: Operation, start: Callable[[], Iterator[T]]) -> Iterator[T]:
        """What `start` gives, one by one."""
        ...


class BulkReaderAround(BulkReader):
    """A reader of many files, each batch going through the overlay."""

    def __init__(self, inner: BulkReader, around: Around) -> None:
        self._inner = inner
        self._around = around

    def get(self, paths: Sequence[str], limit: int) -> Sequence[tuple[bytes, Entry] | Error]:
        """Read each."""
        found: Sequence[tuple[bytes, Entry] | Error] = self._around(
            Operation.DOWNLOAD, self._inner.get, paths, limit
        )
        return found

    def close(self) -> None:
        """Let go of what was held for it."""
        self._inner.close()


class BulkAround(BulkWriter):
    """A writer of many files, each batch going through the overlay."""

    def __init__(self, inner: BulkWriter, around: Around) -> None:
        self._inner = inner
        self._around = around

    def write(self, files: Sequence[tuple[str, str, int | None]]) -> Sequence[Error | None]:
        """Store each."""
        found: Sequence[Error | None] = self._around(Operation.UPLOAD, self._inner.write, files)
        return found

    def put(self, contents: Sequence[tuple[str, bytes, Metadata | None]]) -> Sequence[Entry | Error]:
        """Store each."""
        found: Sequence[Entry | Error] = self._around(Operation.UPLOAD, self._inner.put, contents)
        return found

    def close(self) -> None:
        """Let go of what was held for it."""
        self._inner.close()


class VersionsAround(Versions):
    """The history of the inner storage."""

    def __init__(self, inner: Versions, needs: Needs, around: Around, iterate: Iterate) -> None:
        self._inner = inner
        self._needs = needs
        self._around = around
        self._iterate = iterate

    def list(self, path: str) -> Iterator[Version]:
        """Every state of a file, newest first."""
        return self._iterate(Operation.LIST, lambda: self._inner.list(path))

    def restore(self, path: str, version: str) -> Entry:
        """Make an old state the newest one."""
        self._needs(Capability.VERSIONS_RESTORE, path)
        entry: Entry = self._around(Operation.UPLOAD, self._inner.restore, path, version)
        return entry

    def remove(self, path: str, version: str) -> None:
        """Forget one state for good."""
        self._needs(Capability.VERSIONS_REMOVE, path)
        self._around(Operation.DELETE, self._inner.remove, path, version)


class TrashAround(Trash):
    """The trash of the inner storage."""

    def __init__(self, inner: Trash, around: Around, iterate: Iterate) -> None:
        self._inner = inner
        self._around = around
        self._iterate = iterate

    def list(self) -> Iterator[Trashed]:
        """What is in the trash."""
        return self._iterate(Operation.LIST, self._inner.list)

    def put(self, path: str) -> Trashed:
        """Move something into the trash."""
        trashed: Trashed = self._around(Operation.DELETE, self._inner.put, path)
        return trashed

    def restore(self, id: str, to: str | None = None) -> Entry:  # noqa: A002 - the interface's word
        """Bring it back."""
        entry: Entry = self._around(Operation.UPLOAD, self._inner.restore, id, to)
        return entry

    def clear(self) -> int:
        """Remove all of it for good."""
        count: int = self._around(Operation.DELETE, self._inner.clear)
        return count


class SharesAround(Shares):
    """The links of the inner storage."""

    def __init__(self, inner: Shares, needs: Needs, around: Around, iterate: Iterate) -> None:
        self._inner = inner
        self._needs = needs
        self._around = around
        self._iterate = iterate

    def create(self, path: str, *, expires_s: float | None = None, password: str | None = None) -> Share:
        """A new link, or the one there is."""
        share: Share = self._around(
            Operation.UPLOAD, self._inner.create, path, expires_s=expires_s, password=password
        )
        return share

    def list(self, path: str = "") -> Iterator[Share]:
        """The links at or below a path."""
        self._needs(Capability.SHARE_LIST, path)
        return self._iterate(Operation.LIST, lambda: self._inner.list(path))

    def remove(self, id: str) -> None:  # noqa: A002 - the interface's word
        """Take a link back."""
        self._needs(Capability.SHARE_REMOVE, id)
        self._around(Operation.DELETE, self._inner.remove, id)
