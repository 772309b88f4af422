"""What `Storage.write` takes: bytes, a local path, something that can be opened again, or a plain stream."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Protocol, TypeGuard, cast, runtime_checkable

from skycap.core.errors import UploadFailed
from skycap.core.storage.failures import translate
from skycap.core.units import MiB

COPY_BUFFER = MiB


@runtime_checkable
class BinaryReader(Protocol):
    """A stream of bytes: `read(n)` gives at most n, and b"" at the end."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; all that is left if negative."""
        ...


@runtime_checkable
class Reopenable(Protocol):
    """A source that starts again from its first byte, so that a failed write can be tried again."""

    def open(self) -> AbstractContextManager[BinaryReader]:
        """The content from its first byte, as a context manager that gives a reader."""
        ...


@runtime_checkable
class Fetchable(Reopenable, Protocol):
    """A source that can also put its bytes into a local file by itself, outside Python."""

    def fetch(self, local: str) -> None:
        """Fill the existing empty file `local`."""
        ...


Source = bytes | bytearray | memoryview | os.PathLike[str] | Reopenable | BinaryReader


class LocalFile(os.PathLike[str]):
    """A local file as a source. Unlike `Path` it costs nothing to make.

    Who moves its bytes calls `on_bytes` with how many went by, where there is one; it may raise to stop.
    """

    __slots__ = ("on_bytes", "path")

    def __init__(self, path: str, on_bytes: Callable[[int], None] | None = None) -> None:
        self.path = path
        self.on_bytes = on_bytes

    def __fspath__(self) -> str:
        return self.path


def can_reopen(source: Source) -> bool:
    """Whether a write from it can be tried again."""
    return isinstance(source, bytes | bytearray | memoryview | os.PathLike) or is_reopenable(source)


# A look for a method costs a twentieth of `isinstance` with a protocol, and every file asks.


def is_reopenable(source: object) -> TypeGuard[Reopenable]:
    """Whether it can be opened again from its first byte."""
    return hasattr(source, "open")


def is_fetchable(source: object) -> TypeGuard[Fetchable]:
    """Whether it can put its bytes into a local file by itself."""
    return hasattr(source, "fetch")


def known_size(source: Source) -> int | None:
    """The size in bytes, where it costs no more than a look. A path that is not there raises `NotFound`."""
    if isinstance(source, memoryview):
        return source.nbytes
    if isinstance(source, bytes | bytearray):
        return len(source)
    if isinstance(source, os.PathLike):
        try:
            return os.stat(source).st_size
        except OSError as error:
            raise translate(error, os.fspath(source)) from error
    return None


@contextmanager
def opened(source: Source, size: int | None = None) -> Iterator[BinaryReader]:
    """The bytes of `source` from the first one; with `size`, exactly that many, or `UploadFailed`.

    `read()` of what it gives reads to the end, also where a stream answers with one piece.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        yield _exactly(io.BytesIO(source), size)
    elif isinstance(source, os.PathLike):
        with _local_file(os.fspath(source)) as file:
            yield _exactly(file, size)
    elif is_reopenable(source):
        with source.open() as reader:
            yield _exactly(reader, size) if size is not None else _Whole(reader)
    else:
        reader = cast(BinaryReader, source)
        yield _exactly(reader, size) if size is not None else _Whole(reader)


def _local_file(path: str) -> IO[bytes]:
    try:
        return open(path, "rb", buffering=0)
    except OSError as error:
        raise translate(error, path) from error


def _exactly(reader: BinaryReader, size: int | None) -> BinaryReader:
    return reader if size is None else ExactReader(reader, size)


class _Whole:
    """A reader of somebody else's stream, whose `read()` may give one piece where all was asked for."""

    def __init__(self, reader: BinaryReader) -> None:
        self._reader = reader

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; all that is left if negative."""
        if size >= 0:
            return self._reader.read(size)
        return b"".join(iter(lambda: self._reader.read(COPY_BUFFER), b""))


class ExactReader:
    """A reader that raises when the stream holds fewer or more bytes than were promised."""

    def __init__(self, reader: BinaryReader, size: int) -> None:
        self._reader = reader
        self._size = size
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; `UploadFailed` where the source ends early or late."""
        if size < 0:
            return b"".join(iter(lambda: self.read(COPY_BUFFER), b""))
        data = self._reader.read(min(size, self._left) if self._left else 1)
        if self._left and not data and size:
            raise UploadFailed(
                f"the source ended after {self._size - self._left} of {self._size} bytes",
                hint="It changed while it was read. Run the command again.",
                retryable=False,
            )
        if len(data) > self._left:
            raise UploadFailed(
                f"the source holds more than the {self._size} bytes it had at first",
                hint="It changed while it was read. Run the command again.",
                retryable=False,
            )
        self._left -= len(data)
        return data


def read_exactly(reader: BinaryReader, size: int) -> bytes:
    """`size` bytes, fewer only at the end of the stream."""
    data = reader.read(size)
    if len(data) == size or not data:
        return data
    pieces = [data]
    missing = size - len(data)
    while missing and (data := reader.read(missing)):
        pieces.append(data)
        missing -= len(data)
    return b"".join(pieces)
