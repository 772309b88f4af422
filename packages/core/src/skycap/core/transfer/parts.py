"""A large file, part by part: in parallel, journalled after each, gone on with where a run stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from skycap.core.errors import Error, Interrupted, NotFound, UploadFailed
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.interface import Storage
from skycap.core.storage.source import Source, read_exactly
from skycap.core.storage.upload import Upload
from skycap.core.transfer.state import State

ReadPart = Callable[[int, int], bytes]
"""The bytes at an offset: `(offset, length) -> bytes`, from any thread."""


class Budget:
    """So many bytes may be in memory; one part always may."""

    def __init__(self, size: int) -> None:
        self._left = self._size = size
        self._changed = threading.Condition()

    def take(self, size: int) -> None:
        """Wait until they fit."""
        with self._changed:
            while self._left < min(size, self._size):
                self._changed.wait()
            self._left -= size

    def give(self, size: int) -> None:
        """They are free again."""
        with self._changed:
            self._left += size
            self._changed.notify_all()


class PartsMover:
    """Moves large files; one for a run, so that its threads and its memory are bounded for all of them."""

    def __init__(self, state: State, *, threads: int, memory: int, cancel: threading.Event) -> None:
        self._state = state
        self._threads = threads
        self._budget = Budget(memory)
        self._cancel = cancel
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

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
    ) -> Entry:
        """Upload `size` bytes to `path`. Raises `Interrupted` between parts; what is done is kept."""
        upload = self._resumed(target, path, source, size, fingerprint)
        if upload is None:
            upload = target.begin_upload(path, size=size, metadata=metadata)
            self._state.save_upload(path, fingerprint, upload.state)
        else:
            held = sum(upload.done.values())
            on_resume(held)
            on_bytes(held)
        try:
            self._put_missing(upload, path, read_part, size, fingerprint, on_bytes)
            entry = upload.complete()
        except Error as error:
            if not (error.retryable or isinstance(error, Interrupted)) or isinstance(error, NotFound):
                self._state.end_upload(path)
                upload.abort()
            raise
        self._state.end_upload(path)
        return entry

    def _resumed(
        self, target: Storage, path: str, source: Source, size: int, fingerprint: str
    ) -> Upload | None:
        left = self._state.claim_upload(path)
        if left is None:
            return None
        print_then, state = left
        try:
            upload = target.resume_upload(state, source)
        except NotFound:
            self._state.end_upload(path)
            return None
        if print_then == fingerprint:
            return upload
        upload.abort()  # the source is another one now
        self._state.end_upload(path)
        return None

    def _put_missing(
        self,
        upload: Upload,
        path: str,
        read_part: ReadPart,
        size: int,
        fingerprint: str,
        on_bytes: Callable[[int], None],
    ) -> None:
        part_size, done = upload.part_size, upload.done
        saving = threading.Lock()
        count = max(-(-size // part_size), 1)

        def put(index: int) -> None:
            offset = index * part_size
            length = min(part_size, size - offset)
            self._budget.take(length)
            try:
                if self._cancel.is_set():
                    raise Interrupted("stopped between two parts", where=path)
                data = read_part(offset, length)
                if len(data) != length:
                    raise UploadFailed(
                        f"the source ended at {offset + len(data)} of {size} bytes", where=path
                    )
                upload.put_part(index, data, last=index == count - 1)
            finally:
                self._budget.give(length)
            with saving:  # so that no older state is written over a newer one
                self._state.save_upload(path, fingerprint, upload.state)
            on_bytes(length)

        missing = [index for index in range(count) if index not in done]
        if upload.ordered:
            for index in missing:
                put(index)
        else:
            self._all(put, missing)

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
                running.add(pool.submit(put, index))
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


def read_range(storage: Storage, path: str) -> ReadPart:
    """Parts of a file by ranged reads."""

    def read_part(offset: int, length: int) -> bytes:
        with storage.read(path, offset=offset, length=length) as reader:
            return read_exactly(reader, length)

    return read_part


def takes_parts(target: Storage, size: int | None) -> bool:
    """Whether a file of this size goes to the target part by part."""
    return size is not None and target.can(Capability.UPLOAD) and size >= max(target.facts.upload_from, 1)
