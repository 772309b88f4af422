"""Bytes from one open file to another, by the kernel where it can; holes stay holes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from skycap.core.storage.blocks import cloned, reserve
from skycap.core.units import MiB

SMALL = MiB
_STEP = 64 * MiB  # a tenth of a second or so, after which somebody may want it to stop
_BUFFER = MiB
_LARGE = 32 * MiB  # from here on it pays to have all the blocks at once
# What copy_file_range says where it cannot help: other file systems, special files, old kernels.
_NO_KERNEL_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.ETXTBSY}


OnBytes = Callable[[int], None]


def ignore(count: int) -> None:
    """Nobody listens."""


def copy_bytes(source: int, target: int, info: os.stat_result, on_bytes: OnBytes = ignore) -> int:
    """Copy all of the descriptor `source`, of which `info` is the stat; how many bytes there were.

    `on_bytes` hears of each step of a large file, and may raise to stop.
    """
    size = info.st_size
    if size <= SMALL:
        return _copy_small(source, target, size)
    blocks = getattr(info, "st_blocks", None)
    if blocks is not None and blocks * 512 < size and hasattr(os, "SEEK_DATA"):
        return _copy_sparse(source, target, size, on_bytes)
    return _copy_whole(source, target, size, on_bytes)


def _copy_small(source: int, target: int, size: int) -> int:
    copied = 0
    # One byte more than there should be: a file that grew shows at once, without another call for most.
    while data := os.read(source, max(size - copied, 0) + 1):
        write_all(target, data)
        copied += len(data)
        if copied == size:
            break
    return copied


def write_all(target: int, data: bytes | bytearray | memoryview) -> None:
    """All of `data`, however few bytes the system takes at once."""
    written = os.write(target, data)
    while written < len(data):
        data = memoryview(data)[written:]
        written = os.write(target, data)


def _copy_whole(source: int, target: int, size: int, on_bytes: OnBytes) -> int:
    """A file without holes: shared with the original where the file system can, else in one piece of disk."""
    if cloned(source, target):
        on_bytes(size)
        return size
    if size >= _LARGE:
        reserve(target, size)
    return _copy_range(source, target, size, on_bytes)


def _copy_range(source: int, target: int, length: int, on_bytes: OnBytes) -> int:
    copied = 0
    if hasattr(os, "copy_file_range"):
        try:
            while copied < length:
                count = os.copy_file_range(source, target, min(length - copied, _STEP))
                if count == 0:
                    break
                copied += count
                on_bytes(count)
        except OSError as error:
            if error.errno not in _NO_KERNEL_COPY:
                raise
    if copied < length:
        copied += _copy_through(source, target, length - copied, on_bytes)
    return copied


def _copy_through(source: int, target: int, length: int, on_bytes: OnBytes) -> int:
    buffer = memoryview(bytearray(min(_BUFFER, length)))
    copied = 0
    while copied < length and (count := os.readv(source, [buffer[: min(len(buffer), length - copied)]])):
        write_all(target, buffer[:count])
        copied += count
        on_bytes(count)
    return copied


def _copy_sparse(source: int, target: int, size: int, on_bytes: OnBytes) -> int:
    position = 0
    while position < size:
        try:
            start = os.lseek(source, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            break  # nothing but a hole is left
        end = os.lseek(source, start, os.SEEK_HOLE)
        os.lseek(source, start, os.SEEK_SET)
        os.lseek(target, start, os.SEEK_SET)
        if _copy_range(source, target, end - start, on_bytes) < end - start:
            return start
        position = end
    os.ftruncate(target, size)
    return size
