"""Reads a file of the source, and notices when it changes meanwhile."""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

from skycap.backup.scan import handles
from skycap.backup.scan.attributes import read_xattrs
from skycap.backup.scan.events import Xattrs
from skycap.backup.scan.holes import Holes, find_holes, may_have_holes

T = TypeVar("T")


class SourceFile:
    """An open regular file. `info` is what it was when it was opened.

    It is the file that was listed, or one that took its name since: never what a link leads to that was put
    in the way. Raises OSError, FileNotFoundError where there is no regular file any more.
    """

    __slots__ = ("file", "info", "path")

    def __init__(self, path: bytes, listed: os.stat_result) -> None:
        self.path = path
        self.file = handles.open_file(path, listed.st_uid)
        try:
            self.info = os.fstat(self.file)
            if self.info.st_ino != listed.st_ino or self.info.st_dev != listed.st_dev:
                os.close(self.file)
                self.file = -1
                self.file = handles.open_exactly(path)
                self.info = os.fstat(self.file)
            if not stat_module.S_ISREG(self.info.st_mode):
                raise FileNotFoundError(2, "no longer a file", os.fsdecode(path))
        except OSError:
            self.close()
            raise

    def xattrs(self) -> Xattrs:
        """Its extended attributes."""
        return read_xattrs(self.file)

    def holes(self) -> Holes | None:
        """Its holes, None for none."""
        return find_holes(self.file, self.info.st_size) if may_have_holes(self.info) else None

    def changed(self) -> bool:
        """Is it another than when it was opened? Asked when all of it was read."""
        now, then = os.fstat(self.file), self.info
        return (now.st_size, now.st_mtime_ns, now.st_ctime_ns) != (
            then.st_size,
            then.st_mtime_ns,
            then.st_ctime_ns,
        )

    def close(self) -> None:
        """Let go of it."""
        if self.file >= 0:
            os.close(self.file)
            self.file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What came of reading a file.

    `info` is what the file was when it was opened. `changed` is true where it changed both times it was read:
    the value is kept, with a warning.
    """

    value: T
    info: os.stat_result
    changed: bool


def read_steadily(path: bytes, listed: os.stat_result, read: Callable[[SourceFile], T]) -> Read[T]:
    """What `read` makes of the file; once more where the file changed under it. Raises OSError."""
    for last in (False, True):
        with SourceFile(path, listed) as file:
            value = read(file)
            changed = file.changed()
        if last or not changed:
            break
        listed = file.info
    return Read(value, file.info, changed)


def read_whole(file: SourceFile, limit: int) -> bytes:
    """All bytes of a small file, `limit` at most: one that grew is cut there, and is seen to have changed."""
    parts = []
    left = limit
    # One byte more than its size, so that most files end with the first call.
    while left and (part := os.read(file.file, min(left, file.info.st_size + 1))):
        parts.append(part)
        left -= len(part)
        if len(parts) == 1 and len(part) == file.info.st_size:
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)
