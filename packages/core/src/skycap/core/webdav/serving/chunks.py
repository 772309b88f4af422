"""Bodies in chunks as waitress is given them: piece by piece, as they come in.

Waitress's own passes over empty lines before a chunk, and keeps lines and trailers of any length in memory.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from waitress.utilities import BadRequest  # this module is imported when a server is started

from skycap.core.webdav.serving.heads import CHUNK_LINE_MAX, TRAILERS_MAX, chunk_size


class _Line(Enum):
    SIZE = auto()
    END = auto()
    TRAILER = auto()


class Chunks:
    """Takes what comes and puts the content into a buffer of waitress's."""

    def __init__(self, buffer: Any) -> None:
        self.buf = buffer
        self.completed = False
        self.error: BadRequest | None = None
        self._left = 0
        self._line = b""
        self._next = _Line.SIZE
        self._trailers = 0

    def __len__(self) -> int:
        return len(self.buf)

    def received(self, data: bytes) -> int:
        """How many bytes of this piece belong to the body."""
        at = 0
        while at < len(data) and not self.completed:
            if self._left:
                piece = data[at : at + self._left]
                self.buf.append(piece)
                self._left -= len(piece)
                at += len(piece)
                continue
            end = data.find(b"\n", at) + 1
            self._line += data[at : end or len(data)]
            at = end or len(data)
            try:
                self._look(is_whole=bool(end))
            except ValueError as error:
                self.error = BadRequest(str(error))
                return len(data)
        return at

    def _look(self, *, is_whole: bool) -> None:
        if len(self._line) > CHUNK_LINE_MAX:
            raise ValueError("a line is too long")
        if not is_whole:
            return
        line, self._line = self._line, b""
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise ValueError("a line has no end, or one within")
        self._took(line[:-2])

    def _took(self, line: bytes) -> None:
        if self._next is _Line.SIZE:
            self._left = chunk_size(line)
            self._next = _Line.END if self._left else _Line.TRAILER
        elif self._next is _Line.END:
            if line:
                raise ValueError("a chunk is longer than it said")
            self._next = _Line.SIZE
        elif line:
            self._trailers += 1
            if self._trailers > TRAILERS_MAX:
                raise ValueError("there are too many trailers")
        else:
            self.completed = True

    def getfile(self) -> Any:
        """The content, as a file."""
        return self.buf.getfile()

    def getbuf(self) -> Any:
        """The buffer."""
        return self.buf
