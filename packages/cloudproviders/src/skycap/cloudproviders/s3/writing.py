"""Into the store: one PUT for what fits into a part, parts side by side for what does not."""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING

from skycap.cloudproviders.s3.upload import SIZE_MAX, S3Upload, part_size_for
from skycap.core.errors import Error, Unsupported, UploadFailed
from skycap.core.paths import printable
from skycap.core.retry import anew, in_threads
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.source import BinaryReader, Source, known_size, opened, read_exactly
from skycap.core.units import MiB

if TYPE_CHECKING:
    from skycap.cloudproviders.s3.storage import S3

SINGLE_MAX = 16 * MiB
SMALL = 2 * MiB
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
    with opened(source, size) as reader:
        expected = known_size(source) if size is None else size
        if expected is not None and expected <= SINGLE_MAX:
            data = memoryview(read_exactly(reader, expected))
            if reader.read(1):
                raise UploadFailed("the source holds more than it said", where=storage.where(path))
            return _put(storage, path, data, metadata, condition)
        part_size = part_size_for(expected, storage.options.part_size, most=SIZE_MAX)
        first = read_exactly(reader, part_size)
        if expected is None and len(first) < part_size and len(first) <= SINGLE_MAX:
            return _put(storage, path, memoryview(first), metadata, condition)
        return _write_parts(storage, path, _Stream(reader, first), expected, metadata, condition)


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
            with storage.part_slots if info.st_size > SMALL else nullcontext():
                data = file.part(0, max(info.st_size, 1)) or b""
                file.check()
                entry = _put(storage, path, memoryview(data), metadata, condition)
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

    def part(self, index: int, part_size: int) -> bytes | memoryview | None:
        """One part, None past the end."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise if the parts are not all of one state of the source."""


class _Slices(_Parts):
    parallel = True

    def __init__(self, data: memoryview) -> None:
        self._data = data

    def part(self, index: int, part_size: int) -> memoryview | None:
        """A slice: no copy."""
        return self._data[index * part_size : (index + 1) * part_size] or None


class _File(_Parts):
    parallel = True

    def __init__(self, descriptor: int, info: os.stat_result, local: str) -> None:
        self._descriptor = descriptor
        self._info = info
        self._local = local

    def part(self, index: int, part_size: int) -> bytes | None:
        """Read at its place."""
        start = index * part_size
        wanted = min(part_size, self._info.st_size - start)
        if wanted <= 0:
            return None
        data = os.pread(self._descriptor, wanted, start)
        while len(data) < wanted and (
            more := os.pread(self._descriptor, wanted - len(data), start + len(data))
        ):
            data += more
        if len(data) != wanted:
            raise UploadFailed("the source became shorter", where=printable(self._local), hint=_CHANGED)
        return data

    def check(self) -> None:
        """The file is what it was at first."""
        now, first = os.fstat(self._descriptor), self._info
        if (now.st_size, now.st_mtime_ns) != (first.st_size, first.st_mtime_ns):
            raise UploadFailed("the source changed", where=printable(self._local), hint=_CHANGED)


class _Stream(_Parts):
    def __init__(self, reader: BinaryReader, first: bytes) -> None:
        self._reader = reader
        self._first: bytes | None = first

    def part(self, index: int, part_size: int) -> bytes | None:
        """The next one."""
        first, self._first = self._first, None
        if first is not None:
            return first or None
        return read_exactly(self._reader, part_size) or None


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
            _send(upload, parts, pool, storage.part_slots, on_bytes)
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
    slots: AbstractContextManager[object],
    on_bytes: Callable[[int], None] | None,
) -> None:
    """All the parts, `THREADS` of them at once, and no more in memory than there are slots."""
    running: set[Future[int]] = set()
    index = 0

    def send(index: int, data: bytes | memoryview | None) -> int:
        with slots:
            data = parts.part(index, upload.part_size) if data is None else data
            if data is None:
                return 0
            with anew():  # it had to wait for a slot, and for its source
                upload.put_part(index, data, last=len(data) < upload.part_size)
            return len(data)

    job_of = in_threads(send)
    try:
        ended = False
        while not ended or running:
            while not ended and len(running) < THREADS:
                data = None if parts.parallel else parts.part(index, upload.part_size)
                if not parts.parallel and data is None:
                    ended = True
                    break
                running.add(pool.submit(job_of, index, data))
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
