"""Files on their way to a server: all or nothing, as far as the server lets it be.

A server whose PUT is all or nothing gets the file as it is. Of the others many keep what came before
an upload broke off, in the place of the old file; so it goes under a name beside it, which is then moved.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from skycap.cloudproviders.webdav import changing
from skycap.cloudproviders.webdav.dates import SECOND_NS
from skycap.cloudproviders.webdav.errors import error_of
from skycap.cloudproviders.webdav.folders import kind_of
from skycap.cloudproviders.webdav.names import temporary_beside
from skycap.cloudproviders.webdav.properties import version_of
from skycap.core import paths
from skycap.core.errors import Conflict, Error, NotFound, UploadFailed
from skycap.core.http import Response
from skycap.core.retry import Operation, anew
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.storage.source import BinaryReader, Source, known_size, opened, read_exactly
from skycap.core.units import MiB

if TYPE_CHECKING:
    from skycap.cloudproviders.webdav.storage import WebDav

_AT_ONCE = 256 * 1024
"""Up to here a file is read before anything is sent: it can be sent again, and its hash goes with it."""
_IN_MEMORY = 8 * MiB
_NO_PARENT = frozenset({404, 405, 409})
_LATER_S = (0.05, 0.1, 0.2)


@dataclass(slots=True)
class _Content:
    """What is sent: all of it, or the beginning and the reader of the rest. `size` None: until it ends."""

    head: bytes
    rest: BinaryReader | None
    size: int | None
    sent: int = 0
    at: int = 0

    @property
    def whole(self) -> bool:
        """Whether all of it is in hand."""
        return self.rest is None

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, counted."""
        if self.at < len(self.head):
            data = self.head[self.at : self.at + size] if size >= 0 else self.head[self.at :]
            self.at += len(data)
        else:
            data = b"" if self.rest is None else self.rest.read(size)
        self.sent += len(data)
        return data


def write(
    storage: WebDav,
    path: str,
    source: Source,
    size: int | None,
    metadata: Metadata | None,
    condition: Condition | None,
) -> Entry:
    """Store a file; its entry as the server tells it."""
    size = known_size(source) if size is None else size
    storage.greet()
    with opened(source, size) as reader:
        head = read_exactly(reader, _AT_ONCE + 1)
        if len(head) <= _AT_ONCE:
            # Shorter than what was asked for is the end; `opened` has seen to the size.
            if size is None or len(head) == size:
                reader.read(1)
            return _put(storage, path, _Content(head, None, len(head)), metadata, condition)
        if size is None and storage.traits.uploads:
            from skycap.cloudproviders.webdav.cloud.upload import write_stream

            return write_stream(storage, path, _Content(head, reader, None), metadata)
        with _sized(storage, _Content(head, reader, size)) as content:
            return _put(storage, path, content, metadata, condition)


@contextmanager
def _sized(storage: WebDav, content: _Content) -> Iterator[_Content]:
    """The content with its size, where the server must know it: kept in a temporary file until it ends."""
    if content.size is not None or storage.traits.chunked:
        yield content
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
        yield _spooled(content, spool)


def _spooled(content: _Content, spool: IO[bytes]) -> _Content:
    while data := content.read(MiB):
        spool.write(data)
    spool.seek(0)
    return _Content(b"", spool, content.sent)


def _put(
    storage: WebDav, path: str, content: _Content, metadata: Metadata | None, condition: Condition | None
) -> Entry:
    if storage.traits.atomic_put or not changing.can_target(storage, path):
        return _put_in_place(storage, path, content, metadata, condition)
    return _put_beside(storage, path, content, metadata)


def _put_in_place(
    storage: WebDav, path: str, content: _Content, metadata: Metadata | None, condition: Condition | None
) -> Entry:
    answer = _send(storage, path, content, metadata, condition)
    count = content.sent if not content.whole else len(content.head)
    mtime_ns = metadata.mtime_ns if metadata is not None else None
    taken = answer.headers.get("x-oc-mtime", "").lower() == "accepted"
    version = version_of(answer.headers.get("etag"), None, None, storage.traits)
    if version is not None and storage.traits.etags and (mtime_ns is None or taken):
        kept = None if mtime_ns is None else mtime_ns // SECOND_NS * SECOND_NS
        return Entry(path, Kind.FILE, count, mtime_ns=kept, version=version)
    return _finished(storage, path, count, metadata)


def _put_beside(storage: WebDav, path: str, content: _Content, metadata: Metadata | None) -> Entry:
    where = storage.where(path)
    there = kind_of(storage, path)
    if there is Kind.DIRECTORY:
        raise Conflict("a directory stands there", where=where)
    temporary = temporary_beside(path)
    try:
        _send(storage, temporary, content, metadata, None, named=path)
        count = content.sent if not content.whole else len(content.head)
        with anew():
            if not content.whole or content.size is None:
                _measure(storage.stat(temporary), count, where)
            changing.move_over(storage, temporary, path, there)
            return _finished(storage, path, count, metadata)
    except BaseException:
        with suppress(Error), anew():
            _take_back(storage, temporary, begun=content.sent > 0)
        raise


def _take_back(storage: WebDav, temporary: str, *, begun: bool) -> None:
    """Remove what a failed upload left.

    A server may still be busy with the broken request, and make the file only now or once more; so it is
    asked again, a few times.
    """
    url, where = storage.dav.place.url(temporary), storage.where(temporary)
    for wait_s in _LATER_S if begun else ():
        storage.dav.request("DELETE", url, operation=Operation.DELETE, where=where, ok=(404, 409, 410, 423))
        time.sleep(wait_s)
    storage.dav.request("DELETE", url, operation=Operation.DELETE, where=where, ok=(404, 409, 410, 423))


def _finished(storage: WebDav, path: str, count: int, metadata: Metadata | None) -> Entry:
    """The entry of what was just written; the size must be right, and the time is set where it was not."""
    try:
        entry = storage.stat(path)
    except NotFound:
        raise UploadFailed(
            "the server says that it is stored, and nothing is there",
            where=storage.where(path),
            hint="Somebody may have removed it since. Look at the server before you remove the source.",
        ) from None
    _measure(entry, count, storage.where(path))
    mtime_ns = metadata.mtime_ns if metadata is not None else None
    if mtime_ns is not None and storage.traits.patch != "none" and not _same_time(entry.mtime_ns, mtime_ns):
        entry = changing.try_mtime(storage, entry, mtime_ns)
    return entry


def _same_time(found: int | None, wanted: int) -> bool:
    return found is not None and abs(found - wanted) < SECOND_NS


def _measure(entry: Entry, count: int, where: str) -> None:
    if entry.size is not None and entry.size != count:
        raise UploadFailed(
            f"the server holds {entry.size} bytes of the {count} that were sent",
            where=where,
            hint="Another writer, or a server that takes no body in chunks?",
        )


def _send(
    storage: WebDav,
    path: str,
    content: _Content,
    metadata: Metadata | None,
    condition: Condition | None,
    *,
    named: str | None = None,
) -> Response:
    """One PUT, and another one after the folders above were made; `named` is the path for messages."""
    where = storage.where(path if named is None else named)
    headers = {**put_headers(storage, metadata), **storage.condition_headers(condition, path)}
    if content.whole and storage.traits.checksums:
        headers["oc-checksum"] = f"SHA1:{hashlib.sha1(content.head, usedforsecurity=False).hexdigest()}"
    if not content.whole:
        # It cannot be sent twice, so the folder must be there before.
        _make_parents(storage, path)
    answer = _one_put(storage, path, content, headers, where)
    if answer.status in _NO_PARENT and content.whole:
        if kind_of(storage, path) is Kind.DIRECTORY:
            raise Conflict("a directory stands there", where=where)
        storage.folders.forget(paths.split(path)[0])
        _make_parents(storage, path)
        answer = _one_put(storage, path, content, headers, where)
    if answer.status == 423:
        raise changing.locked(storage, path, answer)
    if answer.status in {404, 409} and not content.whole:
        # It was there a moment ago. The source is used up, so that only another try of the whole helps.
        storage.folders.forget(paths.split(path)[0])
        raise UploadFailed("the folder went away while the file was sent", where=where)
    if answer.status >= 400:
        if answer.status in {403, 405} and kind_of(storage, path) is Kind.DIRECTORY:
            raise Conflict("a directory stands there", where=where)
        raise error_of(answer.status, answer.headers, answer.body, where=where, operation=Operation.UPLOAD)
    return answer


def _make_parents(storage: WebDav, path: str) -> None:
    storage.folders.make(paths.split(path)[0])


def _one_put(
    storage: WebDav, path: str, content: _Content, headers: Mapping[str, str], where: str
) -> Response:
    return storage.dav.request(
        "PUT",
        storage.dav.place.url(path),
        operation=Operation.UPLOAD,
        where=where,
        ok=(403, 404, 405, 409, 423),
        headers=headers,
        content=content.head if content.whole else content,
        size=None if content.whole else content.size,
    )


def put_headers(storage: WebDav, metadata: Metadata | None) -> dict[str, str]:
    """The headers of a PUT: the time, where the server takes it so, and the type of the content."""
    headers = {"content-type": "application/octet-stream"}
    if metadata is not None and metadata.content_type:
        headers["content-type"] = metadata.content_type
    if metadata is not None and metadata.mtime_ns is not None and storage.traits.header:
        headers["x-oc-mtime"] = str(metadata.mtime_ns // SECOND_NS)
    return headers
