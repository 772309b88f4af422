"""A folder below a root, held open while things are made in it."""

from __future__ import annotations

import os
from functools import lru_cache

from skycap.core.errors import PathInvalid
from skycap.core.paths import printable

_OPEN = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_BY_HANDLE = {os.open, os.rename, os.unlink} <= os.supports_dir_fd


class Folder:
    """The open folder `path`; names below `prefix` are meant as seen from `handle`.

    What was checked as a path can be another place a moment later, when somebody puts a link in the way. What
    is open stays what it is, and the system tells where that is: `PathInvalid` if it is not below `root`.
    """

    __slots__ = ("handle", "path", "prefix")

    def __init__(self, root: str, path: str) -> None:
        self.path = path
        self.handle: int | None = None
        self.prefix = f"{path}/"
        if not _BY_HANDLE:
            return
        self.handle, self.prefix = os.open(path, _OPEN), ""
        try:
            real = os.readlink(f"/proc/self/fd/{self.handle}")
        except OSError:  # no such file system here
            return
        inside = _real(root).rstrip("/")
        if real != (inside or "/") and not real.startswith(f"{inside}/"):
            self.close()
            raise PathInvalid("a symbolic link leads out of the folder", where=printable(path))

    def close(self) -> None:
        """Let go of it."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


def make_folders(path: str) -> None:
    """A folder and those above it, however many; nothing where it is there already."""
    missing = []
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for path in reversed(missing):
        try:
            os.mkdir(path)
        except FileExistsError:  # somebody was quicker, or it is no folder
            if not os.path.isdir(path):
                raise


@lru_cache(maxsize=8)
def _real(root: str) -> str:
    return os.path.realpath(root)
