"""The blocks under a file: shared with another file, or reserved before they are written."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_LINUX = sys.platform == "linux"
_FICLONE = 0x40049409  # linux/fs.h


def cloned(source: int, target: int) -> bool:
    """Whether the empty file `target` now shares all blocks of `source`: Btrfs, XFS and bcachefs can."""
    if not _LINUX:
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:  # another file system, or one that cannot
        return False
    return True


def reserve(target: int, size: int) -> None:
    """Ask for all blocks of a new file at once, which is quicker than one at a time, where the system can.

    `ENOSPC` is left to the write that meets it: what a file system counts beforehand may be too much.
    """
    fallocate = _fallocate()
    if fallocate is not None:
        fallocate(target, 0, 0, size)
    elif not _LINUX and hasattr(os, "posix_fallocate"):
        with contextlib.suppress(OSError):
            os.posix_fallocate(target, 0, size)


@lru_cache(maxsize=1)
def _fallocate() -> Callable[..., int] | None:
    # Not posix_fallocate: where a file system has no such call, the C library writes to every single block.
    if not _LINUX:
        return None
    import ctypes

    library = ctypes.CDLL(None)
    # musl has one name for both.
    found: Any = getattr(library, "fallocate64", None) or getattr(library, "fallocate", None)
    if found is not None:
        found.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return found  # type: ignore[no-any-return]
