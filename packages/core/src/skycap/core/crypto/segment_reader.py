"""A reader of any number of bytes over something that comes in whole segments."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from skycap.core.crypto.segments import Layout
from skycap.core.errors import IntegrityError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_READ_ALL = 4 * 1024 * 1024


class SegmentReader(io.RawIOBase):
    """Turns `_produce`, which makes one whole segment, into a reader of any number of bytes.

    `read` and `readinto` are short only at the end. After an error every further call fails: what the source
    had already given is gone, and to go on would leave a hole.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._ready = memoryview(b"")
        self._buffer: memoryview | None = None
        self._ended = False
        self._failed = False
        self._limit: int | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer, or what is left of it at the end; large ones without a copy."""
        if self.closed:
            raise ValueError("read of a closed reader")
        out = memoryview(buffer).cast("B")
        if self._limit is not None:
            out = out[: self._limit]
        filled = 0
        while filled < len(out):
            if self._ready:
                count = min(len(self._ready), len(out) - filled)
                out[filled : filled + count] = self._ready[:count]
                self._ready = self._ready[count:]
            elif self._ended:
                break
            elif len(out) - filled >= self._layout.segment_size:
                count = self._next(out[filled:])
            else:
                self._prepare()
                continue
            filled += count
        if self._limit is not None:
            self._limit -= filled
        return filled

    def readall(self) -> bytes:
        """All that is left."""
        pieces = []
        while piece := self.read(_READ_ALL):
            pieces.append(piece)
        return b"".join(pieces)

    def _prepare(self) -> None:
        if self._buffer is None:
            self._buffer = memoryview(bytearray(self._layout.segment_size))
        self._ready = self._buffer[: self._next(self._buffer)]

    def _next(self, out: memoryview) -> int:
        if self._failed:
            raise IntegrityError("this reader failed before and cannot go on")
        self._failed = True
        count = self._produce(out)
        self._failed = False
        return count

    def _produce(self, out: memoryview) -> int:
        """Write the next segment to `out`, which has room for it; set `_ended` with the last."""
        raise NotImplementedError
