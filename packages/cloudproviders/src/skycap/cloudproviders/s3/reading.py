"""From the store into a local file: one request for what is small, ranges side by side for what is not."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

from skycap.cloudproviders.s3.client import BodyReader
from skycap.cloudproviders.s3.objects import entry_of
from skycap.cloudproviders.s3.splicing import Pipe
from skycap.core.errors import DownloadFailed, Error, NotFound, ProviderError
from skycap.core.retry import in_threads
from skycap.core.storage.blocks import reserve
from skycap.core.storage.entry import Entry
from skycap.core.units import MiB

if TYPE_CHECKING:
    from skycap.cloudproviders.s3.storage import S3

FIRST = 8 * MiB
RANGE = 16 * MiB
THREADS = 4
_BUFFER = MiB // 4
"""Of each range: there are as many at once as `THREADS` for every file that is under way."""
_OPEN = os.O_WRONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read_file(
    storage: S3, path: str, local: str, offset: int, length: int | None, version: str | None
) -> Entry:
    """Fill the existing local file, or a range of it, with one state of the object, or raise."""
    storage.key(path)  # is it a path at all?
    descriptor = _open(local)
    try:
        if length == 0:
            return storage.head(path, version)
        first = FIRST if length is None else length
        entry, have = _read_range(storage, path, version, descriptor, local, offset, first)
        end = entry.size or 0
        if length is not None:
            if have != min(length, max(end - offset, 0)):
                raise _short(storage, path, have, length)
        elif offset + have < end:
            same = entry.version if version is None else version
            _read_rest(storage, path, same, descriptor, local, offset + have, end)
        return entry
    finally:
        os.close(descriptor)


def _read_rest(
    storage: S3, path: str, version: str | None, descriptor: int, local: str, start: int, end: int
) -> None:
    reserve(descriptor, end)

    def one(start: int) -> None:
        length = min(RANGE, end - start)
        try:
            _, have = _read_range(storage, path, version, descriptor, local, start, length)
        except NotFound as error:
            raise DownloadFailed(
                "it was replaced or removed while it was read", where=storage.where(path)
            ) from error
        if have != length:
            raise _short(storage, path, have, length)

    with ThreadPoolExecutor(THREADS, "s3-ranges") as pool:
        fetch = in_threads(one)
        jobs = [pool.submit(fetch, begin) for begin in range(start, end, RANGE)]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _read_range(
    storage: S3, path: str, version: str | None, descriptor: int, local: str, start: int, most: int
) -> tuple[Entry, int]:
    """What there is of a range, and the entry that came with it: at most `most` bytes."""

    def ask(path: str, version: str | None) -> BodyReader:
        return storage.stream(path, version, {"range": f"bytes={start}-{start + most - 1}"})

    try:
        reader = storage.at_version(path, version, ask)
    except ProviderError as error:
        if start or not error.message.startswith("the object is shorter"):
            raise
        return storage.head(path, version), 0  # an empty one has no range
    try:
        reader.check_range(start)
        done = _splice(reader, descriptor, local, start, most)
        if done < most:
            done += _copy(reader, descriptor, local, start + done, most - done)
    finally:
        reader.close()
    return entry_of(path, reader.headers), done


def _short(storage: S3, path: str, have: int, length: int) -> DownloadFailed:
    return DownloadFailed(f"{have} bytes arrived of {length}", where=storage.where(path), retryable=True)


def _splice(reader: BodyReader, descriptor: int, local: str, start: int, length: int) -> int:
    done = 0
    with closing(Pipe()) as pipe:
        while count := reader.splice(pipe, length - done):
            try:
                pipe.drain(descriptor, start + done, count)
            except OSError as error:
                raise _local_error(error, local) from error
            done += count
    return done


def _copy(reader: BodyReader, descriptor: int, local: str, start: int, length: int) -> int:
    buffer = memoryview(bytearray(min(_BUFFER, length)))
    done = 0
    while count := reader.readinto(buffer[: min(len(buffer), length - done)]):
        _pwrite(descriptor, buffer[:count], start + done, local)
        done += count
    return done


def _open(local: str) -> int:
    try:
        return os.open(local, _OPEN)
    except OSError as error:
        raise _local_error(error, local) from error


def _pwrite(descriptor: int, data: memoryview, position: int, local: str) -> None:
    try:
        while len(data):
            count = os.pwrite(descriptor, data, position)
            data = data[count:]
            position += count
    except OSError as error:
        raise _local_error(error, local) from error


def _local_error(error: OSError, local: str) -> Error:
    from skycap.core.storage.failures import translate

    return translate(error, local, writing=True)
