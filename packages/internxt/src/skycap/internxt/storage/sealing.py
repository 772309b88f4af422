"""On the way out: plain bytes become cipher text, and all hashes are taken on the way.

What is long is read and encrypted by a thread of its own, a few pieces ahead of the one that sends.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from contextvars import copy_context
from types import TracebackType
from typing import Self

from skycap.core.storage.source import BinaryReader
from skycap.internxt.crypto.content import Content
from skycap.internxt.crypto.shards import ShardHash

PIECE = 256 * 1024
AHEAD_FROM = 4 * 1024 * 1024
"""Bytes from which on a thread of its own is worth its while."""
_PIECES = 16


class Digests:
    """The hash of the cipher text, which the service wants, and of the plain bytes, to remember."""

    def __init__(self) -> None:
        self.shard = ShardHash()
        self._plain = hashlib.sha256()
        self.size = 0

    def update(self, plain: bytes | memoryview, sealed: bytes | memoryview) -> None:
        """The next bytes, in both forms."""
        self.shard.update(sealed)
        self._plain.update(plain)
        self.size += len(plain)

    @property
    def sha256(self) -> str:
        """Of the plain bytes."""
        return self._plain.hexdigest()


class SealedReader:
    """A reader of the cipher text of what another reader holds, from the first byte of an object."""

    def __init__(self, reader: BinaryReader, content: Content, digests: Digests) -> None:
        self._reader = reader
        self._stream = content.at(0)
        self._digests = digests

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        plain = self._reader.read(size)
        if not plain:
            return b""
        sealed = self._stream.update(plain)
        self._digests.update(plain, sealed)
        return sealed


class Ahead:
    """A reader that a thread fills from another one. Leave its context to end the thread."""

    def __init__(self, reader: BinaryReader, *, piece: int = PIECE) -> None:
        self._reader = reader
        self._piece = piece
        self._queue: queue.Queue[bytes | BaseException] = queue.Queue(_PIECES)
        self._stop = threading.Event()
        self._ended: bytes | BaseException | None = None
        self._rest = b""
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._fill,), name="internxt-ahead", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        while self._thread.is_alive():
            self._drain()
            self._thread.join(0.05)
        self._drain()

    def _drain(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()

    def _fill(self) -> None:
        item: bytes | BaseException = b"-"
        while item and isinstance(item, bytes) and not self._stop.is_set():
            try:
                item = self._reader.read(self._piece)
            except BaseException as error:  # noqa: BLE001 - raised in the thread that reads
                item = error
            self._queue.put(item)

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, b"" at the end; what the other reader raised."""
        if size < 0:
            return b"".join(iter(lambda: self.read(self._piece), b""))
        if not self._rest:
            self._rest = self._next()
        if len(self._rest) <= size:
            data, self._rest = self._rest, b""
        else:
            data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _next(self) -> bytes:
        item = self._queue.get() if self._ended is None else self._ended
        if not item or isinstance(item, BaseException):
            self._ended = item
        if isinstance(item, BaseException):
            raise item
        return item


class Joined:
    """What was read already, and the reader of the rest."""

    def __init__(self, head: bytes, rest: BinaryReader) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        if not self._head:
            return self._rest.read(size)
        if size < 0:
            return self.read(len(self._head)) + self._rest.read()
        data, self._head = bytes(self._head[:size]), self._head[size:]
        return data
