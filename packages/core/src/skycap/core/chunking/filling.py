"""Readers give what they have; whoever works on whole blocks needs them filled.

One loop for both kinds of binary reader, so that no one else has to think about short reads.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class Reader(Protocol):
    """Anything that gives bytes: `read(n)` returns at most n bytes, and none only at the end."""

    def read(self, size: int, /) -> bytes: ...


@runtime_checkable
class BufferReader(Protocol):
    """A reader that can also write into a buffer of ours, which saves a copy."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...


def fill(reader: Reader, view: memoryview) -> int:
    """Read until `view` is full or the reader ends; the number of bytes read.

    A short count means the end. Raises BlockingIOError for a reader that is not blocking.
    """
    filled = 0
    direct = reader if isinstance(reader, BufferReader) else None
    while filled < len(view):
        if direct is not None:
            count = direct.readinto(view[filled:])
        else:
            piece = reader.read(len(view) - filled)
            count = None if piece is None else len(piece)
            view[filled : filled + len(piece)] = piece
        if count is None:
            raise BlockingIOError("a reader that does not block cannot be read in whole blocks")
        if not count:
            break
        filled += count
    return filled
