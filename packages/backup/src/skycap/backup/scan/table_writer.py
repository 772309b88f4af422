"""Writes a file table beside the old one, and puts it in its place at once."""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from array import array
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from skycap.backup.scan.table import END, ENTRY, OWNER_SIZE, TAIL, Row, pack_frame, pack_head
from skycap.core.errors import StateWriteFailed
from skycap.core.paths import printable

_BUFFER = 1 << 20
_HINT = "The backup itself is not touched by this; the next one reads all files again."


class TableWriter:
    """A new table for the file at `path`; what stands there is replaced by `commit`, or not at all.

    `owner` are 32 bytes that say whose table it is: another repository, or another set of sources, has
    another. `started_ns` is when this backup began. Threads may share it. Raises StateWriteFailed.
    """

    def __init__(self, path: str, owner: bytes, started_ns: int) -> None:
        if len(owner) != OWNER_SIZE:
            raise ValueError(f"an owner is {OWNER_SIZE} bytes")
        self.path = path
        self._new = f"{path}.new"
        self._lock = threading.Lock()
        self._numbers, self._offsets = array("Q"), array("Q")
        self._lengths, self._checks = array("L"), array("L")
        self._files = 0
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._new)  # of a run that was killed
            handle = os.open(
                self._new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
            )
            self._file = os.fdopen(handle, "wb", buffering=_BUFFER)
            self._offset = self._file.write(pack_head(owner, started_ns))
        except OSError as error:
            raise self._failed(error) from error

    def add(self, number: int, path: bytes, rows: Sequence[Row]) -> None:
        """Files of the directory `path`, by rising name; `number` is that of their batch, in any order."""
        if not rows:
            return
        raw = pack_frame(path, rows)
        check = zlib.crc32(raw)
        with self._lock:
            try:
                self._file.write(raw)
            except OSError as error:
                raise self._failed(error) from error
            self._numbers.append(number)
            self._offsets.append(self._offset)
            self._lengths.append(len(raw))
            self._checks.append(check)
            self._offset += len(raw)
            self._files += len(rows)

    def commit(self) -> None:
        """Put it in its place, for good."""
        with self._lock:
            try:
                self._finish()
            except OSError as error:
                raise self._failed(error) from error

    def _finish(self) -> None:
        check = 0
        for at in sorted(range(len(self._numbers)), key=self._numbers.__getitem__):
            raw = ENTRY.pack(self._offsets[at], self._lengths[at], self._checks[at])
            check = zlib.crc32(raw, check)
            self._file.write(raw)
        tail = TAIL.pack(len(self._numbers), self._files, 0, END)[: -4 - len(END)]
        self._file.write(tail + zlib.crc32(tail, check).to_bytes(4, "little") + END)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._new, self.path)
        if os.name != "nt":
            folder = os.open(os.path.dirname(self.path) or ".", os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def close(self) -> None:
        """Throw it away, unless it was committed."""
        if not self._file.closed:
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError):
                os.unlink(self._new)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _failed(self, error: OSError) -> StateWriteFailed:
        return StateWriteFailed(
            f"the table of files cannot be written ({error.strerror})", where=printable(self.path), hint=_HINT
        )
