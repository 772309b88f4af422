"""Answers that are made while they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from skycap.core.units import KiB
from skycap.core.webdav.answers import Answer, Headers
from skycap.core.webdav.request import Request

PIECE = 64 * KiB


def streamed(request: Request, status: int, headers: Headers, texts: Iterable[str]) -> Answer:
    """An answer of many texts. A short one gets a length; a long one begins before its end is known.

    What goes wrong before the first 64 KiB are there is raised here, and can still become a status. Later it
    breaks the answer off, so that nobody takes a part for the whole. HTTP/1.0 ends an answer by closing the
    connection, which looks the same as breaking off: there all is made first.
    """
    pieces = _pieces(texts)
    first = next(pieces, b"")
    second = next(pieces, None)
    if second is None:
        return Answer(status, headers, first)
    if request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return Answer(status, headers, b"".join([first, second, *pieces]))
    return Answer(status, headers, _Stream([first, second], pieces))


def _pieces(texts: Iterable[str]) -> Iterator[bytes]:
    held: list[str] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= PIECE:
            yield "".join(held).encode()
            held.clear()
            size = 0
    if held:
        yield "".join(held).encode()


class _Stream:
    """Pieces of which some are there; closed by the server, also where the client goes away."""

    def __init__(self, there: list[bytes], rest: Iterator[bytes]) -> None:
        self._there = there
        self._rest = rest

    def __iter__(self) -> Iterator[bytes]:
        yield from self._there
        yield from self._rest

    def close(self) -> None:
        """Let go of the listing."""
        close = getattr(self._rest, "close", None)
        if close is not None:
            close()
