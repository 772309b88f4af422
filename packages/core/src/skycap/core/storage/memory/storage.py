"""A storage in memory that can do everything that makes sense there.

It is what tests compare other storages with, so it is strict: what a storage may refuse, it refuses. Which
capabilities it has, and what is so about it, can be set, to stand in for storages that can do less.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from skycap.core.errors import Conflict, Error, NotFound, Unsupported
from skycap.core.paths import join, printable, split
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.storage.extras import (
    BulkReader,
    BulkWriter,
    Change,
    Changes,
    Leftover,
    Quota,
    Shares,
    Trash,
    Versions,
)
from skycap.core.storage.failures import translate
from skycap.core.storage.memory.base import MemoryBase
from skycap.core.storage.memory.bulk import MemoryBulk, MemoryBulkReader
from skycap.core.storage.memory.extras import MemoryShares, MemoryTrash, MemoryVersions
from skycap.core.storage.memory.space import Node, PendingUpload, ordered
from skycap.core.storage.memory.upload import MemoryUpload
from skycap.core.storage.options import Size, StorageOptions, option
from skycap.core.storage.source import COPY_BUFFER, BinaryReader, Source, opened
from skycap.core.storage.upload import Upload


@dataclass(frozen=True, kw_only=True)
class MemoryOptions(StorageOptions):
    """Options of the storage type `memory`."""

    space: str = option("Which one: all of one name in a process hold the same files", default="default")
    quota: Size | None = option("How many bytes it takes", default=None)


class MemoryReader(io.BytesIO):
    """The bytes of one state of a file, and its entry."""

    entry: Entry


class Memory(MemoryBase):
    """Files in memory. Without a name, nobody else sees them; those of one name share what they hold."""

    type_name: ClassVar[str] = "memory"
    Options: ClassVar[type[StorageOptions]] = MemoryOptions

    @classmethod
    def open(cls, options: MemoryOptions, path: str) -> tuple[Memory, str]:
        """The storage a remote of this type means, and the path inside it."""
        return cls(options.space, quota=options.quota), path

    # Readable

    def stat(self, path: str) -> Entry:
        """One entry, with metadata and hash."""
        self.need(Capability.READ, path=path)
        with self._space.lock:
            node = self._space.get(self.checked(path, root=True))
        return self.full_entry(path, node)

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """A reader of the content as it is now."""
        self.need(Capability.READ, path=path)
        if version is not None:
            self.need(Capability.READ_VERSION, path=path)
        return self._reading(path, offset, length, version)

    @contextmanager
    def _reading(
        self, path: str, offset: int, length: int | None, version: str | None
    ) -> Iterator[BinaryReader]:
        node = self._readable(path, version)
        end = None if length is None else offset + length
        reader = MemoryReader(node.content[offset:end] if offset or end is not None else node.content)
        reader.entry = node.entry(path)
        with reader:
            yield reader

    def _readable(self, path: str, version: str | None) -> Node:
        self.checked(path, root=True)
        with self._space.lock:
            if version is not None:
                states = self._space.history.get(path, [])
                node = next((state.node for state in states if state.version == version), None)
                if node is None:
                    raise NotFound(f"no version {version}", where=printable(path))
            else:
                node = self._space.get(path)
        if node.kind is not Kind.FILE:
            raise Unsupported(f"it is {node.kind.noun} and cannot be read", where=printable(path))
        return node

    # Listable

    def scan(self, path: str) -> Iterator[Entry]:
        """One level, as it was when the first entry was asked for."""
        self.need(Capability.LIST, path=path)
        return self._scanning(self.checked(path, root=True))

    def _scanning(self, path: str) -> Iterator[Entry]:
        with self._space.lock:
            children = ordered(self._folder(path))
        yield from (child.entry(join(path, name)) for name, child in children)

    def _folder(self, path: str) -> Node:
        node = self._space.find(path)
        if node is None or not node.is_dir:
            if not self.facts.empty_dirs:
                return Node(Kind.DIRECTORY, 0)
            raise NotFound("no such directory", where=printable(path))
        return node

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
        """Read all of the source, then put it in its place."""
        self.need(Capability.WRITE, path=path)
        self.allow(condition, Capability.WRITE_IF_ABSENT, Capability.WRITE_IF_VERSION, path=path)
        self.checked(path)
        with self._space.lock:
            self._space.check(condition, path)
        try:
            with opened(source, size) as reader:
                content = b"".join(iter(lambda: reader.read(COPY_BUFFER), b""))
        except Error:  # of the source; some of ours are an OSError too
            raise
        except OSError as error:
            raise translate(error, str(error.filename or path)) from error
        return self.store(path, content, metadata, condition)

    def make_dir(self, path: str) -> None:
        """Make it and its parents."""
        self.need(Capability.WRITE, path=path)
        self.checked(path, root=True)
        if self.facts.empty_dirs:
            with self._space.lock:
                self._space.folder(path)

    # Removable

    def remove(self, path: str, *, condition: Condition | None = None) -> None:
        """Take it out of the tree."""
        self.need(Capability.REMOVE, path=path)
        self.allow(condition, None, Capability.REMOVE_IF_VERSION, path=path)
        self.checked(path)
        with self._space.lock:
            self._space.check(condition, path)
            node = self._space.find(path)
            if node is None:
                return
            if node.children:
                raise Conflict("the directory is not empty", where=printable(path))
            self._space.take(path)

    # Optional

    def scan_all(self, path: str) -> Iterator[Entry]:
        """Everything below, as it was when the first entry was asked for; in order."""
        self.need(Capability.SCAN_ALL, path=path)
        return self._scanning_all(self.checked(path, root=True))

    def _scanning_all(self, path: str) -> Iterator[Entry]:
        with self._space.lock:
            found = list(self._space.walk(path, self._folder(path)))[1:]
        for below, node in found:
            if self.facts.empty_dirs or not node.is_dir:
                yield node.entry(below)

    def copy(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """The same bytes under another name, with a version of their own."""
        self.need(Capability.COPY, path=source)
        self.allow(condition, Capability.COPY_IF_ABSENT, Capability.COPY_IF_VERSION, path=target)
        self.checked(source)
        self.checked(target)
        with self._space.lock:
            node = self._space.get(source)
            if node.kind is not Kind.FILE:
                raise Unsupported("only files can be copied", where=printable(source))
            return self.store(target, node.content, node.metadata, condition)

    def rename(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """Move a node, directories too."""
        self.need(Capability.RENAME, path=source)
        self.allow(condition, Capability.RENAME_IF_ABSENT, Capability.RENAME_IF_VERSION, path=target)
        self.checked(source)
        self.checked(target)
        with self._space.lock:
            node = self._space.get(source)
            if node.is_dir and not self.facts.rename_dirs:
                raise Unsupported("only files can be renamed", where=printable(source))
            self._space.check(condition, target)
            if source == target:
                return node.entry(target)
            if target.startswith(f"{source}/"):
                raise Conflict("it cannot be moved below itself", where=printable(target))
            if source.startswith(f"{target}/"):
                raise Conflict("the directory is not empty", where=printable(target))
            self._space.check_free(source)
            moved = node if node.is_dir else self.renewed(node)
            self._space.put(target, moved)
            self._space.take(source)
            return moved.entry(target)

    def remove_many(self, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
        """One after the other."""
        self.need(Capability.REMOVE_MANY)
        return self._removing(paths)

    def _removing(self, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
        for path in paths:
            try:
                self._remove_quietly(path)
            except Error as error:
                yield path, error
            else:
                yield path, None

    def _remove_quietly(self, path: str) -> None:
        self.checked(path)
        with self._space.lock:
            node = self._space.find(path)
            if node is not None and node.children:
                raise Conflict("the directory is not empty", where=printable(path))
            if node is not None:
                self._space.take(path)

    def remove_tree(self, path: str) -> None:
        """Take it out of the tree; of the root, what is in it."""
        self.need(Capability.REMOVE_TREE, path=path)
        self.checked(path, root=True)
        with self._space.lock:
            node = self._space.find(path)
            if node is None:
                return
            self._space.check_free(path)
            if path:
                self._space.take(path)
            else:
                for name in list(node.children):
                    self._space.take(name)

    def begin_upload(self, path: str, *, size: int | None = None, metadata: Metadata | None = None) -> Upload:
        """Parts wait beside the tree."""
        self.need(Capability.UPLOAD, path=path)
        self.checked(path)
        with self._space.lock:
            pending = PendingUpload(
                self._space.new_id(), path, self.facts.part_size, size, metadata, self._space.clock()
            )
            self._space.uploads[pending.id] = pending
            return MemoryUpload(self, self._space, pending.id)

    def resume_upload(self, state: Mapping[str, Any], source: Source | None = None) -> Upload:
        """Go on in the same process."""
        self.need(Capability.UPLOAD)
        if state.get("space") != self._space.name:
            raise NotFound("an upload of another space", where=str(state.get("id")))
        return MemoryUpload(self, self._space, str(state["id"]))

    def set_metadata(self, path: str, metadata: Metadata) -> Entry:
        """Change what is not None."""
        self.need(Capability.SET_METADATA, path=path)
        self.checked(path, root=True)
        with self._space.lock:
            node = self._space.get(path)
            wanted = self._kept(metadata)
            changes = {
                name: value
                for name in self.facts.metadata_fields
                if (value := getattr(wanted, name)) is not None and (name != "extra" or value)
            }
            node = self._space.swap(path, replace(node, metadata=replace(node.metadata, **changes)))
        return self.full_entry(path, node)

    def make_symlink(self, path: str, target: str) -> Entry:
        """A node that says where it leads."""
        self.need(Capability.MAKE_SYMLINK, path=path)
        self.checked(path)
        with self._space.lock:
            node = Node(Kind.SYMLINK, self._space.clock(), target=target)
            return self._space.put(path, node).entry(path)

    def read_file(
        self,
        path: str,
        local: str,
        *,
        offset: int = 0,
        length: int | None = None,
        version: str | None = None,
    ) -> Entry:
        """Write the content into the local file."""
        self.need(Capability.READ_FILE, path=path)
        if version is not None:
            self.need(Capability.READ_VERSION, path=path)
        node = self._readable(path, version)
        try:
            with open(local, "r+b") as file:
                file.seek(offset)
                file.write(node.content[offset : None if length is None else offset + length])
        except OSError as error:
            raise translate(error, local, writing=True) from error
        return node.entry(path)

    def bulk_read(self) -> BulkReader:
        """One read after the other."""
        self.need(Capability.BULK_READ)
        return MemoryBulkReader(self)

    def bulk_write(self, *, metadata: bool = True) -> BulkWriter:
        """One write after the other."""
        self.need(Capability.BULK_WRITE)
        return MemoryBulk(self, metadata=metadata)

    def versions(self) -> Versions:
        """The history of paths."""
        self.need(Capability.VERSIONS)
        return MemoryVersions(self, self._space)

    def trash(self) -> Trash:
        """Where removed things wait."""
        self.need(Capability.TRASH)
        return MemoryTrash(self, self._space)

    def shares(self) -> Shares:
        """Links that lead nowhere."""
        self.need(Capability.SHARE)
        return MemoryShares(self, self._space)

    def quota(self) -> Quota:
        """Bytes in files and in the trash."""
        self.need(Capability.QUOTA)
        with self._space.lock:
            used, total = self._space.used(), self._space.quota_bytes
        return Quota(used, total, None if total is None else max(total - used, 0))

    def search(self, text: str, path: str = "") -> Iterator[Entry]:
        """What has the text in its name, in either case."""
        self.need(Capability.SEARCH, path=path)
        self.checked(path, root=True)
        with self._space.lock:
            node = self._space.find(path)
            found = [] if node is None else list(self._space.walk(path, node))
        wanted = text.casefold()
        return (node.entry(at) for at, node in found if at and wanted in split(at)[1].casefold())

    def lock_object(self, path: str, until_ns: int, *, version: str | None = None) -> None:
        """Keep the latest version from being removed or replaced; it can be made longer, never shorter."""
        self.need(Capability.LOCK_OBJECT, path=path)
        self.checked(path)
        with self._space.lock:
            node = self._space.get(path)
            if version not in {None, node.version}:
                raise Unsupported("only the latest version can be locked", where=printable(path))
            self._space.swap(path, replace(node, locked_until_ns=max(until_ns, node.locked_until_ns)))

    def changes(self, cursor: str | None = None) -> Changes:
        """The paths that were touched since, with what is there now."""
        self.need(Capability.CHANGES)
        with self._space.lock:
            now = str(self._space.step)
            if cursor is None:
                return Changes((), now)
            paths = self._space.changed_since(int(cursor)) if cursor.isdecimal() else None
            if paths is None:
                return Changes((), now, reset=True)
            nodes = [(path, self._space.find(path)) for path in paths]
        return Changes([Change(at, None if node is None else node.entry(at)) for at, node in nodes], now)

    def cleanup(self, path: str = "", *, older_than_s: float, dry_run: bool = False) -> Iterator[Leftover]:
        """Forget uploads that were begun so long ago."""
        self.need(Capability.CLEANUP, path=path)
        return self._cleaning(self.checked(path, root=True), older_than_s, dry_run)

    def _cleaning(self, path: str, older_than_s: float, dry_run: bool) -> Iterator[Leftover]:
        with self._space.lock:
            pending = list(self._space.uploads.values())
        for upload in pending:
            below = not path or f"{upload.path}/".startswith(f"{path}/")
            if below and self._space.clock() - upload.begun_at_ns >= older_than_s * 1e9:
                if not dry_run:
                    with self._space.lock:
                        self._space.uploads.pop(upload.id, None)
                size = sum(map(len, upload.parts.values()))
                yield Leftover(upload.path, upload.id, size, upload.begun_at_ns)


__all__ = ["Memory", "MemoryOptions"]
