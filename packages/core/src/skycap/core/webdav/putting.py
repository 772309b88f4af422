"""PUT: the body of the request is the source of a write, in the request's own thread.

A storage writes all or nothing, and a source that ends early or raises leaves the old file. So a client that
goes away in the middle leaves nothing behind, and no thread waits for another.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

from skycap.core.crypto.compare import same
from skycap.core.errors import UploadFailed
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import IF_ABSENT, Condition, if_version
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.source import COPY_BUFFER, BinaryReader
from skycap.core.webdav.answers import Answer, Refusal, empty
from skycap.core.webdav.books import Books
from skycap.core.webdav.conditions import Conditions
from skycap.core.webdav.dates import NS
from skycap.core.webdav.etags import etag_of
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.lookup import Lookup
from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place
from skycap.core.webdav.times import keeps_written
from skycap.core.webdav.turns import Turns

_HASHES = {"md5": "md5", "sha1": "sha1", "sha256": "sha256", "sha3-256": "sha3_256"}


class Putting:
    """Stores the bodies of requests."""

    def __init__(
        self, lookup: Lookup, conditions: Conditions, locking: Locking, books: Books, turns: Turns
    ) -> None:
        self._lookup = lookup
        self._conditions = conditions
        self._locking = locking
        self._books = books
        self._turns = turns

    def put(self, request: Request, place: Place) -> Answer:
        """201 for a new file, 204 for a replaced one, with the ETag of what was stored."""
        length = _acceptable(request)
        mtime_ns = mtime_header(request)
        entry = self._lookup.entry(request, place)
        if place.is_top or request.slash or (entry is not None and entry.is_dir):
            raise Refusal(405, "a collection cannot be written")
        if not self._lookup.parent_is_there(request, place):
            raise Refusal(409, "there is no such collection to put it in")
        self._lookup.free(request, place)
        self._conditions.check(request, place, entry)
        self._may_write(request, place, entry)

        turn = ExitStack()

        def again() -> None:
            # Somebody may have locked or changed it while the body came in; from now on nobody does.
            turn.enter_context(self._turns.at(place.key))
            self._lookup.forget(request)
            now = self._lookup.entry(request, place)
            self._lookup.free(request, place)
            self._conditions.check(request, place, now)
            self._may_write(request, place, now)

        body = Body(request.environ["wsgi.input"], length, again, request.header("OC_CHECKSUM"))
        expected = request.header("X_EXPECTED_ENTITY_LENGTH")
        # Of a body in chunks waitress tells the length that came, which says nothing about all of it.
        if expected is not None and re.fullmatch(r"[0-9]{1,19}", expected.strip()):
            body.expected = int(expected)
        with turn:
            stored = self._write(request, place, entry, body, length, mtime_ns)
            self._lookup.forget(request)
            return self._answer(place, entry, stored, mtime_ns)

    def _may_write(self, request: Request, place: Place, entry: Entry | None) -> None:
        tokens = self._conditions.submitted(request)
        self._locking.check(place, tokens, request.user)
        if entry is None and not place.is_top:
            parent = self._lookup.shares.place(place.url.rpartition("/")[0])
            if parent is not None:
                self._locking.check(parent, tokens, request.user)

    def _write(
        self,
        request: Request,
        place: Place,
        entry: Entry | None,
        body: Body,
        length: int | None,
        mtime_ns: int | None,
    ) -> Entry:
        if place.facts.max_size is not None and (length or 0) > place.facts.max_size:
            raise Refusal(413, f"the storage takes files of {place.facts.max_size} bytes at most")
        metadata = None if mtime_ns is None else Metadata(mtime_ns=mtime_ns)
        condition = self._condition(request, place, entry)
        try:
            with _sized(body, length, place) as (source, size):
                return place.storage.write(
                    place.path, source, size=size, metadata=metadata, condition=condition
                )
        except UploadFailed:
            if body.broken is not None:  # the client's end, not the storage's
                raise Refusal(400, body.broken) from None
            raise

    @staticmethod
    def _condition(request: Request, place: Place, entry: Entry | None) -> Condition | None:
        can = place.storage.can
        if entry is None and can(Capability.WRITE_IF_ABSENT) and request.header("IF_NONE_MATCH") is not None:
            return IF_ABSENT
        asked = request.header("IF_MATCH") is not None and entry is not None and entry.version is not None
        if asked and entry is not None and entry.version is not None and can(Capability.WRITE_IF_VERSION):
            return if_version(entry.version)
        return None

    def _answer(self, place: Place, entry: Entry | None, stored: Entry, mtime_ns: int | None) -> Answer:
        headers = []
        if (etag := etag_of(stored, place.facts)) is not None:
            headers.append(("ETag", f'"{etag}"'))
        if mtime_ns is not None:
            if not keeps_written(place.facts):
                self._books.set_time(place.key, stored.version, mtime_ns)
            headers.append(("X-OC-Mtime", "accepted"))
        return empty(204 if entry is not None else 201, *headers)


class Body:
    """The body of a request as a source. It ends only if all of it came, and the last word is `at_end`'s."""

    def __init__(
        self, stream: Any, length: int | None, at_end: Callable[[], None], checksum: str | None = None
    ) -> None:
        self._stream = stream
        self._left = length
        self._at_end = at_end
        self._seen = 0
        self._ended = False
        self._digest, self._wanted = _digest(checksum)
        self.expected: int | None = None
        self.broken: str | None = None

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes. `UploadFailed`, not to be tried again, where the client broke off."""
        if size < 0:
            return b"".join(iter(lambda: self.read(COPY_BUFFER), b""))
        if self._left is not None:
            size = min(size, self._left)
        data = self._more(size) if size else b""
        if data:
            self._seen += len(data)
            if self._left is not None:
                self._left -= len(data)
            if self._digest is not None:
                self._digest.update(data)
            if self._left == 0:  # who knows the size need not ask again
                self._finish()
            return data
        if size or self._left == 0 or self._left is None:
            self._finish()
        return b""

    def _more(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except (OSError, ValueError) as error:  # a reset, a silence; chunks that are none
            raise self._broke(f"the request broke off after {self._seen} bytes ({error})") from None
        return cast(bytes, data)

    def _finish(self) -> None:
        if self._ended:
            return
        if self._left:
            raise self._broke(f"the request broke off {self._left} bytes before its end")
        if self.expected is not None and self._seen != self.expected:
            raise self._broke(f"the request held {self._seen} of {self.expected} bytes")
        if self._digest is not None and not same(self._digest.hexdigest(), self._wanted):
            raise self._broke("the bytes that came are not those of the checksum")
        self._at_end()
        self._ended = True

    def _broke(self, said: str) -> UploadFailed:
        self.broken = said
        return UploadFailed(said, retryable=False)


def _acceptable(request: Request) -> int | None:
    if "HTTP_CONTENT_RANGE" in request.environ:
        raise Refusal(400, "a part of a file cannot be written; send all of it")
    if (request.header("CONTENT_ENCODING") or "identity").strip().lower() not in {"identity", ""}:
        raise Refusal(415, "send the bytes as they are, without Content-Encoding")
    return request.length


def mtime_header(request: Request) -> int | None:
    """The time in X-OC-Mtime, Unix seconds with or without a fraction, in nanoseconds; None without one."""
    said = request.header("X_OC_MTIME")
    if said is None:
        return None
    found = re.fullmatch(r"\s*(-?[0-9]{1,12})(?:\.([0-9]{1,9})[0-9]*)?\s*", said)
    if found is None:
        raise Refusal(400, "X-OC-Mtime is not a number of seconds")
    fraction = int((found[2] or "").ljust(9, "0"))
    return int(found[1]) * NS + (-fraction if found[1].startswith("-") else fraction)


def _digest(checksum: str | None) -> tuple[Any, str]:
    """What `OC-Checksum: SHA1:hex` wants; kinds nobody here knows are left alone."""
    kind, _, value = (checksum or "").strip().partition(":")
    name = _HASHES.get(kind.lower())
    return (hashlib.new(name, usedforsecurity=False), value.strip().lower()) if name else (None, "")


@contextmanager
def _sized(body: Body, length: int | None, place: Place) -> Iterator[tuple[BinaryReader, int | None]]:
    """The body, through a temporary file where the storage must know a size that the client did not tell."""
    if length is not None or not place.facts.needs_size:
        yield body, length
        return
    with tempfile.TemporaryFile() as spool:
        while data := body.read(COPY_BUFFER):
            spool.write(data)
        size = spool.tell()
        spool.seek(0)
        yield cast(BinaryReader, spool), size
