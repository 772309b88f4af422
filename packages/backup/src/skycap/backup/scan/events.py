"""What a scan tells: directories entered and left, batches of what is in them, and what went wrong.

The events of all sources make one tree, in the order of its paths: a directory is entered where its name
comes, and what is below it stands between its `Enter` and its `Leave`. Names are raw bytes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NamedTuple

from skycap.backup.format.nodes import NodeType
from skycap.core.errors import Error

Xattrs = tuple[tuple[bytes, bytes], ...]
"""Extended attributes, sorted by name."""

LOST = frozenset({"denied", "unreadable", "vanished-root", "moved"})
"""Codes of problems through which something that should be saved is not."""


class Item(NamedTuple):
    """One entry of a directory that is no directory.

    `info` is what `lstat` said, or `stat` where a link was followed. `target` is where a symbolic link leads,
    or the major and minor number of a device. `xattrs` is None for regular files: those are read from the
    open file, and only where it changed.
    """

    name: bytes
    type: NodeType
    info: os.stat_result
    target: bytes | tuple[int, int] | None = None
    xattrs: Xattrs | None = None


@dataclass(slots=True, eq=False)
class Directory:
    """A directory of the scan. `whole` is only known when it is left.

    `path` is absolute, without a slash at its end; that of the top is empty. One that is only on the way to
    a source (`on_the_way`) shows nothing but that source.
    """

    path: bytes
    name: bytes
    info: os.stat_result
    xattrs: Xattrs = ()
    on_the_way: bool = False
    whole: bool = True

    def path_of(self, name: bytes) -> bytes:
        """The absolute path of an entry."""
        return self.path + b"/" + name


class Enter(NamedTuple):
    """What follows is in this directory, until its `Leave`."""

    directory: Directory


class Leave(NamedTuple):
    """All of this directory was told."""

    directory: Directory


class Batch(NamedTuple):
    """Some entries of one directory, by rising name, with no directory between them.

    `number` rises from batch to batch of one scan.
    """

    number: int
    directory: Directory
    items: list[Item]


class Problem(NamedTuple):
    """Something that is not as it should be, at one path; the scan goes on.

    Codes: `denied`, `vanished`, `unreadable`, `moved` (a directory was moved away while it was scanned),
    `vanished-root` (a source is not there, or cannot be read), `loop`, `broken-link`, `outside` (a link that
    leads out of the sources is kept as a link).
    """

    path: bytes
    code: str
    error: Error

    @property
    def lost(self) -> bool:
        """Is something not saved that should be?"""
        return self.code in LOST


Event = Enter | Leave | Batch | Problem


@dataclass(slots=True)
class LinkCounts:
    """What became of symbolic links."""

    archived: int = 0
    skipped: int = 0
    followed: int = 0
    loops: int = 0
    broken: int = 0


@dataclass(slots=True)
class Counts:
    """What a scan came by; sizes are in bytes."""

    files: int = 0
    dirs: int = 0
    special: int = 0
    sockets: int = 0
    hardlinks: int = 0
    excluded: int = 0
    other_devices: int = 0
    problems: int = 0
    bytes: int = 0
    roots: int = 0
    missing_roots: int = 0
