"""Into the store: one PUT for what fits into a part, parts side by side for what does not."""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING

from skycap.cloudproviders.s3.upload import SIZE_MAX, S3Upload, part_size_for
from skycap.core.errors import Error, Unsupported, UploadFailed
from skycap.core.paths import printable
from skycap.core.retry import anew, in_threads
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.pieces import Budget, read_at, read_piece
from skycap.core.storage.source import BinaryReader, Source, is_reopenable, known_size, opened
from skycap.core.units import MiB

if TYPE_CHECKING:
    from skycap.cloudproviders.s3.storage import S3

SINGLE_MAX = 16 * MiB
THREADS = 4
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_CHANGED = "It changed while it was read. Run the command again."


def write(
    storage: S3,
    path: str,
    source: Source,
    size: int | None,
    metadata: Metadata | None,
    condition: Condition | None,
) -> Entry:
    """Store `source`, all or nothing."""
    if isinstance(source, bytes | bytearray | memoryview):
        data = memoryview(source).cast("B") if isinstance(source, memoryview) else memoryview(source)
        if size is not None and len(data) != size:
            raise UploadFailed(f"the source has {len(data)} bytes, not {size}", where=storage.where(path))
        if len(data) <= SINGLE_MAX:
            return _put(storage, path, data, metadata, condition)
        return _write_parts(storage, path, _Slices(data), len(data), metadata, condition)
    if isinstance(source, os.PathLike):
        return _write_file(storage, path, os.fspath(source), size, metadata, condition, _progress(source))
    expected = known_size(source) if size is None else size
    # A plain stream never waits for memory: whoever feeds it may be waiting for another of ours.
    patient = expected is not None and is_reopenable(source)
    if expected is not None and expected <= SINGLE_MAX:
        # Not once it is open: an answer that nobody reads is broken off after a while.
        with storage.memory.hold(expected if patient else 0), opened(source, size) as reader:
            data = memoryview(read_piece(reader, expected))
            if reader.read(1):
                raise UploadFailed("the source holds more than it said", where=storage.where(path))
            return _put(storage, path, data, metadata, condition)
    with opened(source, size) as reader:
        stream = _Stream(reader, patient=patient)
        part_size = part_size_for(expected, storage.options.part_size, most=SIZE_MAX)
        if expected is None:
            first = stream.begin(part_size)
            if len(first) < part_size and len(first) <= SINGLE_MAX:
                return _put(storage, path, memoryview(first), metadata, condition)
        return _write_parts(storage, path, stream, expected, metadata, condition)


def _put(
    storage: S3, path: str, data: memoryview, metadata: Metadata | None, condition: Condition | None
) -> Entry:
    with anew():  # reading the source may have taken long
        return storage.put(path, data, metadata, condition)


def _progress(source: os.PathLike[str]) -> Callable[[int], None] | None:
    found: Callable[[int], None] | None = getattr(source, "on_bytes", None)
    return found


def _write_file(
    storage: S3,
    path: str,
    local: str,
    size: int | None,
    metadata: Metadata | None,
    condition: Condition | None,
    on_bytes: Callable[[int], None] | None,
) -> Entry:
    descriptor = _open(local)
    try:
        info = os.fstat(descriptor)
        if not stat_module.S_ISREG(info.st_mode):
            raise Unsupported("it is not a regular file", where=printable(local))
        if size is not None and info.st_size != size:
            raise UploadFailed(
                f"the source has {info.st_size} bytes, not {size}", where=printable(local), hint=_CHANGED
            )
        file = _File(descriptor, info, local)
        if info.st_size <= SINGLE_MAX:
            with storage.memory.hold(info.st_size):
                data = file.part(0, max(info.st_size, 1)) or b""
                file.check()
                entry = _put(storage, path, memoryview(data), metadata, condition)
                del data  # before others may take its room
            if on_bytes:
                on_bytes(info.st_size)
            return entry
        return _write_parts(storage, path, file, info.st_size, metadata, condition, on_bytes)
    except Error:  # some of ours are an OSError too
        raise
    except OSError as error:
        raise _local_error(error, local) from error
    finally:
        os.close(descriptor)


class _Parts:
    """Where parts come from. `parallel` ones are read by whoever sends them."""

    parallel = False

    def weight(self, index: int, part_size: int) -> int:
        """How many bytes of memory reading it takes that have to be waited for."""
        raise NotImplementedError

    def part(self, index: int, part_size: int) -> bytes | memoryview | None:
        """One part, None past the end."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise if the parts are not all of one state of the source."""


class _Slices(_Parts):
    parallel = True

    def __init__(self, data: memoryview) -> None:
        self._data = data

    def weight(self, index: int, part_size: int) -> int:
        """None: it is in memory already."""
        return 0

    def part(self, index: int, part_size: int) -> memoryview | None:
        """A slice: no copy."""
        return self._data[index * part_size : (index + 1) * part_size] or None


class _File(_Parts):
    parallel = True

    def __init__(self, descriptor: int, info: os.stat_result, local: str) -> None:
        self._descriptor = descriptor
        self._info = info
        self._local = local

    def weight(self, index: int, part_size: int) -> int:
        """What is left of the file, a part at most."""
        return max(0, min(part_size, self._info.st_size - index * part_size))

    def part(self, index: int, part_size: int) -> bytes | memoryview | None:
        """Read at its place."""
        wanted = self.weight(index, part_size)
        if not wanted:
            return None
        data = read_at(self._descriptor, wanted, index * part_size)
        if len(data) != wanted:
            raise UploadFailed("the source became shorter", where=printable(self._local), hint=_CHANGED)
        return data

    def check(self) -> None:
        """The file is what it was at first."""
        now, first = os.fstat(self._descriptor), self._info
        if (now.st_size, now.st_mtime_ns) != (first.st_size, first.st_mtime_ns):
            raise UploadFailed("the source changed", where=printable(self._local), hint=_CHANGED)


class _Stream(_Parts):
    def __init__(self, reader: BinaryReader, *, patient: bool) -> None:
        self._reader = reader
        self._patient = patient
        self._first: bytes | memoryview | None = None

    def begin(self, part_size: int) -> bytes | memoryview:
        """The first part, ahead of its turn."""
        self._first = read_piece(self._reader, part_size)
        return self._first

    def weight(self, index: int, part_size: int) -> int:
        """A whole part: nobody knows which is the last."""
        return part_size if self._patient else 0

    def part(self, index: int, part_size: int) -> bytes | memoryview | None:
        """The next one."""
        first, self._first = self._first, None
        return (read_piece(self._reader, part_size) if first is None else first) or None


def _write_parts(
    storage: S3,
    path: str,
    parts: _Parts,
    size: int | None,
    metadata: Metadata | None,
    condition: Condition | None,
    on_bytes: Callable[[int], None] | None = None,
) -> Entry:
    with anew():
        upload = S3Upload.begin(storage, path, size, metadata)
    try:
        with ThreadPoolExecutor(THREADS, "s3-parts") as pool:
            _send(upload, parts, pool, storage.memory, on_bytes)
        parts.check()
        with anew():
            return upload.complete(condition)
    except BaseException:
        # The first error is the one to tell; what could not be removed is found by `cleanup`.
        with suppress(Error), anew():
            upload.abort()
        raise


def _send(
    upload: S3Upload,
    parts: _Parts,
    pool: ThreadPoolExecutor,
    memory: Budget,
    on_bytes: Callable[[int], None] | None,
) -> None:
    """All the parts, `THREADS` of them at once, and no more in memory than there is room for."""
    running: set[Future[int]] = set()
    index = 0

    def send(index: int, data: bytes | memoryview | None) -> int:
        data = parts.part(index, upload.part_size) if data is None else data
        if data is None:
            return 0
        with anew():  # it had to wait for its source
            upload.put_part(index, data, last=len(data) < upload.part_size)
        return len(data)

    job_of = in_threads(send)

    def begin(index: int) -> Future[int] | None:
        """Hand the next part over; None where a stream has ended."""
        weight = parts.weight(index, upload.part_size)
        memory.take(weight)
        try:
            data = None if parts.parallel else parts.part(index, upload.part_size)
            if data is None and not parts.parallel:
                memory.give(weight)
                return None
            job = pool.submit(job_of, index, data)
        except BaseException:
            memory.give(weight)
            raise
        job.add_done_callback(lambda _: memory.give(weight))  # it is called for cancelled ones, too
        return job

    try:
        ended = False
        while not ended or running:
            while not ended and len(running) < THREADS:
                job = begin(index)
                if job is None:
                    ended = True
                    break
                running.add(job)
                index += 1
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for job in finished:
                count = job.result()
                ended = ended or count < upload.part_size
                if on_bytes and count:
                    on_bytes(count)
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise


def _open(local: str) -> int:
    try:
        return os.open(local, _READ)
    except OSError as error:
        raise _local_error(error, local) from error


def _local_error(error: OSError, local: str) -> Error:
    from skycap.core.storage.failures import translate

    return translate(error, local)
