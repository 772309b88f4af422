"""One file, from one place to another: by the store itself where it can, else through this process."""

from __future__ import annotations

import tempfile
from typing import cast

from skycap.core.errors import Unsupported
from skycap.core.paths import printable
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.source import COPY_BUFFER, BinaryReader, LocalFile, Source
from skycap.core.transfer.sources import StoredFile
from skycap.core.webdav.books import Books
from skycap.core.webdav.shares import Place
from skycap.core.webdav.times import keeps_set


def same_store(one: Place, other: Place) -> bool:
    """Whether the store of one reaches the other by its path."""
    return one.storage is other.storage or one.storage.identity == other.storage.identity


def is_same_file(source: Place, target: Place) -> bool:
    """Whether two names are one to a store that does not tell capitals from small letters."""
    return (
        not source.facts.case_sensitive
        and same_store(source, target)
        and source.path.casefold() == target.path.casefold()
    )


def copy_file(source: Place, entry: Entry, target: Place, books: Books) -> None:
    """Copy a file over whatever file is at the target; its metadata and properties too. All or nothing."""
    if same_store(source, target) and source.storage.can(Capability.COPY):
        made = source.storage.copy(source.path, target.path)
    else:
        made = _by_bytes(source, entry, target)
    books.copied_alone(source.key, target.key)
    _carry_time(entry, target, made, books)


def move_file(source: Place, entry: Entry, target: Place, books: Books) -> None:
    """Move a file over whatever file is at the target. Where it fails, the source is still there."""
    if same_store(source, target) and source.storage.can(Capability.RENAME):
        made = source.storage.rename(source.path, target.path)
        books.moved(source.key, target.key)
        _carry_time(entry, target, made, books)
        return
    if is_same_file(source, target):
        raise Unsupported("this storage cannot change capitals in a name", where=printable(source.path))
    copy_file(source, entry, target, books)
    source.storage.remove(source.path)
    books.removed(source.key)


def _by_bytes(source: Place, entry: Entry, target: Place) -> Entry:
    wanted = (target.facts.metadata_fields & source.facts.metadata_fields) - {"mtime_ns"}
    if entry.metadata is None and wanted:
        entry = source.storage.stat(source.path)._replace(mtime_ns=entry.mtime_ns)
    known = entry.metadata or Metadata()
    metadata = Metadata(mtime_ns=entry.mtime_ns, **{name: getattr(known, name) for name in wanted})
    content: Source = StoredFile(source.storage, source.path)
    if source.storage.can(Capability.LOCAL_PATH):
        content = LocalFile(source.storage.local_path(source.path))
    if entry.size is not None or not target.facts.needs_size:
        return target.storage.write(target.path, content, size=entry.size, metadata=metadata)
    with tempfile.TemporaryFile() as spool, source.storage.read(source.path) as reader:
        while data := reader.read(COPY_BUFFER):
            spool.write(data)
        size = spool.tell()
        spool.seek(0)
        return target.storage.write(target.path, cast(BinaryReader, spool), size=size, metadata=metadata)


def _carry_time(entry: Entry, target: Place, made: Entry, books: Books) -> None:
    # The books know a time by version, and the version may be another now.
    if entry.mtime_ns is not None and not keeps_set(target, is_dir=False) and made.mtime_ns != entry.mtime_ns:
        books.set_time(target.key, made.version, entry.mtime_ns)
