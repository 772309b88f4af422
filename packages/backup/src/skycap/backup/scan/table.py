"""The file table: what each file of the last backup looked like, so that only changed ones are read.

A local file that may be lost at any time: then all files are read again. Its bytes:

    head     "SKYCFT01" | owner (32) | start of that backup, ns (i64) | CRC-32 of these (u32)
    frame    path length (u32) | count (u32) | names length (u32) | path | names, joined by NUL |
             count x [type u8, size u64, mtime i64, ctime i64, inode u64, value length u32] | values
    ...
    index    frames in the order of a scan: offset, length, CRC-32 of each (u64, u32, u32)
    tail     number of frames, number of files (u64, u64) | CRC-32 of index and these (u32) | "TFCYKS01"

All numbers are little-endian. A frame holds files of one directory by rising name; frames lie as they were
finished, in any order, and the index has them by the number of the scan's batch. Values are the caller's.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from skycap.backup.scan.changes import Fingerprint

MAGIC = b"SKYCFT01"
END = b"TFCYKS01"
OWNER_SIZE = 32
HEAD = struct.Struct("<8s32sqI")
FRAME = struct.Struct("<III")
FILE = struct.Struct("<BQqqQI")
ENTRY = struct.Struct("<QII")
TAIL = struct.Struct("<QQI8s")


class Row(NamedTuple):
    """One file: its name, what it looked like, and what the caller wants to know of it next time."""

    name: bytes
    fingerprint: Fingerprint
    value: bytes


class Frame:
    """Files of one directory, as they lie in the table. `rows` are type to inode, and length of the value.

    Raises ValueError for what is none.
    """

    __slots__ = ("_ends", "_numbers", "_values", "names", "path", "rows")

    def __init__(self, raw: bytes) -> None:
        path_size, count, names_size = FRAME.unpack_from(raw)
        at = FRAME.size
        self.path = raw[at : at + path_size]
        at += path_size
        self.names = raw[at : at + names_size].split(b"\0")
        at += names_size
        end = at + count * FILE.size
        if len(self.names) != count or len(raw) < end:
            raise ValueError("a frame is not well-formed")
        self.rows: list[tuple[int, ...]] = list(FILE.iter_unpack(raw[at:end]))
        self._values = raw[end:]
        self._ends: list[tuple[int, int]] | None = None
        self._numbers: dict[bytes, int] | None = None

    def value(self, number: int) -> bytes:
        """The value of the file of that number."""
        if self._ends is None:
            self._ends = list(pairwise(accumulate((row[5] for row in self.rows), initial=0)))
        start, end = self._ends[number]
        return self._values[start:end]

    def number(self, name: bytes) -> int | None:
        """The number of the file of that name."""
        if self._numbers is None:
            self._numbers = {one: number for number, one in enumerate(self.names)}
        return self._numbers.get(name)


def pack_frame(path: bytes, rows: Sequence[Row]) -> bytes:
    """The bytes of a frame. Raises ValueError unless names rise."""
    names = [row.name for row in rows]
    if any(one >= other for one, other in pairwise(names)):
        raise ValueError("the files of a frame come by rising name")
    joined = b"\0".join(names)
    pack = FILE.pack
    numbers = [pack(*row.fingerprint, len(row.value)) for row in rows]
    head = FRAME.pack(len(path), len(rows), len(joined))
    return b"".join((head, path, joined, *numbers, *[row.value for row in rows]))


def pack_head(owner: bytes, started_ns: int) -> bytes:
    """The head of a table."""
    raw = HEAD.pack(MAGIC, owner, started_ns, 0)[:-4]
    return raw + zlib.crc32(raw).to_bytes(4, "little")


def position(path: bytes, name: bytes) -> bytes:
    """What sorts as a scan comes by: a path in which nothing sorts before a slash."""
    return path.replace(b"/", b"\0") + b"\0" + name
