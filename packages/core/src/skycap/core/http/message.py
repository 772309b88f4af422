"""What goes over the seam: a request on its way out, an answer whole, and an answer as a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from skycap.core.errors import DownloadFailed, ProviderError, Timeout
from skycap.core.http.redact import redact
from skycap.core.retry import remaining

_BUFFER = 1024 * 1024


class Reader(Protocol):
    """A stream of bytes: `read(n)` gives at most n, and b"" at the end."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """What is about to be sent, for whoever signs it.

    `refused`: the last try was answered with 401, and with `challenge`, its header WWW-Authenticate.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    refused: bool = False
    challenge: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read to its end. `headers` are looked up without case; `url` is where it came from."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; `ProviderError` if it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ProviderError(
                "the server answered with something that is not JSON",
                where=redact(self.url),
                hint="Is this the address of the service itself, and not of a page in front of it?",
            ) from error


class Stream:
    """An answer whose body comes as it is read: the bytes as they were sent, not unpacked.

    One that breaks off raises `DownloadFailed`; it never ends early.
    """

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        url: str,
        chunks: Iterator[bytes],
        guard: Callable[[], AbstractContextManager[None]],
        *,
        has_body: bool = True,
    ) -> None:
        self.status = status
        self.headers = headers
        self.url = url
        self._chunks = chunks
        self._guard = guard
        self._rest = memoryview(b"")
        self._count = 0
        length = headers.get("content-length", "")
        self._length = int(length) if length.isdecimal() and has_body else None
        """Bytes of the body, where the server said."""

    @property
    def length(self) -> int | None:
        """Bytes of the body, where the server said."""
        return self._length

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, b"" at the end; all that is left if negative."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_BUFFER), b""))
        if not self._rest:
            chunk = self._next()
            if len(chunk) <= size:
                return chunk
            self._rest = memoryview(chunk)
        data = bytes(self._rest[:size])
        self._rest = self._rest[size:]
        return data

    def _next(self) -> bytes:
        if remaining() == 0:
            raise Timeout("the answer took too long", where=redact(self.url), hint="Raise --timeout.")
        with self._guard():
            chunk = next(self._chunks, b"")
        self._count += len(chunk)
        if not chunk and self._length is not None and self._count != self._length:
            raise DownloadFailed(
                f"the answer ended after {self._count} of {self._length} bytes", where=redact(self.url)
            )
        return chunk
