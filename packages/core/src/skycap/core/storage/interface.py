"""The narrow waist: everything that holds files is a `Storage`.

A verb maps to requests one can count; caching, walking, globbing and copying trees are functions over the
waist, never on it. Everything blocks; threads may share a storage. Paths are those of `skycap.core.paths`.
Errors are those of `skycap.core.errors` and nothing else.

To write one: subclass, declare `capabilities` and `facts`, implement the verbs you declared, and let
`skycap.core.testing.StorageConformance` tell what is missing. What is not declared raises `Unsupported`
by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Self

from skycap.core.errors import Error, Unsupported
from skycap.core.storage.capability import FULL, LACKS, Capability
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
from skycap.core.storage.options import StorageOptions
from skycap.core.storage.source import BinaryReader, Source
from skycap.core.storage.upload import Upload


class Storage:
    """Any place that holds files."""

    type_name: ClassVar[str] = ""
    """The name of the storage type: what stands in the configuration and before `://`."""
    capabilities: frozenset[Capability] = FULL
    facts: Facts = Facts()
    Options: ClassVar[type[StorageOptions]] = StorageOptions
    """What can be set for the type; as it is, nothing."""

    @classmethod
    def open(cls, options: Any, path: str) -> tuple[Storage, str]:
        """The storage of a remote, from its parsed `Options`, and where `path` lies in it.

        Not for overlays: they are put around a storage that is open.
        """
        raise NotImplementedError(f"{cls.__name__} has no class method open(options, path)")

    @property
    def identity(self) -> str:
        """The place itself (endpoint, bucket, account, root): two remotes of one place have one identity."""
        raise NotImplementedError

    # Readable

    def stat(self, path: str) -> Entry:
        """One entry, with all the store knows in one request; `NotFound` if absent. `""` is the root."""
        self.refuse(Capability.READ, path)

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """A streaming reader of the content from `offset`, `length` bytes at most; past the end it is empty.

        Errors come on entering or on reading; `NotFound` if absent. A stream that breaks off raises, it never
        ends early. A reader may have an attribute `entry`: what the answer told about the file on the way. A
        symbolic link gives what it leads to where that is inside the storage, else `Unsupported`.
        """
        self.refuse(Capability.READ, path)

    # Listable

    def scan(self, path: str) -> Iterator[Entry]:
        """One level, lazily; memory is a page. `NotFound` if absent, where directories are real."""
        self.refuse(Capability.LIST, path)

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
        """Store a file, missing parents included. All or nothing: a reader sees the old content or the new.

        A source that raises, or holds other than `size` bytes, aborts the write and the old file stays. A
        condition that does not hold raises `Conflict`, one that is not declared `Unsupported`.
        """
        self.refuse(Capability.WRITE, path)

    def make_dir(self, path: str) -> None:
        """Make a directory and its parents; one that is there is success. A no-op where they are prefixes."""
        self.refuse(Capability.WRITE, path)

    # Removable

    def remove(self, path: str, *, condition: Condition | None = None) -> None:
        """Remove a file or an empty directory; what is absent is success, a full directory a `Conflict`.

        A root that is a directory of its own goes too. Only a condition on a version makes sense here; the
        other is refused.
        """
        self.refuse(Capability.REMOVE, path)

    # Always

    def close(self) -> None:
        """Let go of connections and files. Twice is fine."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def can(self, *needed: Capability) -> bool:
        """Whether all of these are declared."""
        return self.capabilities.issuperset(needed)

    def where(self, path: str) -> str:
        """How its errors name a path, so that it can be told as it was typed."""
        return path

    def refusal(self, capability: Capability, path: str = "") -> Unsupported:
        """What is said of a verb that is not declared; a storage that knows better words says those."""
        kind = self.type_name or type(self).__name__
        return Unsupported(f"{kind} storages {LACKS[capability]}", where=path or None)

    def refuse(self, capability: Capability, path: str = "") -> NoReturn:
        """Raise `Unsupported` for a verb, or a condition of it, that this storage has not."""
        raise self.refusal(capability, path)

    # Optional: each behind the capability of its name

    def scan_all(self, path: str) -> Iterator[Entry]:
        """Everything below a path, flat; directories too where they exist by themselves."""
        self.refuse(Capability.SCAN_ALL, path)

    def copy(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """Copy a file inside the store, metadata too, no bytes travelling; `condition` is the target's."""
        self.refuse(Capability.COPY, source)

    def rename(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """Move a file inside the store, replacing the target; directories too where the fact says so."""
        self.refuse(Capability.RENAME, source)

    def remove_many(self, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
        """Remove files in as few requests as possible; each path with its error or None."""
        self.refuse(Capability.REMOVE_MANY)

    def remove_tree(self, path: str) -> None:
        """Remove a directory and all below it in one go; what is absent is success."""
        self.refuse(Capability.REMOVE_TREE, path)

    def begin_upload(self, path: str, *, size: int | None = None, metadata: Metadata | None = None) -> Upload:
        """Begin a multipart upload."""
        self.refuse(Capability.UPLOAD, path)

    def resume_upload(self, state: Mapping[str, Any], source: Source | None = None) -> Upload:
        """Go on with one from its `state`; `NotFound` if the store has forgotten it."""
        self.refuse(Capability.UPLOAD)

    def set_metadata(self, path: str, metadata: Metadata) -> Entry:
        """Change what is not None; what the store does not keep is left out (fact `metadata_fields`).

        Directories too, where they exist by themselves (fact `empty_dirs`): a transfer sets their time and
        mode last. A store that keeps none of directories raises `Unsupported`, which fails no transfer.
        """
        self.refuse(Capability.SET_METADATA, path)

    def make_symlink(self, path: str, target: str) -> Entry:
        """Make a symbolic link, replacing a file or a link."""
        self.refuse(Capability.MAKE_SYMLINK, path)

    def local_path(self, path: str) -> str:
        """The path in this machine's file system where the same bytes lie."""
        self.refuse(Capability.LOCAL_PATH, path)

    def read_file(
        self,
        path: str,
        local: str,
        *,
        offset: int = 0,
        length: int | None = None,
        version: str | None = None,
    ) -> Entry:
        """Fill an existing local file with the content, outside Python where that is faster.

        With `offset` and `length` only that range is written, at the same place; the rest is left as it is.
        """
        self.refuse(Capability.READ_FILE, path)

    def bulk_read(self) -> BulkReader:
        """A reader of many small files, in as little work a file as it takes. Close it when done."""
        self.refuse(Capability.BULK_READ)

    def bulk_write(self, *, metadata: bool = True) -> BulkWriter:
        """A writer of many small local files, in as little work a file as it takes. Close it when done.

        What the store keeps of time, mode, owner and attributes is taken from each local file; without
        `metadata` only its time.
        """
        self.refuse(Capability.BULK_WRITE)

    def versions(self) -> Versions:
        """The history of paths."""
        self.refuse(Capability.VERSIONS)

    def trash(self) -> Trash:
        """Where removed things wait."""
        self.refuse(Capability.TRASH)

    def shares(self) -> Shares:
        """Links to files for people without an account."""
        self.refuse(Capability.SHARE)

    def quota(self) -> Quota:
        """Bytes used and left."""
        self.refuse(Capability.QUOTA)

    def search(self, text: str, path: str = "") -> Iterator[Entry]:
        """What the store itself finds for a text, at or below a path."""
        self.refuse(Capability.SEARCH, path)

    def lock_object(self, path: str, until_ns: int, *, version: str | None = None) -> None:
        """Retention: nobody can remove or replace it before that moment."""
        self.refuse(Capability.LOCK_OBJECT, path)

    def changes(self, cursor: str | None = None) -> Changes:
        """What changed since a cursor; without one, a cursor for now and no items."""
        self.refuse(Capability.CHANGES)

    def cleanup(self, path: str = "", *, older_than_s: float, dry_run: bool = False) -> Iterator[Leftover]:
        """Remove what interrupted writes left behind at or below a path, each as it goes."""
        self.refuse(Capability.CLEANUP, path)
