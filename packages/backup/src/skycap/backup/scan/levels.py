"""One directory that is being scanned, with those of its names that are still to come."""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Iterator
from typing import TYPE_CHECKING

from skycap.backup.scan import handles
from skycap.backup.scan.events import Directory, Item

if TYPE_CHECKING:
    from skycap.core.transfer.filter import Filter


class Level:
    """A directory on the stack of a scan.

    Names below `prefix` are meant as seen from `handle`, which may be None. `relative` is the path below the
    source, with a slash at its end; `device` that of the source; `hops` the links that led here; `counts`
    tells whether the directory counts even where nothing below it does.
    """

    __slots__ = (
        "counts", "device", "directory", "entered", "handle", "hops", "items", "names", "place", "prefix",
        "relative",
    )  # fmt: skip

    def __init__(
        self, directory: Directory, names: Iterator[bytes], handle: int | None, *, hops: int = 0
    ) -> None:
        self.directory = directory
        self.names = names
        self.handle = handle
        self.hops = hops
        self.prefix = b"" if handle is not None else directory.path + b"/"
        self.items: list[Item] = []
        self.relative = ""
        self.device = directory.info.st_dev
        self.entered = False
        self.counts = False
        self.place = (directory.info.st_dev, directory.info.st_ino)

    def wants(self, select: Filter, name: bytes, info: os.stat_result) -> bool:
        """Does the filter want this entry, or something below it?"""
        path = self.relative + os.fsdecode(name)
        if stat_module.S_ISDIR(info.st_mode):
            return not select.prunes(path)
        size = info.st_size if stat_module.S_ISREG(info.st_mode) else None
        if size is None:
            return select.names(path, is_dir=False)
        return select.matches(path, is_dir=False, size=size, mtime_ns=info.st_mtime_ns)

    def reach(self, name: bytes) -> bytes:
        """A path of an entry that the system takes, however deep this directory is."""
        path = self.directory.path_of(name)
        if self.handle is None or len(path) < 4_000:
            return path
        return b"/proc/self/fd/%d/%s" % (self.handle, name)

    def open_again(self, below: int | None) -> None:
        """Open the directory again, from the handle of one in it or by its path. Raises OSError."""
        if below is not None and self._is_open(handles.open_above(below)):
            return
        if not self._is_open(handles.open_exactly(self.directory.path, folder=True)):
            raise FileNotFoundError(2, "moved away", os.fsdecode(self.directory.path))

    def _is_open(self, handle: int) -> bool:
        info = os.fstat(handle)
        if (info.st_dev, info.st_ino) == self.place:
            self.handle = handle
            return True
        os.close(handle)
        return False

    def close(self) -> None:
        """Let go of the handle."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None
