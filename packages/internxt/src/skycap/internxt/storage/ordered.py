"""Hashes of a whole object whose parts come in any order, and several at once.

A hash wants its bytes in order. A part whose turn it is, is taken at once; one that comes while those before
it are being taken waits for them, which is short; one that comes earlier is kept in a temporary file, as
cipher text, until its turn.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
import zlib
from contextlib import ExitStack
from typing import IO

from skycap.internxt.crypto.content import Content
from skycap.internxt.storage.sealing import PIECE, Digests


class Ordered:
    """The digests of an object of parts of one size. Threads share it; close it when done."""

    def __init__(self, content: Content, part_size: int) -> None:
        self.digests = Digests()
        self._content = content
        self._part_size = part_size
        self._next = 0
        self._taking: set[int] = set()
        self._early: dict[int, IO[bytes]] = {}
        self._turn = threading.Condition()
        self._stack = ExitStack()
        # Whoever means to go on in another process lets go of an upload without ending it.
        weakref.finalize(self, self._stack.close)

    @property
    def next(self) -> int:
        """The part whose turn it is; all before it are in the digests."""
        with self._turn:
            return self._next

    def close(self) -> None:
        """Let go of temporary files. Twice is fine."""
        with self._turn:
            self._stack.close()
            self._early.clear()

    def take(self, index: int, data: bytes | memoryview) -> None:
        """One part, plain; one that was taken before changes nothing."""
        with self._turn:
            if index < self._next or index in self._early or index in self._taking:
                return
            self._taking.add(index)
        try:
            if self._wait(index):
                self._update(index, data)
                with self._turn:
                    self._next = index + 1
                    self._turn.notify_all()
            else:
                self._keep(index, data)
        finally:
            with self._turn:
                self._taking.discard(index)
                self._turn.notify_all()
        self._catch_up()

    def _wait(self, index: int) -> bool:
        """Whether it is the part's turn, once those that are being taken are through."""
        with self._turn:
            while True:
                if index == self._next:
                    return True
                if not all(one in self._taking or one in self._early for one in range(self._next, index)):
                    return False
                if self._next in self._early:
                    return False
                self._turn.wait()

    def _update(self, index: int, data: bytes | memoryview) -> None:
        stream = self._content.at(index * self._part_size)
        view = memoryview(data)
        out = bytearray(min(PIECE, len(view)))
        for begin in range(0, len(view), PIECE):
            piece = view[begin : begin + PIECE]
            sealed = memoryview(out)[: len(piece)]
            stream.update_into(piece, sealed)
            self.digests.update(piece, sealed)

    def _keep(self, index: int, data: bytes | memoryview) -> None:
        stream, view = self._content.at(index * self._part_size), memoryview(data)
        temporary = tempfile.TemporaryFile(prefix="skycap-")  # noqa: SIM115 - the stack closes it
        file = self._stack.enter_context(temporary)
        for begin in range(0, len(view), PIECE):
            file.write(stream.update(view[begin : begin + PIECE]))
        with self._turn:
            self._early[index] = file

    def _catch_up(self) -> None:
        """Take those that are kept and whose turn has come."""
        while True:
            with self._turn:
                if self._next in self._taking or self._next not in self._early:
                    return
                index = self._next
                self._taking.add(index)
                file = self._early.pop(index)
            try:
                file.seek(0)
                stream = self._content.at(index * self._part_size)
                while sealed := file.read(PIECE):
                    self.digests.update(stream.update(sealed), sealed)
                file.close()
            finally:
                with self._turn:
                    self._taking.discard(index)
                    self._next = index + 1
                    self._turn.notify_all()


def mark_of(data: bytes | memoryview) -> int:
    """What tells the bytes of a part from others, by chance: nobody is defended against."""
    return zlib.crc32(data)
