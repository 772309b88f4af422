"""What all overlays share: a verb goes through to the inner storage only if the overlay names it.

    class Loud(Transparent):
        passes = FULL | {Capability.COPY}

        def _around(self, operation, call, *args, **kwargs):
            print(operation)
            return call(*args, **kwargs)

An overlay that does a verb itself names its capability in `offers` instead and overrides the verb; what it
then forgot to override raises, it does not fall through. A capability that a backend gains tomorrow is
therefore not let through by the overlays of today.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, ParamSpec, TypeVar

from skycap.core.errors import Error, Unsupported
from skycap.core.retry.policies import Operation
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.extras import (
    BulkReader,
    BulkWriter,
    Changes,
    Leftover,
    Quota,
    Shares,
    Trash,
    Versions,
)
from skycap.core.storage.facts import Facts
from skycap.core.storage.failures import translate
from skycap.core.storage.interface import Storage
from skycap.core.storage.overlays.extras import (
    BulkAround,
    BulkReaderAround,
    SharesAround,
    TrashAround,
    VersionsAround,
)
from skycap.core.storage.source import BinaryReader, Source
from skycap.core.storage.upload import Upload

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

PLAIN = (bytes, bytearray, memoryview, os.PathLike)
"""Sources that are data, or name where it lies: handed on as they are, they keep the fast ways open."""

_UP, _DOWN, _LIST, _DELETE = Operation.UPLOAD, Operation.DOWNLOAD, Operation.LIST, Operation.DELETE


@contextmanager
def translated(source: Source) -> Iterator[None]:
    """What the file system says of a source that is a local file, as an error of ours."""
    try:
        yield
    except Error:
        raise
    except OSError as error:
        where = os.fspath(source) if isinstance(source, os.PathLike) else ""
        raise translate(error, where) from error


class Overlay(Storage):
    """A storage around another one, which it closes with itself. Subclasses say their facts and identity."""

    passes: ClassVar[frozenset[Capability]] = frozenset()
    """What goes through as it is, where the inner storage has it."""
    offers: ClassVar[frozenset[Capability]] = frozenset()
    """What the overlay does itself, where the inner storage has it."""

    def __init__(self, inner: Storage) -> None:
        self.inner = inner
        self.capabilities = (self.passes | self.offers) & inner.capabilities
        self._passed = self.passes & self.capabilities
        self.type_name = inner.type_name  # type: ignore[misc] # an overlay is no type one could configure

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.inner!r})"

    @property
    def facts(self) -> Facts:  # type: ignore[override]
        """What is so about the whole: the overlay decides what still holds."""
        raise NotImplementedError

    def where(self, path: str) -> str:
        """How errors name a path: it is the inner storage that raises them."""
        return self.inner.where(path)

    def refusal(self, capability: Capability, path: str = "") -> Unsupported:
        """What is said of a verb that is not there: by the inner storage, if it is that one that lacks it."""
        lacking = self if capability in self.inner.capabilities else self.inner
        return super().refusal(capability, path) if lacking is self else lacking.refusal(capability, path)

    def close(self) -> None:
        """Close the inner storage."""
        self.inner.close()

    def _around(self, operation: Operation, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Every call to the inner storage goes through here."""
        return call(*args, **kwargs)

    def _iterate(self, operation: Operation, start: Callable[[], Iterator[T]]) -> Iterator[T]:
        """And everything that comes one by one through here. A store may give a list, and means the same."""
        return iter(start())

    def _needs(self, capability: Capability, path: str = "", condition: Condition | None = None) -> None:
        """Refuse what is not let through, or a condition of that verb that is not."""
        if capability not in self._passed:
            self.refuse(capability, path)
        if condition is not None:
            # There is no `remove_if_absent`: whoever can remove by version says what it makes of that.
            absent = condition.version is None and capability is not Capability.REMOVE
            kind = "absent" if absent else "version"
            self._needs(Capability(f"{capability.value}_if_{kind}"), path)

    # Readable

    def stat(self, path: str) -> Entry:
        """One entry."""
        self._needs(Capability.READ, path)
        return self._around(_LIST, self.inner.stat, path)

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """A streaming reader."""
        self._needs(Capability.READ, path)
        if version is not None:
            self._needs(Capability.READ_VERSION, path)
        return self.inner.read(path, offset=offset, length=length, version=version)

    # Listable

    def scan(self, path: str) -> Iterator[Entry]:
        """One level."""
        self._needs(Capability.LIST, path)
        return self._iterate(_LIST, lambda: self.inner.scan(path))

    # Writable

    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        """Store a file."""
        self._needs(Capability.WRITE, path, condition)
        return self._around(
            _UP, self.inner.write, path, source, size=size, metadata=metadata, condition=condition
        )

    def make_dir(self, path: str) -> None:
        """Make a directory."""
        self._needs(Capability.WRITE, path)
        self._around(_UP, self.inner.make_dir, path)

    # Removable

    def remove(self, path: str, *, condition: Condition | None = None) -> None:
        """Remove a file or an empty directory."""
        self._needs(Capability.REMOVE, path, condition)
        self._around(_DELETE, self.inner.remove, path, condition=condition)

    # Optional

    def scan_all(self, path: str) -> Iterator[Entry]:
        """Everything below a path."""
        self._needs(Capability.SCAN_ALL, path)
        return self._iterate(_LIST, lambda: self.inner.scan_all(path))

    def copy(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """Copy inside the store."""
        self._needs(Capability.COPY, target, condition)
        return self._around(_UP, self.inner.copy, source, target, condition=condition)

    def rename(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """Move inside the store."""
        self._needs(Capability.RENAME, target, condition)
        return self._around(_UP, self.inner.rename, source, target, condition=condition)

    def remove_many(self, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
        """Remove files in few requests."""
        self._needs(Capability.REMOVE_MANY)
        return self._iterate(_DELETE, lambda: self.inner.remove_many(paths))

    def remove_tree(self, path: str) -> None:
        """Remove a directory and all below it."""
        self._needs(Capability.REMOVE_TREE, path)
        self._around(_DELETE, self.inner.remove_tree, path)

    def begin_upload(self, path: str, *, size: int | None = None, metadata: Metadata | None = None) -> Upload:
        """Begin a multipart upload."""
        self._needs(Capability.UPLOAD, path)
        return self._uploading(self._around(_UP, self.inner.begin_upload, path, size=size, metadata=metadata))

    def resume_upload(self, state: Mapping[str, Any], source: Source | None = None) -> Upload:
        """Go on with one."""
        self._needs(Capability.UPLOAD)
        return self._uploading(self._around(_UP, self.inner.resume_upload, state, source))

    def _uploading(self, upload: Upload) -> Upload:
        """The upload as it is seen from outside. Also where an overlay must watch the conditions of it."""
        return upload

    def set_metadata(self, path: str, metadata: Metadata) -> Entry:
        """Change what stands beside the bytes."""
        self._needs(Capability.SET_METADATA, path)
        return self._around(_UP, self.inner.set_metadata, path, metadata)

    def make_symlink(self, path: str, target: str) -> Entry:
        """Make a symbolic link."""
        self._needs(Capability.MAKE_SYMLINK, path)
        return self._around(_UP, self.inner.make_symlink, path, target)

    def local_path(self, path: str) -> str:
        """Where the same bytes lie on this machine."""
        self._needs(Capability.LOCAL_PATH, path)
        return self.inner.local_path(path)

    def read_file(
        self,
        path: str,
        local: str,
        *,
        offset: int = 0,
        length: int | None = None,
        version: str | None = None,
    ) -> Entry:
        """Fill a local file."""
        self._needs(Capability.READ_FILE, path)
        if version is not None:
            self._needs(Capability.READ_VERSION, path)
        return self._around(
            _DOWN, self.inner.read_file, path, local, offset=offset, length=length, version=version
        )

    def bulk_read(self) -> BulkReader:
        """A reader of many small files."""
        self._needs(Capability.BULK_READ)
        return BulkReaderAround(self.inner.bulk_read(), self._around)

    def bulk_write(self, *, metadata: bool = True) -> BulkWriter:
        """A writer of many small local files."""
        self._needs(Capability.BULK_WRITE)
        return BulkAround(self.inner.bulk_write(metadata=metadata), self._around)

    def versions(self) -> Versions:
        """The history of paths."""
        self._needs(Capability.VERSIONS)
        return VersionsAround(self.inner.versions(), self._needs, self._around, self._iterate)

    def trash(self) -> Trash:
        """Where removed things wait."""
        self._needs(Capability.TRASH)
        return TrashAround(self.inner.trash(), self._around, self._iterate)

    def shares(self) -> Shares:
        """Links for people without an account."""
        self._needs(Capability.SHARE)
        return SharesAround(self.inner.shares(), self._needs, self._around, self._iterate)

    def quota(self) -> Quota:
        """Bytes used and left."""
        self._needs(Capability.QUOTA)
        return self._around(_LIST, self.inner.quota)

    def search(self, text: str, path: str = "") -> Iterator[Entry]:
        """What the store itself finds."""
        self._needs(Capability.SEARCH, path)
        return self._iterate(_LIST, lambda: self.inner.search(text, path))

    def lock_object(self, path: str, until_ns: int, *, version: str | None = None) -> None:
        """Retention."""
        self._needs(Capability.LOCK_OBJECT, path)
        self._around(_UP, self.inner.lock_object, path, until_ns, version=version)

    def changes(self, cursor: str | None = None) -> Changes:
        """What changed since a cursor."""
        self._needs(Capability.CHANGES)
        return self._around(_LIST, self.inner.changes, cursor)

    def cleanup(self, path: str = "", *, older_than_s: float, dry_run: bool = False) -> Iterator[Leftover]:
        """Remove what interrupted writes left behind."""
        self._needs(Capability.CLEANUP, path)
        return self._iterate(
            _DELETE, lambda: self.inner.cleanup(path, older_than_s=older_than_s, dry_run=dry_run)
        )


class Transparent(Overlay):
    """An overlay that changes neither names nor bytes: the same place, of which the same is so."""

    @property
    def identity(self) -> str:
        """That of the inner storage, since it is the same place."""
        return self.inner.identity

    @property
    def facts(self) -> Facts:  # type: ignore[override]
        """Those of the inner storage, since the same bytes lie there under the same names."""
        return self.inner.facts


EVERYTHING: frozenset[Capability] = frozenset(
    {
        Capability.READ,
        Capability.LIST,
        Capability.WRITE,
        Capability.REMOVE,
        Capability.READ_VERSION,
        Capability.WRITE_IF_ABSENT,
        Capability.WRITE_IF_VERSION,
        Capability.REMOVE_IF_VERSION,
        Capability.SCAN_ALL,
        Capability.COPY,
        Capability.COPY_IF_ABSENT,
        Capability.COPY_IF_VERSION,
        Capability.RENAME,
        Capability.RENAME_IF_ABSENT,
        Capability.RENAME_IF_VERSION,
        Capability.REMOVE_MANY,
        Capability.REMOVE_TREE,
        Capability.UPLOAD,
        Capability.UPLOAD_IF_ABSENT,
        Capability.UPLOAD_IF_VERSION,
        Capability.SET_METADATA,
        Capability.MAKE_SYMLINK,
        Capability.LOCAL_PATH,
        Capability.READ_FILE,
        Capability.BULK_READ,
        Capability.BULK_WRITE,
        Capability.VERSIONS,
        Capability.VERSIONS_RESTORE,
        Capability.VERSIONS_REMOVE,
        Capability.TRASH,
        Capability.SHARE,
        Capability.SHARE_LIST,
        Capability.SHARE_REMOVE,
        Capability.QUOTA,
        Capability.SEARCH,
        Capability.LOCK_OBJECT,
        Capability.CHANGES,
        Capability.CLEANUP,
    }
)
"""All there are today, written out: one that is added tomorrow has to be thought about here."""
