"""From the store into a local file: one request for what is small, ranges side by side for what is not."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

from skycap.cloudproviders.s3.client import BodyReader
from skycap.cloudproviders.s3.objects import entry_of
from skycap.cloudproviders.s3.splicing import Pipe
from skycap.core.errors import DownloadFailed, Error, NotFound
from skycap.core.retry import in_threads
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


def read_file(storage: S3, path: str, local: str, version: str | None) -> Entry:
    """Fill the existing local file. What is read is one state of the object, or it raises."""
    key = storage.key(path)
    descriptor = _open(local)
    try:
        first = None
        if version is None:

            def sink(offset: int, data: memoryview) -> None:
                _pwrite(descriptor, data, offset, local)

            first = storage.fast.fetch(key, FIRST, sink)
        if first is not None:
            have, size, headers = first
            entry = entry_of(path, headers)
        else:
            entry, size, have = _read_start(storage, path, version, descriptor, local)
        if have < size:
            _read_rest(storage, path, entry, version, descriptor, local, have, size)
        return entry
    finally:
        os.close(descriptor)


def _read_start(
    storage: S3, path: str, version: str | None, descriptor: int, local: str
) -> tuple[Entry, int, int]:
    entry = storage.head(path, version)
    size = entry.size or 0
    have = min(size, FIRST)
    if have:
        _read_range(storage, path, _same(entry, version), descriptor, local, 0, have)
    return entry, size, have


def _read_rest(
    storage: S3,
    path: str,
    entry: Entry,
    version: str | None,
    descriptor: int,
    local: str,
    have: int,
    size: int,
) -> None:
    os.posix_fallocate(descriptor, 0, size) if hasattr(os, "posix_fallocate") else None
    same = _same(entry, version)

    def one(start: int) -> None:
        _read_range(storage, path, same, descriptor, local, start, min(RANGE, size - start))

    with ThreadPoolExecutor(THREADS, "s3-ranges") as pool:
        fetch = in_threads(one)
        jobs = [pool.submit(fetch, start) for start in range(have, size, RANGE)]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _same(entry: Entry, version: str | None) -> str | None:
    return version if version is not None else entry.version


def _read_range(
    storage: S3, path: str, version: str | None, descriptor: int, local: str, start: int, length: int
) -> None:

    def ask(path: str, version: str | None) -> BodyReader:
        query, headers = storage.version_request(version)
        headers["range"] = f"bytes={start}-{start + length - 1}"
        return storage.client.stream(storage.bucket, storage.key(path), query=query, headers=headers)

    try:
        reader = storage.at_version(path, version, ask)
    except NotFound as error:
        raise DownloadFailed(
            "it was replaced or removed while it was read", where=storage.where(path)
        ) from error
    try:
        reader.check_range(start)
        done = _splice(reader, descriptor, local, start, length)
        if done < length:
            done += _copy(reader, descriptor, local, start + done, length - done)
    finally:
        reader.close()
    if done != length:
        raise DownloadFailed(f"{done} bytes arrived of {length}", where=storage.where(path), retryable=True)


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
