"""One file from here to there: the ways to do it, tried in order, fastest first.

1. what a plugin offers (`transfer_strategy`)
2. `rename`: a move within one storage
3. `server copy`: one storage copies by itself
4. `parts`: a large file, part by part, resumable
5. `local file`: the target takes it from the file system (kernel copy, or a native data plane)
6. `native read`: the source puts it into a file of the target's file system by itself
7. `stream`: bytes through this process
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from skycap.core.errors import Error, IntegrityError, Interrupted, NotFound, Unsupported, UploadFailed
from skycap.core.location import Location
from skycap.core.paths import join
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.storage.extras import BulkReader, BulkWriter
from skycap.core.storage.source import LocalFile, opened
from skycap.core.transfer.compare import common_hash, fingerprint, like
from skycap.core.transfer.events import Event, EventType, Listener
from skycap.core.transfer.options import TransferOptions
from skycap.core.transfer.parts import FetchPart, PartsMover, part_reader, takes_parts
from skycap.core.transfer.plan import Action
from skycap.core.transfer.sources import FetchedFile, StoredFile
from skycap.core.units import MiB

SMALL = MiB
TINY = 64 * 1024
"""What is no larger is held in memory, some at a time, until it is written."""
_HASHLIB = frozenset({"md5", "sha1", "sha256"})
Strategy = Callable[[], Entry]
StrategyHook = Callable[[Location, Location, Entry], Strategy | None]


class Mover:
    """Moves single files between two locations."""

    def __init__(
        self,
        source: Location,
        target: Location,
        options: TransferOptions,
        *,
        parts: PartsMover,
        listener: Listener,
        cancel: threading.Event,
        hook: StrategyHook | None = None,
        moving: bool = False,
    ) -> None:
        self.source, self.target = source, target
        self.options = options
        self.listener = listener
        self.cancel = cancel
        self.moving = moving
        self._parts = parts
        self._bulk: BulkWriter | None = None
        self._reader: BulkReader | None = None
        self._lock = threading.Lock()
        self._hook = hook
        ours, theirs = source.storage, target.storage
        self._same_place = ours.identity == theirs.identity
        aside = options.overwrite == "rename"  # each file by itself, after what it replaces was moved
        self._can_rename = moving and self._same_place and ours.can(Capability.RENAME)
        self._can_copy = self._same_place and ours.can(Capability.COPY)
        self._local_source = ours.can(Capability.LOCAL_PATH)
        self.kernel_copy = self._local_source and theirs.can(Capability.LOCAL_PATH)
        self.takes_small = (
            self._local_source
            and theirs.can(Capability.BULK_WRITE)
            and not (self._can_rename or self._can_copy or options.verify or moving or aside)
            and hook is None
        )
        """Whether small files go in batches."""
        self.takes_contents = (
            not self._local_source
            and theirs.can(Capability.BULK_WRITE)
            and theirs.can(Capability.LOCAL_PATH)
            and not (options.verify or moving or aside)
            and hook is None
        )
        """Whether what is tiny is read first, and then written together."""
        self.gives_contents = (
            ours.can(Capability.BULK_READ)
            and not theirs.can(Capability.LOCAL_PATH)
            and not (self._can_copy or options.verify or moving or aside)
            and hook is None
        )
        """Whether what is tiny is read together, and then written."""
        self._native_read = ours.can(Capability.READ_FILE) and theirs.can(Capability.LOCAL_PATH)
        self._keeps = theirs.facts.metadata_fields & ours.facts.metadata_fields
        # Whether a listing tells all that is kept, so that no further look is needed.
        listed = "mtime_ns" in ours.facts.scan_fields or ours.facts.mtime_precision_ns is None
        self._knows_all = listed and (self._keeps <= {"mtime_ns"} or not options.metadata)

    def move(self, entry: Entry) -> tuple[Entry, str]:
        """Move what the entry names, as seen from the locations; the entry at the target, and how it went."""
        path, size = entry.path, entry.size
        ours, theirs = self.source.below(path), self.target.below(path)
        source, target = self.source.storage, self.target.storage
        if self._hook is not None and (strategy := self._hook(self.source, self.target, entry)):
            return self._by_plugin(entry, strategy), "plugin"
        # A store may be unable after all: another file system, another storage class, too large.
        if self._can_rename:
            with suppress(Unsupported):
                return source.rename(ours, theirs), "rename"
        if self._can_copy:
            with suppress(Unsupported):
                return self._checked(entry, source.copy(ours, theirs)), "server copy"
        if takes_parts(target, size) and not self.kernel_copy:
            return self._by_parts(entry, ours, theirs), "parts"
        if self._local_source:
            with self._parts.unnamed(target, theirs, size):
                return self._checked(entry, self._by_local_file(entry, ours, theirs)), "local file"
        if self._native_read and (size is None or size > SMALL):
            fetched = FetchedFile(source, ours, size, self._counter(path))
            written = target.write(theirs, fetched, size=size, metadata=self._metadata(entry, None))
            return self._checked(entry, self._with_metadata(entry, written, fetched.entry)), "native read"
        with self._parts.unnamed(target, theirs, size):
            return self._checked(entry, self._by_stream(entry, ours, theirs)), "stream"

    def move_small(self, actions: Sequence[Action]) -> Sequence[Error | None]:
        """Copy many small files; for each what went wrong, or None."""
        source, ours, theirs = self.source.storage, self.source.path, self.target.path
        folders: dict[str, str] = {}
        files: list[tuple[str, str, int | None]] = []
        for action in actions:
            # The way to a folder is checked once; the names in it came from a listing just now.
            parent, _, name = action.path.rpartition("/")
            folder = folders.get(parent)
            if folder is None:
                folder = folders[parent] = source.local_path(join(ours, parent))
            path = f"{theirs}/{action.path}" if theirs else action.path
            files.append((path, f"{folder}{os.sep}{name}", action.size))
        return self._bulk_writer().write(files)

    def read_tiny(self, entry: Entry) -> tuple[str, bytes, Metadata]:
        """What a bulk writer stores a tiny file from."""
        data, told = self._read_small(entry, self.source.below(entry.path))
        return self.target.below(entry.path), data, self._metadata(entry, told)

    def read_all_tiny(self, entries: Sequence[Entry]) -> Sequence[tuple[bytes, Metadata] | Error]:
        """The content of each and what to keep beside it, or what went wrong."""
        with self._lock:
            if self._reader is None:
                self._reader = self.source.storage.bulk_read()
        answers = self._reader.get([self.source.below(entry.path) for entry in entries], TINY)
        return [
            answer if isinstance(answer, Error) else self._if_unchanged(entry, *answer)
            for entry, answer in zip(entries, answers, strict=True)
        ]

    def _if_unchanged(self, entry: Entry, data: bytes, now: Entry) -> tuple[bytes, Metadata] | Error:
        if fingerprint(like(entry, now)) != fingerprint(entry):
            return self._changed(entry)
        return data, self._metadata(entry, now)

    def write_one_tiny(self, entry: Entry, data: bytes, metadata: Metadata) -> Entry:
        """Store what was read of it."""
        path = self.target.below(entry.path)
        written = self.target.storage.write(path, data, size=len(data), metadata=metadata)
        return self._checked(entry, written)

    def write_tiny(
        self, entries: Sequence[Entry], contents: Sequence[tuple[str, bytes, Metadata]]
    ) -> Sequence[Entry | Error]:
        """Store what was read of them; for each its entry at the target, or what went wrong."""
        answers = self._bulk_writer().put(contents)
        found: list[Entry | Error] = []
        for entry, answer in zip(entries, answers, strict=True):
            try:
                found.append(answer if isinstance(answer, Error) else self._checked(entry, answer))
            except Error as error:
                found.append(error)
        return found

    def _bulk_writer(self) -> BulkWriter:
        with self._lock:
            if self._bulk is None:
                self._bulk = self.target.storage.bulk_write(metadata=self.options.metadata)
            return self._bulk

    def close(self) -> None:
        """Let go of what was held for small files."""
        if self._bulk is not None:
            self._bulk.close()
            self._bulk = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _by_plugin(self, entry: Entry, strategy: Strategy) -> Entry:
        """A strategy is believed only as far as a look at the target bears it out."""
        source, target = self.source.storage, self.target.storage
        if source.facts.hashes & target.facts.hashes:
            entry = entry._replace(hashes=source.stat(self.source.below(entry.path)).hashes)
        written = self._checked(entry, strategy())
        if not (self.moving or target.can(Capability.READ)):
            return written
        where = self.target.shown(entry.path)
        try:
            seen = target.stat(written.path)
        except NotFound:
            raise IntegrityError("a plugin says it is stored, and nothing is there", where=where) from None
        if seen.kind is not Kind.FILE:
            raise IntegrityError(f"a plugin says it is stored, and {seen.kind.noun} is there", where=where)
        self._checked(entry, seen)
        return written

    def _by_stream(self, entry: Entry, ours: str, theirs: str) -> Entry:
        source, target, count = self.source.storage, self.target.storage, self._counter(entry.path)
        if entry.size is None or entry.size > SMALL:
            metadata = self._metadata(entry, None if self._knows_all else source.stat(ours))
            again = StoredFile(source, ours, count)
            return target.write(theirs, again, size=entry.size, metadata=metadata)
        data, told = self._read_small(entry, ours)
        count(len(data))
        return target.write(theirs, data, size=entry.size, metadata=self._metadata(entry, told))

    def _read_small(self, entry: Entry, ours: str) -> tuple[bytes, Entry | None]:
        """All of it, and what is known of it now."""
        # One byte more than there should be: a file that grew shows, and the store may send it in one piece.
        length = entry.size + 1 if entry.size else None
        with self.source.storage.read(ours, length=length) as reader:
            told: Entry | None = getattr(reader, "entry", None)
            with opened(reader, entry.size) as exact:
                data = exact.read()
        self._check_data(entry, data)
        return data, self._told(entry, told)

    def _by_local_file(self, entry: Entry, ours: str, theirs: str) -> Entry:
        source = self.source.storage
        told = None if self._knows_all else source.stat(ours)
        if told is not None:
            entry = entry._replace(mtime_ns=told.mtime_ns)
        local = source.local_path(ours)
        metadata = self._metadata(entry, told)
        told_of, tell = 0, self._counter(entry.path)

        def count(size: int) -> None:
            nonlocal told_of
            told_of += size
            tell(size)

        file = LocalFile(local, count)
        written = self.target.storage.write(theirs, file, size=entry.size, metadata=metadata)
        if told_of < (entry.size or 0):  # a kernel that copies by itself tells nobody
            self.listener(Event(EventType.MOVED, entry.path, bytes=(entry.size or 0) - told_of))
        if not self.kernel_copy and _mtime_ns(local) not in {None, metadata.mtime_ns}:
            raise self._changed(entry)  # what was sent may be half of the one and half of the other
        return written

    def _by_parts(self, entry: Entry, ours: str, theirs: str) -> Entry:
        source = self.source.storage
        # What is resumed must be the very same file, so it is looked at once more, with all the store knows.
        now = source.stat(ours)
        if fingerprint(entry) != fingerprint(like(entry, now)):
            raise self._changed(entry)
        metadata = self._metadata(entry, now)
        mark = _mark(now)

        def check_source() -> None:
            if _mark(source.stat(ours)) != mark:
                raise self._changed(entry)

        listener, path = self.listener, entry.path
        arguments = {"size": now.size or 0, "fingerprint": mark, "metadata": metadata}
        with part_reader(source, ours) as (read_part, again):
            written = self._parts.move(
                self.target.storage,
                theirs,
                read_part,
                again,
                **arguments,  # type: ignore[arg-type]
                on_bytes=self._counter(path, check=False),
                on_resume=lambda held: listener(Event(EventType.RESUMED, path, now.size, held)),
                check_source=check_source,
                fetch_part=self._fetcher(ours, now),
            )
        return self._checked(entry, written)

    def _fetcher(self, ours: str, now: Entry) -> FetchPart | None:
        source = self.source.storage
        if not self._native_read:
            return None
        version = now.version if source.can(Capability.READ_VERSION) else None

        def fetch_part(local: str, offset: int, length: int) -> Entry:
            return source.read_file(ours, local, offset=offset, length=length, version=version)

        return fetch_part

    # Metadata

    def _metadata(self, entry: Entry, told: Entry | None) -> Metadata:
        mtime_ns = entry.mtime_ns if entry.mtime_ns is not None else told.mtime_ns if told else None
        metadata = (told.metadata if told else None) or entry.metadata or Metadata()
        return self._kept(replace(metadata, mtime_ns=mtime_ns))

    def _kept(self, metadata: Metadata) -> Metadata:
        if not self.options.metadata:
            return Metadata(mtime_ns=metadata.mtime_ns)
        dropped = {name: None for name in ("mode", "uid", "gid", "xattrs") if name not in self._keeps}
        return replace(metadata, **dropped) if dropped else metadata  # type: ignore[arg-type]

    def _told(self, entry: Entry, told: Entry | None) -> Entry | None:
        """What reading told on the way, or what a look tells, if the listing did not tell it all."""
        if self._knows_all or (told is not None and told.metadata is not None):
            return told
        return self.source.storage.stat(self.source.below(entry.path))

    def _with_metadata(self, entry: Entry, written: Entry, told: Entry | None) -> Entry:
        told = self._told(entry, told)
        if told is None:
            return written
        metadata = self._metadata(entry._replace(mtime_ns=told.mtime_ns), told)
        return self.target.storage.set_metadata(self.target.below(entry.path), metadata)

    # Checks

    def _changed(self, entry: Entry) -> Error:
        return UploadFailed(
            "it changed while it was copied",
            where=self.source.shown(entry.path),
            hint="Run the command again when nobody writes to it.",
        )

    def _check_data(self, entry: Entry, data: bytes) -> None:
        """Compare small content with a hash the listing knew."""
        for kind, value in (entry.hashes or {}).items():
            if kind in _HASHLIB:
                import hashlib

                if hashlib.new(kind, data, usedforsecurity=False).hexdigest() != value:
                    raise IntegrityError(
                        f"what arrived has another {kind} than the store says",
                        where=self.source.shown(entry.path),
                        retryable=True,
                    )
                return

    def _checked(self, entry: Entry, written: Entry) -> Entry:
        where = self.target.shown(entry.path)
        if not self._is_named(written, self.target.below(entry.path)):
            raise IntegrityError(f"it was stored under another name, {written.path!r}", where=where)
        if entry.size is not None and written.size is not None and written.size != entry.size:
            raise IntegrityError(
                f"{written.size} bytes were stored of {entry.size}", where=where, retryable=True
            )
        if (hashes := common_hash(entry, written)) and hashes[0] != hashes[1]:
            raise IntegrityError(
                "what was stored has another hash than the source", where=where, retryable=True
            )
        return written

    def _is_named(self, written: Entry, path: str) -> bool:
        facts = self.target.storage.facts
        if written.path == path or facts.names_on_write:
            return True
        return not facts.case_sensitive and written.path.casefold() == path.casefold()

    def _counter(self, path: str, *, check: bool = True) -> Callable[[int], None]:
        listener, cancel = self.listener, self.cancel

        def count(size: int) -> None:
            if check and cancel.is_set():
                raise Interrupted("stopped before the end of the file", where=path)
            listener(Event(EventType.MOVED, path, bytes=size))

        return count


def _mtime_ns(local: str) -> int | None:
    try:
        return os.stat(local).st_mtime_ns
    except OSError:
        return None  # it is gone, and what was sent is what it was


def _mark(entry: Entry) -> str:
    return f"{entry.size}:{entry.mtime_ns}:{entry.version}"
