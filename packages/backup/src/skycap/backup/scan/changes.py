"""Whether a file is as it was at the last backup, without reading it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NamedTuple

from skycap.backup.format.nodes import NodeType

SETTLED_NS = 2_000_000_000
"""A file changed less than two seconds before the last backup began may have changed again unseen."""
INODES = 2**64


class Fingerprint(NamedTuple):
    """What tells that a file changed: its type, size in bytes, times in nanoseconds since 1970, and inode."""

    type: int
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


def fingerprint(info: os.stat_result, type_: int = NodeType.FILE) -> Fingerprint:
    """The fingerprint of what the system said."""
    inode = info.st_ino % INODES  # wider on one file system of Windows
    return Fingerprint(type_, info.st_size, info.st_mtime_ns, info.st_ctime_ns, inode)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How to compare. Some file systems make up inodes, or set ctime at will."""

    ignore_ctime: bool = False
    ignore_inode: bool = False

    def is_same(self, now: Fingerprint, then: Fingerprint, then_started_ns: int) -> bool:
        """Is it the same file with the same content? `then_started_ns` is when the last backup began."""
        return (
            now.type == then.type
            and now.size == then.size
            and now.mtime_ns == then.mtime_ns
            and now.mtime_ns <= then_started_ns - SETTLED_NS
            and (self.ignore_ctime or now.ctime_ns == then.ctime_ns)
            and (self.ignore_inode or now.inode == then.inode)
        )
