"""Reads a file table along with a scan: two sorted streams, joined."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Literal, Self

from skycap.backup.scan.changes import INODES, SETTLED_NS, Comparison
from skycap.backup.scan.events import Batch, Item
from skycap.backup.scan.table import END, ENTRY, FRAME, HEAD, MAGIC, TAIL, Frame, position
from skycap.core.errors import StateReadFailed
from skycap.core.paths import printable

_ENTRIES = 4_096
_BUFFER = 1 << 18

_ASIDE = ".damaged"

State = Literal["whole", "absent", "foreign", "torn"]


class FileTable:
    """The table of the last backup, or an empty one.

    `state` says what was found. A file that is no table, is another's, or is not whole is set aside: files
    then count as changed. `started_ns` is when the last backup began, `files` how many it knows.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.state: State = "absent"
        self.started_ns = 0
        self.files = 0
        self._file: BinaryIO | None = None
        self._entries: Iterator[tuple[int, int, int]] = iter(())
        self._next: Frame | None = None
        self._near: deque[tuple[bytes, Frame]] = deque()

    @classmethod
    def open(cls, path: str, owner: bytes) -> Self:
        """The table at `path`. Raises StateReadFailed where the system cannot read it."""
        table = cls(path)
        try:
            table._file = open(path, "rb", buffering=_BUFFER)  # noqa: SIM115 - until `close`
        except FileNotFoundError:
            return table
        except OSError as error:
            raise table._failed(error) from error
        try:
            table.state = table._look(table._file, owner)
        except OSError as error:
            table.close()
            raise table._failed(error) from error
        if table.state != "whole":
            table._give_up(table.state)
        return table

    def _look(self, file: BinaryIO, owner: bytes) -> State:
        size = file.seek(0, os.SEEK_END)
        head = _part(file, 0, HEAD.size)
        if not head.startswith(MAGIC[:-2]):
            return "foreign"
        if len(head) < HEAD.size or size < HEAD.size + TAIL.size:
            return "torn"
        magic, whose, started, check = HEAD.unpack(head)
        if zlib.crc32(head[:-4]) != check:
            return "torn"
        if magic != MAGIC or whose != owner:
            return "foreign"
        tail = _part(file, size - TAIL.size, TAIL.size)
        frames, files, check, end = TAIL.unpack(tail)
        index = size - TAIL.size - frames * ENTRY.size
        if end != END or index < HEAD.size:
            return "torn"
        found = 0
        for raw in _blocks(file, index, frames * ENTRY.size):
            found = zlib.crc32(raw, found)
        if zlib.crc32(tail[: -4 - len(END)], found) != check:
            return "torn"
        self.started_ns, self.files = started, files
        self._entries = (
            entry for raw in _blocks(file, index, frames * ENTRY.size) for entry in ENTRY.iter_unpack(raw)
        )
        return "whole"

    def values(self, batch: Batch, comparison: Comparison) -> list[bytes | None]:
        """For each item of the batch what was kept of it, where it is unchanged; else None.

        Batches come in the order of a scan.
        """
        items, path = batch.items, batch.directory.path
        found: list[bytes | None] = [None] * len(items)
        if not items or self._file is None:
            return found
        for frame in self._overlapping(position(path, items[0].name), position(path, items[-1].name)):
            if frame.path == path:
                self._compare(items, frame, comparison, found)
        return found

    def _compare(
        self, items: list[Item], frame: Frame, comparison: Comparison, found: list[bytes | None]
    ) -> None:
        settled = self.started_ns - SETTLED_NS
        any_ctime, any_inode = comparison.ignore_ctime, comparison.ignore_inode
        rows, value = frame.rows, frame.value
        names = [item.name for item in items]
        numbers: Iterable[int | None] = (
            range(len(names)) if names == frame.names else map(frame.number, names)
        )
        # The same as `Comparison.is_same`, a million times.
        for at, (item, number) in enumerate(zip(items, numbers, strict=True)):
            if number is None:
                continue
            type_, size, mtime, ctime, inode, _ = rows[number]
            info = item.info
            if (
                mtime == info.st_mtime_ns
                and mtime <= settled
                and size == info.st_size
                and (any_ctime or ctime == info.st_ctime_ns)
                and (any_inode or inode == info.st_ino % INODES)
                and type_ == item.type
            ):
                found[at] = value(number)

    def _overlapping(self, first: bytes, last: bytes) -> list[Frame]:
        near = self._near
        while near and near[0][0] < first:
            near.popleft()
        while frame := self._next or self._read():
            if position(frame.path, frame.names[0]) > last:
                self._next = frame
                break
            self._next = None
            end = position(frame.path, frame.names[-1])
            if end >= first:
                near.append((end, frame))
        return [frame for _, frame in near]

    def _read(self) -> Frame | None:
        entry = next(self._entries, None)
        if entry is None or self._file is None:
            return None
        offset, length, check = entry
        try:
            raw = _part(self._file, offset, length)
        except OSError as error:
            raise self._failed(error) from error
        if len(raw) == length >= FRAME.size and zlib.crc32(raw) == check:
            with contextlib.suppress(ValueError):
                return Frame(raw)
        self._give_up("torn")
        return None

    def _give_up(self, state: State) -> None:
        """Set the file aside: nothing more is known of any file."""
        self.close()
        self.state = state
        with contextlib.suppress(OSError):
            os.replace(self.path, self.path + _ASIDE)

    def close(self) -> None:
        """Let go of it."""
        self._entries = iter(())
        self._next = None
        self._near.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _failed(self, error: OSError) -> StateReadFailed:
        return StateReadFailed(
            f"the table of files cannot be read ({error.strerror})",
            where=printable(self.path),
            hint="Remove it: the next backup then reads all files again.",
        )


def _part(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)


def _blocks(file: BinaryIO, at: int, size: int) -> Iterator[bytes]:
    end = at + size
    while at < end and (raw := _part(file, at, min(_ENTRIES * ENTRY.size, end - at))):
        yield raw
        at += len(raw)
