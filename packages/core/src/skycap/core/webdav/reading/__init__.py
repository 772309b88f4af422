"""GET and HEAD.

What is sent is one version of a file, the one that the headers speak of. If it is another by the time it is
opened, all begins again; if it becomes another later, the answer breaks off.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from skycap.core.errors import DownloadFailed
from skycap.core.paths import printable
from skycap.core.storage.entry import Entry, directory
from skycap.core.webdav.answers import Answer, Headers, Refusal
from skycap.core.webdav.conditions import Conditions, modified_s
from skycap.core.webdav.content_types import content_type
from skycap.core.webdav.dates import http_date
from skycap.core.webdav.etags import etag_of
from skycap.core.webdav.listing.members import entries
from skycap.core.webdav.lookup import Lookup
from skycap.core.webdav.reading import index
from skycap.core.webdav.reading.body import TAIL, FileBody, Parts, Stream
from skycap.core.webdav.reading.opening import Changed, open_body
from skycap.core.webdav.reading.ranges import Range, Unsatisfiable, wanted
from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place
from skycap.core.webdav.streaming import streamed

_TRIES = 20
# A browser would run what is in them, in the name of whoever is signed in.
_ACTIVE = frozenset({"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml"})


class Reading:
    """Answers GET and HEAD."""

    def __init__(self, lookup: Lookup, conditions: Conditions) -> None:
        self._lookup = lookup
        self._conditions = conditions

    def get(self, request: Request, place: Place | None) -> Answer:
        """The bytes of a file, or a part of them; an index page of a collection."""
        for _ in range(_TRIES):
            entry = directory("") if place is None else self._lookup.needed(request, place)
            if place is None or entry.is_dir:
                self._conditions.check(request, place, entry)
                return self._index(request, place)
            if request.slash:
                raise Refusal(404)
            self._conditions.check(request, place, entry)
            try:
                return _file(request, place, entry)
            except Changed:
                self._lookup.forget(request)
        raise DownloadFailed(
            "it changes faster than it can be read", where=printable(request.path), retryable=True
        )

    def _index(self, request: Request, place: Place | None) -> Answer:
        if request.method == "HEAD":
            return Answer(200, list(index.HEADERS), ())
        return streamed(
            request, 200, list(index.HEADERS), index.page(request.path, self._members(request, place))
        )

    def _members(self, request: Request, place: Place | None) -> Iterator[tuple[str, Entry]]:
        if place is not None:
            for entry in entries(self._lookup, place):
                yield place.child(entry.path.rpartition("/")[2]).url, entry
            return
        for share in self._lookup.shares:
            top = self._lookup.shares.place(share.name)
            found = None if top is None else self._lookup.entry(request, top)
            if found is not None:
                yield share.name, found


def _file(request: Request, place: Place, entry: Entry) -> Answer:
    etag = etag_of(entry, place.facts)
    headers = _headers(place, entry, etag)
    try:
        ranges = wanted(request, entry, etag)
    except Unsatisfiable:
        raise Refusal(
            416, "it has no such bytes", headers=[("Content-Range", f"bytes */{entry.size}"), *headers[:2]]
        ) from None
    kind = content_type(place.name)
    if request.method == "HEAD":
        return _head(headers, kind, entry)
    if ranges is None:
        return Answer(
            200, [*headers, ("Content-Type", kind), *_length(entry.size)], _body(place, entry, None)
        )
    if len(ranges) == 1:
        headers += [("Content-Type", kind), ("Content-Range", ranges[0].of(entry.size or 0))]
        return Answer(206, [*headers, *_length(ranges[0].length)], _body(place, entry, ranges[0]))
    return _several(place, entry, headers, kind, ranges)


def _headers(place: Place, entry: Entry, etag: str | None) -> Headers:
    headers = [] if etag is None else [("ETag", f'"{etag}"')]
    if (moment := modified_s(entry)) is not None:
        headers.append(("Last-Modified", http_date(moment)))
    headers.append(("Accept-Ranges", "bytes" if entry.size is not None else "none"))
    headers.append(("X-Content-Type-Options", "nosniff"))
    if content_type(place.name) in _ACTIVE:
        headers.append(("Content-Security-Policy", "sandbox"))
    return headers


def _length(size: int | None) -> Headers:
    return [] if size is None else [("Content-Length", str(size))]


def _head(headers: Headers, kind: str, entry: Entry) -> Answer:
    return Answer(200, [*headers, ("Content-Type", kind), *_length(entry.size)], ())


def _body(place: Place, entry: Entry, part: Range | None) -> bytes | FileBody | Stream:
    """The bytes; few at once, so that they leave with the headers in one packet."""
    body = open_body(place, entry, part)
    if body.count is None or body.count > TAIL:
        return body
    try:
        return body.tail() if isinstance(body, FileBody) else b"".join(body)
    except DownloadFailed:
        if isinstance(body, FileBody):
            raise Changed from None
        raise
    finally:
        body.close()


def _several(place: Place, entry: Entry, headers: Headers, kind: str, ranges: list[Range]) -> Answer:
    boundary = secrets.token_hex(16)
    size = entry.size or 0
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {one.of(size)}\r\n\r\n".encode("latin-1")
        for one in ranges
    ]
    end = f"\r\n--{boundary}--\r\n".encode("latin-1")

    def open_part(number: int) -> FileBody | Stream:
        try:
            return open_body(place, entry, ranges[number])
        except Changed:
            raise DownloadFailed(
                "it was changed while it was sent", where=printable(place.path), retryable=True
            ) from None

    length = sum(map(len, heads)) + sum(one.length for one in ranges) + len(end)
    headers = [*headers, ("Content-Type", f"multipart/byteranges; boundary={boundary}"), *_length(length)]
    return Answer(206, headers, Parts(heads, end, open_body(place, entry, ranges[0]), open_part))
