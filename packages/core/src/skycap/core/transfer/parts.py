"""A large file, part by part: in parallel, journalled after each, gone on with where a run stopped."""

from __future__ import annotations

import contextlib
import contextvars
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from skycap.core.errors import (
    AccessDenied,
    AuthExpired,
    DownloadFailed,
    Error,
    Interrupted,
    NotFound,
    Stopped,
    UploadFailed,
)
from skycap.core.paths import printable
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.interface import Storage
from skycap.core.storage.pieces import Budget, read_at, read_piece
from skycap.core.storage.source import LocalFile, Source
from skycap.core.storage.upload import Sending, Upload
from skycap.core.transfer.journal import Journal
from skycap.core.transfer.sources import StoredFile
from skycap.core.transfer.state import State

FetchPart = Callable[[str, int, int], object]
"""Puts bytes at their place in a local file: `(file, offset, length)`, from any thread."""
ReadPart = Callable[[int, int], bytes | memoryview]
"""The bytes at an offset: `(offset, length) -> bytes`, from any thread."""


def forget_unnamed(target: Storage, path: str) -> None:
    """Abort uploads to exactly this path, one of which an earlier run began and did not learn the name of."""
    if target.can(Capability.CLEANUP):
        with contextlib.suppress(AccessDenied):  # who may write need not be allowed to look for uploads
            for _ in target.cleanup(path, older_than_s=0):
                pass


def drop_upload(state: State, target: Storage, path: str) -> None:
    """Abort what an earlier run left of an upload to this path; `Error` if that fails, and it stays known."""
    left = state.claim_upload(path)
    if left is None:
        return
    if not left.state:
        forget_unnamed(target, path)
    else:
        with contextlib.suppress(NotFound):
            target.resume_upload(left.state).abort()
    state.end_upload(path)


class PartsMover:
    """Moves large files; one for a run, so that its threads and its memory are bounded for all of them."""

    def __init__(self, state: State, *, threads: int, memory: int, cancel: threading.Event) -> None:
        self._state = state
        self._threads = threads
        self._budget = Budget(memory)
        self._cancel = cancel
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._sent: set[Sending] = set()

    @property
    def in_flight(self) -> int:
        """Bytes of the parts that are being sent, and that a run which stops waits for."""
        with self._lock:
            return sum(part.size for part in self._sent if not part.waits)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def move(
        self,
        target: Storage,
        path: str,
        read_part: ReadPart,
        source: Source,
        *,
        size: int,
        fingerprint: str,
        metadata: Metadata | None,
        on_bytes: Callable[[int], None],
        on_resume: Callable[[int], None],
        check_source: Callable[[], None],
        fetch_part: FetchPart | None = None,
    ) -> Entry:
        """Upload `size` bytes to `path`. Raises `Interrupted` between parts; what is done is kept.

        `check_source` raises if the source is another one by the time all of it was read.
        """
        upload = self._resumed(target, path, source, fingerprint, on_resume, on_bytes)
        if upload is None:
            self._state.expect_upload(path)
            upload = target.begin_upload(path, size=size, metadata=metadata)
        try:
            journal = Journal(self._state, upload, path, fingerprint)
            journal.begin()
            self._put_missing(upload, path, read_part, fetch_part, size, journal, on_bytes)
            check_source()
            entry = upload.complete()
        except Error as error:
            if not _can_go_on(error):
                self._give_up(upload, path)
            raise
        self._state.end_upload(path)
        return entry

    @contextlib.contextmanager
    def unnamed(self, target: Storage, path: str, size: int | None) -> Iterator[None]:
        """While a file is written that the store may take in parts that nobody can go on with."""
        least = min(target.facts.part_size, target.facts.upload_from)
        if not target.can(Capability.UPLOAD) or target.can(Capability.LOCAL_PATH) or (size or 0) < least:
            yield
            return
        drop_upload(self._state, target, path)
        self._state.expect_upload(path)
        yield
        self._state.end_upload(path)

    def _resumed(
        self,
        target: Storage,
        path: str,
        source: Source,
        fingerprint: str,
        on_resume: Callable[[int], None],
        on_bytes: Callable[[int], None],
    ) -> Upload | None:
        left = self._state.claim_upload(path)
        if left is None:
            return None
        if not left.state:
            forget_unnamed(target, path)
            self._state.end_upload(path)
            return None
        try:
            upload = target.resume_upload(left.state, source)
        except NotFound:
            self._state.end_upload(path)
            return None
        if left.fingerprint != fingerprint:
            self._give_up(upload, path)  # the source is another one now
            return None
        if not left.ours:  # this run has told of those parts when it sent them
            held = sum(upload.done.values())
            on_resume(held)
            on_bytes(held)
        return upload

    def _give_up(self, upload: Upload, path: str) -> None:
        # In this order: an upload that could not be aborted stays known, and the next run tries again.
        with contextlib.suppress(Error):
            upload.abort()
            self._state.end_upload(path)

    def _put_missing(
        self,
        upload: Upload,
        path: str,
        read_part: ReadPart,
        fetch_part: FetchPart | None,
        size: int,
        journal: Journal,
        on_bytes: Callable[[int], None],
    ) -> None:
        part_size, done = upload.part_size, upload.done
        count = max(-(-size // part_size), 1)

        local = upload.local_file if fetch_part is not None else None

        def put(index: int) -> None:
            offset = index * part_size
            length = min(part_size, size - offset)
            if self._cancel.is_set():
                raise Interrupted("stopped between two parts", where=path)
            if local is not None and fetch_part is not None:
                fetch_part(local, offset, length)
                upload.filled(index, length, last=index == count - 1)
                part = None
            else:
                part = send(index, offset, length)
            journal.put(index)
            on_bytes(length if part is None else length - part.told)

        def send(index: int, offset: int, length: int) -> Sending:
            part = Sending(length, self._cancel, on_bytes)
            with self._budget.hold(length), part.current():
                if self._cancel.is_set():
                    raise Interrupted("stopped between two parts", where=path)
                data = read_part(offset, length)
                if len(data) != length:
                    raise UploadFailed(
                        f"the source ended at {offset + len(data)} of {size} bytes", where=path
                    )
                with self._in_flight(part):
                    upload.put_part(index, data, last=index == count - 1)
                del data  # before others may take its room
            return part

        missing = [index for index in range(count) if index not in done]
        if upload.ordered:
            for index in missing:
                put(index)
        else:
            self._all(put, missing)

    @contextlib.contextmanager
    def _in_flight(self, part: Sending) -> Iterator[None]:
        part.waits = False
        with self._lock:
            self._sent.add(part)
        try:
            yield
        finally:
            with self._lock:
                self._sent.discard(part)

    def _all(self, put: Callable[[int], None], indexes: list[int]) -> None:
        waiting = iter(indexes)
        running: set[Future[None]] = set()
        pool = self._threads_of()
        failed: BaseException | None = None
        while True:
            while failed is None and len(running) < self._threads:
                index = next(waiting, None)
                if index is None:
                    break
                running.add(pool.submit(contextvars.copy_context().run, put, index))
            if not running:
                break
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                failed = failed or future.exception()
        if failed is not None:
            raise failed

    def _threads_of(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="skycap-part")
            return self._pool


def _can_go_on(error: Error) -> bool:
    """Whether the parts that are there may still be of use, to this run or the next."""
    if isinstance(error, NotFound):
        return False
    return error.retryable or isinstance(error, Interrupted | Stopped | AuthExpired)


@contextlib.contextmanager
def part_reader(storage: Storage, path: str) -> Iterator[tuple[ReadPart, Source]]:
    """Parts of a file from any thread, and the whole of it for those who need it once more."""
    local = storage.local_path(path) if storage.can(Capability.LOCAL_PATH) and hasattr(os, "pread") else None
    try:
        descriptor = os.open(local, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)) if local else None
    except OSError:  # the storage has the words for it
        descriptor = None
    if local is None or descriptor is None:
        yield read_range(storage, path), StoredFile(storage, path)
        return

    def read_part(offset: int, length: int) -> bytes | memoryview:
        try:
            return read_at(descriptor, length, offset)
        except OSError as error:
            raise DownloadFailed(f"it cannot be read ({error.strerror})", where=printable(local)) from error

    try:
        yield read_part, LocalFile(local)
    finally:
        os.close(descriptor)


def read_range(storage: Storage, path: str) -> ReadPart:
    """Parts of a file by ranged reads."""

    def read_part(offset: int, length: int) -> bytes | memoryview:
        with storage.read(path, offset=offset, length=length) as reader:
            return read_piece(reader, length)

    return read_part


def takes_parts(target: Storage, size: int | None) -> bool:
    """Whether a file of this size goes to the target part by part."""
    return size is not None and target.can(Capability.UPLOAD) and size >= max(target.facts.upload_from, 1)
