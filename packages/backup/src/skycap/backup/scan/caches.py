"""Directories that say of themselves that they need no backup."""

from __future__ import annotations

import os
from collections.abc import Iterator

from skycap.backup.scan.options import ScanOptions

TAG = b"CACHEDIR.TAG"
SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
"""How a CACHEDIR.TAG begins, by the Cache Directory Tagging Specification."""
_OPEN = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
)


def only_tag(options: ScanOptions, path: bytes, handle: int | None) -> Iterator[bytes] | None:
    """The name of the file that excludes the rest of the directory; None where there is none."""
    prefix = b"" if handle is not None else path + b"/"
    for name in options.exclude_if_present:
        if _is_there(prefix + name, handle):
            return iter((name,))
    if options.exclude_caches and _is_tag(prefix + TAG, handle):
        return iter((TAG,))
    return None


def _is_there(name: bytes, handle: int | None) -> bool:
    try:
        os.stat(name, dir_fd=handle, follow_symlinks=False)
    except OSError:
        return False
    return True


def _is_tag(name: bytes, handle: int | None) -> bool:
    try:
        file = os.open(name, _OPEN, dir_fd=handle)
    except OSError:
        return False
    try:
        return os.read(file, len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False
    finally:
        os.close(file)
