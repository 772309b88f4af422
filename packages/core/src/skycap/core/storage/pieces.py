"""Memory for large pieces of content: how much there may be at once, and none of it kept afterwards.

The allocator of C keeps what was freed, tens of MiB for each thread, once it has seen that large blocks come
and go. So a large piece gets pages of its own from the system, which has them back with the last reference.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from skycap.core.storage.source import COPY_BUFFER, BinaryReader, read_exactly

SMALL = 256 * 1024
"""Up to here a piece is not worth counting, nor pages of its own."""
_PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_ANONYMOUS") else {}


class Budget:
    """So many bytes may be in memory; one piece always may. Who came first is served first."""

    def __init__(self, size: int, *, ignored: int = 0) -> None:
        self._left = self._size = size
        self._ignored = ignored
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, threading.Event]] = deque()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Wait until they fit; they are free again at the end."""
        self.take(size)
        try:
            yield
        finally:
            self.give(size)

    def take(self, size: int) -> None:
        """Wait until they fit."""
        size = self._counted(size)
        if not size:
            return
        with self._lock:
            if not self._waiting and size <= self._left:
                self._left -= size
                return
            turn = (size, threading.Event())
            self._waiting.append(turn)
        try:
            turn[1].wait()
        except BaseException:
            self._leave(turn)
            raise

    def give(self, size: int) -> None:
        """They are free again."""
        if size := self._counted(size):
            with self._lock:
                self._left += size
                self._serve()

    def _counted(self, size: int) -> int:
        return 0 if size <= self._ignored else min(size, self._size)

    def _leave(self, turn: tuple[int, threading.Event]) -> None:
        with self._lock:
            if turn[1].is_set():
                self._left += turn[0]
            else:
                self._waiting.remove(turn)
            self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._left:
            size, turn = self._waiting.popleft()
            self._left -= size
            turn.set()


def read_at(descriptor: int, size: int, offset: int) -> bytes | memoryview:
    """`size` bytes of an open file from `offset`, fewer only at its end; `OSError`."""
    if size <= SMALL or not hasattr(os, "preadv"):
        data = os.pread(descriptor, size, offset)
        while len(data) < size and (more := os.pread(descriptor, size - len(data), offset + len(data))):
            data += more
        return data
    room, have = _room(size), 0
    while have < size and (count := os.preadv(descriptor, [room[have:]], offset + have)):
        have += count
    return room[:have]


def read_piece(reader: BinaryReader, size: int) -> bytes | memoryview:
    """`size` bytes of a stream, fewer only at its end."""
    if size <= COPY_BUFFER:
        return read_exactly(reader, size)
    room, have = _room(size), 0
    while have < size and (data := reader.read(min(size - have, COPY_BUFFER))):
        room[have : have + len(data)] = data
        have += len(data)
    return room[:have]


def _room(size: int) -> memoryview:
    room = mmap.mmap(-1, size, **_PRIVATE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        # To be given pages of the usual size takes longer than to fill them. It is a wish: some have none.
        with suppress(OSError):
            room.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(room)
