"""Readers give what they have; whoever works on whole blocks needs them filled.

One loop for both kinds of binary reader, so that no one else has to think about short reads.
"""

from __future__ import annotations

from typing import Protocol


class Reader(Protocol):
    """A blocking binary reader; one that also has `readinto` is read without a copy."""

    def read(self, size: int, /) -> bytes | None:
        """At most `size` bytes, and none only at the end."""
        ...


def fill(reader: Reader, view: memoryview) -> int:
    """Read until `view` is full or the reader ends; the number of bytes read.

    A short count means the end. Raises BlockingIOError for a reader that is not blocking.
    """
    filled = 0
    read_into = getattr(reader, "readinto", None)
    while filled < len(view):
        if read_into is not None:
            count: int | None = read_into(view[filled:])
        else:
            piece = reader.read(len(view) - filled)
            count = None if piece is None else len(piece)
            view[filled : filled + (count or 0)] = piece or b""
        if count is None:
            raise BlockingIOError("a reader that does not block cannot be read in whole blocks")
        if not count:
            break
        filled += count
    return filled
