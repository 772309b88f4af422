"""A reader that goes on where it broke off, if what it reads is known to be the same content still."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Self

from skycap.core.errors import DownloadFailed, Error
from skycap.core.paths import printable
from skycap.core.retry import Caller
from skycap.core.storage.entry import Entry
from skycap.core.storage.interface import Storage
from skycap.core.storage.source import COPY_BUFFER, BinaryReader


class ResumingReader:
    """A reader, and its own context manager, that opens anew after a break."""

    def __init__(
        self,
        inner: Storage,
        caller: Caller,
        path: str,
        offset: int,
        length: int | None,
        version: str | None,
    ) -> None:
        self._inner = inner
        self._caller = caller
        self._path = path
        self._at = offset
        self._left = length
        self._asked = version
        self.entry: Entry | None = None
        """What the first answer told about the file on the way."""
        self._begun = False
        self._broken: Error | None = None
        self._stack = contextlib.ExitStack()
        self._reader: BinaryReader | None = None

    def __enter__(self) -> Self:
        self._reader = self._caller(self._open)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _open(self) -> BinaryReader:
        reader = self._stack.enter_context(
            self._inner.read(self._path, offset=self._at, length=self._left, version=self._asked)
        )
        entry: Entry | None = getattr(reader, "entry", None)
        if not self._begun:
            self.entry = entry
        elif self._asked is None and _version(entry) != _version(self.entry):
            raise DownloadFailed(
                "it changed while it was read, after a break in the connection",
                where=printable(self._path),
                hint="Run the command again: it begins anew with the new content.",
                retryable=False,
            )
        return reader

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, b"" at the end; `DownloadFailed` where it cannot go on."""
        if size < 0:
            return b"".join(iter(lambda: self.read(COPY_BUFFER), b""))
        if self._reader is None:
            raise ValueError("read outside of its with statement")
        try:
            data = self._reader.read(size)
        except Error as error:
            if not error.retryable or (self._begun and (self._asked or _version(self.entry)) is None):
                raise
            self._broken = error
            data = self._caller(self._read_on, size)
        self._at += len(data)
        self._begun = self._begun or bool(data)
        if self._left is not None:
            self._left -= len(data)
        return data

    def _read_on(self, size: int) -> bytes:
        if self._broken is not None:
            error, self._broken = self._broken, None
            raise error
        with contextlib.suppress(Error):  # what broke off may say so once more
            self._stack.close()
        self._reader = self._open()
        return self._reader.read(size)


def _version(entry: Entry | None) -> str | None:
    return None if entry is None else entry.version
