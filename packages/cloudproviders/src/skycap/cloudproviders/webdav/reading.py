"""A file, read as a stream: ranges where they are heeded, and never two states of it in one."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from skycap.cloudproviders.webdav.dates import to_ns
from skycap.cloudproviders.webdav.properties import timed, version_of
from skycap.core.errors import Conflict, DownloadFailed, NotFound, ProviderError
from skycap.core.http import Stream
from skycap.core.storage.entry import Entry, Kind
from skycap.core.storage.source import COPY_BUFFER, BinaryReader

if TYPE_CHECKING:
    from skycap.cloudproviders.webdav.storage import WebDav

_log = logging.getLogger(__name__)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class _Nothing:
    """The reader of a range that holds no bytes."""

    def __init__(self, entry: Entry | None) -> None:
        self.entry = entry

    def read(self, size: int = -1, /) -> bytes:
        """No bytes."""
        return b""


class _Body:
    """The body of an answer, no more of it than was asked for; `DownloadFailed` where it ends early."""

    def __init__(self, storage: WebDav, stream: Stream, entry: Entry, left: int | None) -> None:
        self.entry = entry
        self._storage = storage
        self._stream = stream
        self._left = left
        self._count = 0
        # Without a length and without chunks, an end and a break look the same.
        self._measured = stream.length is not None or "chunked" in stream.headers.get("transfer-encoding", "")

    def skip(self, count: int) -> None:
        """Read over the beginning."""
        while count and (data := self._stream.read(min(count, COPY_BUFFER))):
            count -= len(data)
            self._count += len(data)

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, b"" at the end; all that is left if negative."""
        if size < 0:
            return b"".join(iter(lambda: self.read(COPY_BUFFER), b""))
        if size == 0 or self._left == 0:
            return b""
        data = self._stream.read(size if self._left is None else min(size, self._left))
        self._count += len(data)
        if self._left is not None:
            self._left -= len(data)
        if not data and not self._measured:
            self._measure()
        return data

    def _measure(self) -> None:
        size = self._storage.stat(self.entry.path).size
        if size is not None and size != self._count:
            raise DownloadFailed(
                f"the answer ended after {self._count} of {size} bytes",
                where=self._storage.where(self.entry.path),
            )


@contextmanager
def open_file(
    storage: WebDav, path: str, offset: int, length: int | None, version: str | None = None
) -> Iterator[BinaryReader]:
    """One GET; a look before it for an old version."""
    where = storage.where(path)
    if not path:
        raise NotFound("a directory has no content", where=where)
    url = storage.dav.place.url(path)
    if version is not None:
        entry = storage.stat(path)
        if entry.version != version:
            from skycap.cloudproviders.webdav.cloud.versions import CloudVersions

            url = CloudVersions(storage).url(path, version)
    if length == 0:
        entry = storage.stat(path)
        _refuse_folder(entry, where)
        yield _Nothing(entry)
        return
    headers = {}
    if offset or length is not None:
        headers["range"] = f"bytes={offset}-" + ("" if length is None else str(offset + length - 1))
    with storage.dav.stream("GET", url, where=where, headers=headers, ok=(405, 416, 501)) as answer:
        if answer.status == 416:
            # So says a folder, too, and what is shorter than was thought.
            entry = storage.stat(path)
            _refuse_folder(entry, where)
            if entry.size is not None and entry.size > offset:
                raise DownloadFailed("the server refuses a range that it has", where=where, retryable=False)
            yield _Nothing(entry)
            return
        yield _body(storage, path, answer, offset, length)


def _body(storage: WebDav, path: str, answer: Stream, offset: int, length: int | None) -> _Body:
    where = storage.where(path)
    coding = answer.headers.get("content-encoding", "identity")
    if coding not in {"", "identity"}:
        raise ProviderError(
            f"the server packs a file by itself ({coding})", where=where, hint="Switch it off there."
        )
    if answer.status not in {200, 206}:
        _refuse_folder(storage.stat(path), where)
        raise ProviderError(f"the server does not give it out (HTTP {answer.status})", where=where)
    start, total = 0, answer.length
    if answer.status == 206:
        found = _RANGE.match(answer.headers.get("content-range", ""))
        if found is None or int(found.group(1)) != offset:
            raise ProviderError(
                "the server answers with another range than was asked for", where=where, retryable=True
            )
        start, total = offset, None if found.group(3) == "*" else int(found.group(3))
    if answer.headers.get("content-type", "").startswith("text/html"):
        # A folder is shown as a web page, and a page for logging in is none of the files.
        entry = storage.stat(path)
        _refuse_folder(entry, where)
        if total is not None and entry.size is not None and entry.size != total:
            raise ProviderError("the server answers with a web page in place of the file", where=where)
    modified = to_ns(answer.headers.get("last-modified"))
    version = version_of(answer.headers.get("etag"), total, modified, storage.traits)
    told = timed(Entry(path, Kind.FILE, total, version=version), modified, None, storage.traits)
    body = _Body(storage, answer, told, length)
    if start < offset:
        _log.info("%s: the server does not heed ranges, %d bytes are read over", where, offset)
        body.skip(offset)
    return body


def _refuse_folder(entry: Entry, where: str) -> None:
    if entry.is_dir:
        raise Conflict("a directory has no content", where=where)
