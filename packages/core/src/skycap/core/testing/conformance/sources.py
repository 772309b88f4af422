"""Sources of all kinds, and those that fail."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from skycap.core.storage import BinaryReader, LocalFile, Source


class Stream:
    """A plain stream that gives at most `step` bytes at a time and can be read once."""

    def __init__(self, content: bytes, step: int | None = None) -> None:
        self._file = io.BytesIO(content)
        self._step = step

    def read(self, size: int = -1, /) -> bytes:
        """Fewer bytes than asked for, as networks do; all that is left if negative."""
        if self._step is not None and size >= 0:
            size = min(size, self._step)
        return self._file.read(size)


class Again:
    """A source that can be opened again, and counts how often it was."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.opened = 0
        self.closed = 0

    @contextmanager
    def open(self) -> Iterator[BinaryReader]:
        """From the first byte."""
        self.opened += 1
        try:
            yield Stream(self._content, 65536)
        finally:
            self.closed += 1


class SourceBroke(RuntimeError):
    """What a broken source raises."""


class Breaking:
    """A stream that gives some bytes and then raises."""

    def __init__(self, content: bytes, error: Exception | None = None) -> None:
        self._stream = Stream(content, 65536)
        self._error = error

    def read(self, size: int = -1, /) -> bytes:
        """Bytes until there are none left; who wants all of them gets the error."""
        if size > 0 and (data := self._stream.read(size)):
            return data
        raise self._error or SourceBroke("the source broke off")


def _on_disk(content: bytes, folder: Path) -> Path:
    path = folder / "a source"
    path.write_bytes(content)
    return path


SOURCES: dict[str, Callable[[bytes, Path], Source]] = {
    "bytes": lambda content, _: content,
    "bytearray": lambda content, _: bytearray(content),
    "memoryview": lambda content, _: memoryview(b"<" + content + b">")[1:-1],
    "path": _on_disk,
    "local file": lambda content, folder: LocalFile(str(_on_disk(content, folder))),
    "open file": lambda content, _: io.BytesIO(content),
    "reopenable": lambda content, _: Again(content),
    "stream": lambda content, _: Stream(content),
    "dribbling stream": lambda content, _: Stream(content, 1000),
}
