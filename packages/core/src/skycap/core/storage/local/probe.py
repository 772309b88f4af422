"""What the file system below a folder is like, found out without writing to it."""

from __future__ import annotations

import os


def existing_parent(path: str) -> str:
    """The nearest folder at or above `path` that exists."""
    while not os.path.isdir(path):
        parent = os.path.dirname(path)
        if parent == path:
            return path
        path = parent
    return path


def case_sensitive(path: str) -> bool:
    """Whether `a` and `A` are two files there: the same folder under swapped case tells."""
    folder = existing_parent(path)
    while True:
        parent, name = os.path.split(folder)
        swapped = name.swapcase()
        if swapped != name:
            other = os.path.join(parent, swapped)
            return not (os.path.exists(other) and os.path.samefile(folder, other))
        if parent == folder:
            return os.name != "nt"
        folder = parent


def read_only(path: str) -> bool:
    """Whether the file system is mounted read-only."""
    if not hasattr(os, "statvfs"):
        return False
    return bool(os.statvfs(existing_parent(path)).f_flag & os.ST_RDONLY)
