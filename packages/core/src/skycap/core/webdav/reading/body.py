"""The bodies of answers to GET: a file of this machine, or a stream of a storage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from skycap.core.errors import DownloadFailed
from skycap.core.paths import printable
from skycap.core.storage.source import BinaryReader
from skycap.core.units import KiB

PIECE = 256 * KiB
TAIL = 64 * KiB
"""What is sent by hand at the end of a local file, after a look whether it is still the same."""


class FileBody:
    """`count` bytes from `offset` of an opened local file.

    A server that writes by itself has it `pour`; any other goes through it. A file that was changed meanwhile
    breaks off.
    """

    def __init__(self, descriptor: int, info: os.stat_result, offset: int, count: int, path: str) -> None:
        self._descriptor = descriptor
        self._info = info
        self.offset = offset
        self.count = count
        self._path = path

    def pour(self, write: Callable[[memoryview], object]) -> None:
        """Hand all of it over. A piece holds other bytes when `write` is back.

        Nothing is copied in the kernel by `sendfile`: then whoever reads fetches every page from far away,
        while a piece that was just read is in the cache of the processor.
        """
        position, end = self.offset, self.offset + self._untailed
        buffer = memoryview(bytearray(min(PIECE, self._untailed)))
        while position < end:
            piece = buffer[: end - position]
            self._fill(piece, position)
            position += len(piece)
            write(piece)
        write(memoryview(self.tail()))

    @property
    def _untailed(self) -> int:
        return max(0, self.count - TAIL)

    def tail(self) -> bytes:
        """The last bytes, at most 64 KiB. `DownloadFailed` if the file is not as it was."""
        first = self._untailed
        data = self._read(self.offset + first, self.count - first)
        self._check()
        return data

    def __iter__(self) -> Iterator[bytes]:
        position, end = self.offset, self.offset + self._untailed
        while position < end:
            data = self._read(position, min(PIECE, end - position))
            position += len(data)
            yield data
        yield self.tail()

    def _fill(self, piece: memoryview, offset: int) -> None:
        if not hasattr(os, "preadv"):
            piece[:] = self._read(offset, len(piece))
            return
        try:
            count = os.preadv(self._descriptor, [piece], offset)
        except OSError as error:
            raise self._broke(error.strerror or str(error)) from error
        if count < len(piece):
            raise self._broke("it became shorter")

    def _read(self, offset: int, count: int) -> bytes:
        try:
            if hasattr(os, "pread"):
                data = os.pread(self._descriptor, count, offset)
            else:
                os.lseek(self._descriptor, offset, os.SEEK_SET)
                data = os.read(self._descriptor, count)
        except OSError as error:
            raise self._broke(error.strerror or str(error)) from error
        if len(data) < count:
            raise self._broke("it became shorter")
        return data

    def _check(self) -> None:
        now = os.fstat(self._descriptor)
        # Not by ctime: a file that was replaced meanwhile lost its name, and has all its bytes.
        if (now.st_size, now.st_mtime_ns) != (self._info.st_size, self._info.st_mtime_ns):
            raise self._broke("it was changed")

    def _broke(self, why: str) -> DownloadFailed:
        return DownloadFailed(f"{why} while it was sent", where=printable(self._path), retryable=True)

    def close(self) -> None:
        """Close the file. Twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Stream:
    """`count` bytes of a reader, or all it has where the size is not known. `stack` is closed with it."""

    def __init__(self, reader: BinaryReader, count: int | None, path: str) -> None:
        self.stack = ExitStack()
        self._reader = reader
        self.count = count
        self._left = count
        self._path = path
        # The first piece now, while what goes wrong can still become a status.
        self._first = self._next()

    def _next(self) -> bytes:
        wish = PIECE if self._left is None else min(PIECE, self._left)
        data = self._reader.read(wish) if wish else b""
        if self._left is not None:
            if wish and not data:
                raise DownloadFailed(
                    f"it ended {self._left} bytes too early", where=printable(self._path), retryable=True
                )
            self._left -= len(data)
        return data

    def __iter__(self) -> Iterator[bytes]:
        data = self._first
        while data:
            yield data
            data = self._next()

    def close(self) -> None:
        """Let go of the storage's stream."""
        self.stack.close()


class Parts:
    """Several ranges as `multipart/byteranges`. `open_part` opens the body of the part of that number."""

    def __init__(
        self,
        heads: list[bytes],
        end: bytes,
        first: Stream | FileBody,
        open_part: Callable[[int], Stream | FileBody],
    ) -> None:
        self._heads = heads
        self._end = end
        self._open = open_part
        self._current = first

    def __iter__(self) -> Iterator[bytes]:
        for number, head in enumerate(self._heads):
            if number:
                self._current.close()
                self._current = self._open(number)
            yield head
            yield from self._current
        yield self._end

    def close(self) -> None:
        """Close the part that is open."""
        self._current.close()
