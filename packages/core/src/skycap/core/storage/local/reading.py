"""Reading a range of a local file."""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Iterator
from contextlib import contextmanager

from skycap.core.errors import Unsupported
from skycap.core.paths import printable
from skycap.core.storage.failures import translate
from skycap.core.storage.source import COPY_BUFFER, BinaryReader

# Without O_NONBLOCK the open of a pipe would wait for a writer that never comes.
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


class _Range:
    """The bytes of a descriptor from where it stands, `left` of them at most."""

    def __init__(self, descriptor: int, left: int | None, local: str) -> None:
        self._descriptor = descriptor
        self._left = left
        self._local = local

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(COPY_BUFFER), b""))
        if self._left is not None:
            size = min(size, self._left)
        try:
            data = os.read(self._descriptor, size) if size else b""
        except OSError as error:
            raise translate(error, self._local) from error
        if self._left is not None:
            self._left -= len(data)
        return data


@contextmanager
def open_range(local: str, offset: int, length: int | None) -> Iterator[BinaryReader]:
    """A reader of `length` bytes from `offset`, or of all that follow."""
    try:
        descriptor = os.open(local, _READ)
    except OSError as error:
        raise translate(error, local) from error
    try:
        if not stat_module.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unsupported("it is not a regular file and cannot be read", where=printable(local))
        if offset:
            os.lseek(descriptor, offset, os.SEEK_SET)
        yield _Range(descriptor, length, local)
    finally:
        os.close(descriptor)
