"""Where a file has no bytes on the disk."""

from __future__ import annotations

import errno
import heapq
import os

from skycap.backup.format import limits

Holes = tuple[tuple[int, int], ...]
"""Offset and length of each, in bytes, by rising offset; no two touch."""

_SEEKS = hasattr(os, "SEEK_HOLE")
_MOST_LOOKED_AT = 16 * limits.HOLES_WRITTEN
_BLOCK = 512


def may_have_holes(info: os.stat_result) -> bool:
    """Does the file take less room than its size? Compression does that too."""
    return _SEEKS and info.st_size > 0 and info.st_blocks * _BLOCK < info.st_size


def find_holes(file: int, size: int) -> Holes | None:
    """The holes of an open file below `size` bytes; None where there are none, or the system cannot tell.

    Of very many, the largest are given. Leaves the file at its start.
    """
    found: list[tuple[int, int]] = []
    at = 0
    try:
        while at < size and len(found) < _MOST_LOOKED_AT:
            hole = os.lseek(file, at, os.SEEK_HOLE)
            if hole >= size:
                break
            at = _data_after(file, hole, size)
            found.append((hole, at - hole))
    except OSError:  # it cannot tell, or the file shrank meanwhile
        return None
    finally:
        os.lseek(file, 0, os.SEEK_SET)
    if len(found) > limits.HOLES_WRITTEN:
        found = sorted(heapq.nlargest(limits.HOLES_WRITTEN, found, key=lambda hole: hole[1]))
    return tuple(found) or None


def _data_after(file: int, hole: int, size: int) -> int:
    try:
        return min(os.lseek(file, hole, os.SEEK_DATA), size)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return size
