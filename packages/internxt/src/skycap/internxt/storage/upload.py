"""Large files in parts, by links that the network gives all at once.

The parts lie in the store, and the links to them in the state; so another process goes on with both, as long
as the links live. Where they do not, others are asked for, and the parts that were sent by the old ones are
sent again: it is told as a restart. The hash of the whole is taken on the way; who goes on reads the parts
that are there already once more from the source.

    {"account": id, "id": of the upload, "path": ..., "index": 64 hexadecimal digits, "size": bytes,
     "part_size": bytes, "metadata": {...}, "urls": [...], "uuid": ..., "upload_id": ...,
     "parts": {number: [bytes, CRC-32 of the plain bytes, ETag]}}
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

from skycap.core import paths
from skycap.core.errors import AuthExpired, Conflict, Error, NotFound, UploadFailed
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.metadata import metadata_from_json, metadata_to_json
from skycap.core.storage.source import BinaryReader, Source, opened, read_exactly
from skycap.core.storage.upload import Upload
from skycap.internxt.api import network
from skycap.internxt.api.errors import LinkExpired
from skycap.internxt.api.models import Started, time_ns
from skycap.internxt.crypto.content import Content
from skycap.internxt.crypto.keys import new_index
from skycap.internxt.storage.naming import Object, name_object
from skycap.internxt.storage.ordered import Ordered, mark_of
from skycap.internxt.storage.sealing import PIECE
from skycap.internxt.storage.writing import finished, meet

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt

_BLOCK = 16
_log = logging.getLogger(__name__)


def part_size_for(size: int, wanted: int) -> int:
    """The wanted part size, or a larger one where there would be too many parts; a multiple of a block."""
    least = -(-size // network.PARTS_MAX)
    return -(-max(wanted, least, 1) // _BLOCK) * _BLOCK


class Outlived(Conflict):
    """The upload lived longer than its links; only a new one helps."""


class PartsUpload(Upload):
    """An object on its way, part by part."""

    def __init__(
        self,
        storage: Internxt,
        path: str,
        size: int,
        part_size: int,
        index: bytes,
        metadata: Metadata | None,
    ) -> None:
        self.path = path
        self.part_size = part_size
        self._storage = storage
        self._where = storage.where(path)
        self._size = size
        self._index = index
        self._metadata = metadata
        self._content = Content(storage.keys().file(index), index)
        self._ordered = Ordered(self._content, part_size)
        self._lock = threading.RLock()
        self._renewing = threading.Lock()
        self._started: Started | None = None
        self._parts: dict[int, tuple[int, int, str]] = {}
        self._source: Source | None = None
        self._id = index[:16].hex()
        self._restarted = False
        self._file_id: str | None = None
        self._over = False

    @classmethod
    def begin(cls, storage: Internxt, path: str, size: int, metadata: Metadata | None) -> PartsUpload:
        """Ask for links. The folder above is made too, so that it is known everywhere by the end."""
        storage.check_size(path, size)
        meet(storage, path, None)
        part_size = part_size_for(size, storage.options.chunk_size)
        upload = cls(storage, path, size, part_size, new_index(), metadata)
        upload._start()
        storage.record.began(upload._id)
        return upload

    @classmethod
    def resume(cls, storage: Internxt, state: Mapping[str, Any], source: Source | None) -> PartsUpload:
        """Go on with the parts that are there; `NotFound` where the links are over, or it was given up."""
        path = paths.validate(str(state["path"]))
        where = storage.where(path)
        if state.get("account") != storage.identity:
            raise NotFound("the upload belongs to another account", where=where)
        if source is None and state["parts"]:
            raise NotFound("it cannot be gone on with, for nobody can read the source again", where=where)
        index = bytes.fromhex(state["index"])
        upload = cls(
            storage,
            path,
            int(state["size"]),
            int(state["part_size"]),
            index,
            metadata_from_json(state["metadata"]),
        )
        if not storage.record.is_under_way(upload._id):
            raise NotFound("the upload is not known any more", where=where)
        started = Started(str(state["uuid"]), tuple(state["urls"]), str(state["upload_id"]))
        if has_expired(started.urls[0], time.time()):
            storage.record.ended(upload._id)
            _log.warning("%s: the links of its upload have expired; it is sent anew", where)
            raise NotFound("the links of the upload have expired: it begins anew", where=where)
        upload._started = started
        upload._source = source
        upload._parts = {
            int(number): (int(size), int(mark), str(etag))
            for number, (size, mark, etag) in dict(state["parts"]).items()
        }
        return upload

    def _start(self) -> None:
        count = -(-self._size // self.part_size)
        started = network.start(self._storage.api, self._storage.bucket, self._size, count, where=self._where)
        with self._lock:
            self._started = started
            self._parts.clear()

    @property
    def state(self) -> Mapping[str, Any]:
        """All it takes to go on. It holds the links: keep it private."""
        with self._lock:
            started = self._started
            assert started is not None  # noqa: S101 - it is begun with links
            return {
                "account": self._storage.identity,
                "id": self._id,
                "path": self.path,
                "index": self._index.hex(),
                "size": self._size,
                "part_size": self.part_size,
                "metadata": metadata_to_json(self._metadata),
                "urls": list(started.urls),
                "uuid": started.uuid,
                "upload_id": started.upload_id,
                "parts": {str(number): list(part) for number, part in self._parts.items()},
            }

    def part_state(self, index: int) -> Mapping[str, Any] | None:
        """That part; all of the state where others links took the place of the first ones."""
        with self._lock:
            if self._restarted:
                return None
            part = self._parts.get(index)
            return {"parts": {} if part is None else {str(index): list(part)}}

    @property
    def done(self) -> Mapping[int, int]:
        """Sizes by number."""
        with self._lock:
            return {number: part[0] for number, part in self._parts.items()}

    def put_part(self, index: int, data: bytes | memoryview, *, last: bool = False) -> None:
        """Send one part; by other links, where the one to it has expired."""
        view = memoryview(data).cast("B") if isinstance(data, memoryview) else memoryview(data)
        expected = min(self.part_size, self._size - index * self.part_size)
        if len(view) != expected or expected <= 0:
            raise UploadFailed(
                f"part {index} has {len(view)} bytes, not {max(expected, 0)}",
                where=self._where,
                retryable=False,
            )
        self._check_open()
        mark = mark_of(view)
        with self._lock:
            known = self._parts.get(index)
        if known is not None:
            if known[:2] != (len(view), mark):
                raise Conflict(f"part {index} was stored with other bytes", where=self._where)
            return
        if self._source is None:
            self._ordered.take(index, view)
        self._send(index, view, mark)

    def _send(self, index: int, view: memoryview, mark: int) -> None:
        started = self._links()
        try:
            etag = self._put(started.urls[index], index, view)
        except LinkExpired as error:
            self._renew(started, error)
            started = self._links()
            etag = self._put(started.urls[index], index, view)
        with self._lock:
            if self._started is started:
                self._parts[index] = (len(view), mark, etag)
                return
        raise UploadFailed("the upload was begun anew while this part was sent", where=self._where)

    def _links(self) -> Started:
        with self._lock:
            assert self._started is not None  # noqa: S101 - it is begun with links
            return self._started

    def _put(self, url: str, index: int, view: memoryview) -> str:
        stream = self._content.at(index * self.part_size)
        reader = cast(BinaryReader, _Sealing(view, stream.update))
        etag = self._storage.objects.put(url, reader, len(view), where=self._where)
        if not etag:
            raise UploadFailed("the store told no ETag of the part", where=self._where)
        return etag

    def _renew(self, old: Started, cause: Error) -> None:
        """Other links in the place of those. The parts that were sent by them are lost, and sent again."""
        with self._renewing:
            if self._links() is not old:
                return
            if self._source is None and self._parts:
                raise Outlived(
                    f"what was sent is lost, and it begins anew: {cause.message}", where=self._where
                ) from cause
            _log.warning("%s: the links of its upload have expired; its parts are sent anew", self._where)
            self._start()
            with self._lock:
                self._restarted = True

    def _check_open(self) -> None:
        if self._over:
            raise UploadFailed("the upload is over", where=self._where, retryable=False)

    def complete(self, condition: Condition | None = None) -> Entry:
        """Make an object of the parts, and a file of the object."""
        self._storage.only_absent(condition, Capability.UPLOAD_IF_VERSION, self.path)
        self._check_open()
        # Asked of the server, so that a login that has run out shows while all can still be gone on with.
        self._storage.cache.forget(self.path)
        meet(self._storage, self.path, condition)
        count = -(-self._size // self.part_size)
        self._send_again(count)
        with self._lock:
            missing = [number for number in range(count) if number not in self._parts]
        if missing:
            raise UploadFailed(f"{len(missing)} of {count} parts are missing", where=self._where)
        digests = self._ordered.digests
        if digests.size != self._size:
            raise UploadFailed("the hash of the whole is not known", where=self._where, retryable=False)
        if self._file_id is None:
            self._file_id = self._finish(count)
        file_id, self._file_id = self._file_id, None
        try:
            file = name_object(
                self._storage, self.path, Object(file_id, self._size), self._metadata, condition
            )
        except Error as error:
            if error.retryable:
                self._file_id = file_id
            elif not isinstance(error, AuthExpired):
                self.abort()
            raise
        entry = finished(self._storage, self.path, file, digests.sha256)
        self._end()
        return entry

    def _finish(self, count: int) -> str:
        started, digests = self._links(), self._ordered.digests
        try:
            return network.finish(
                self._storage.api,
                self._storage.bucket,
                index=self._index,
                hash=digests.shard.hexdigest(),
                uuid=started.uuid,
                upload_id=started.upload_id,
                etags=[self._parts[number][2] for number in range(count)],
                where=self._where,
            )
        except (NotFound, Conflict) as error:
            # The network waits for no such upload any more. What was sent is lost to us.
            self._renew(started, error)
            raise UploadFailed(
                f"the network has forgotten the upload, and it is sent anew: {error.message}",
                where=self._where,
            ) from error

    def _send_again(self, count: int) -> None:
        """Read the source once more: for the hash of parts that were there, and to send what was lost."""
        if self._source is None or (self._ordered.next >= count and len(self._parts) >= count):
            return
        with opened(self._source, self._size) as reader:
            for index in range(count):
                length = min(self.part_size, self._size - index * self.part_size)
                data = memoryview(read_exactly(reader, length))
                with self._lock:
                    known = self._parts.get(index)
                if known is not None and known[1] != mark_of(data):
                    raise UploadFailed(
                        "the source is not what it was when it was sent",
                        where=self._where,
                        hint="Run the command again: it begins anew.",
                        retryable=False,
                    )
                self._ordered.take(index, data)
                if known is None:
                    self._send(index, data, mark_of(data))
            reader.read(1)

    def abort(self) -> None:
        """Forget it. The store drops parts that nobody makes an object of."""
        self._end()

    def _end(self) -> None:
        self._over = True
        self._ordered.close()
        self._storage.record.ended(self._id)


class _Sealing:
    """A reader of a part's cipher text."""

    def __init__(self, view: memoryview, seal: Any) -> None:
        self._view = view
        self._seal = seal

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        size = min(size, PIECE) if size >= 0 else PIECE
        data, self._view = self._view[:size], self._view[size:]
        return cast(bytes, self._seal(data)) if data else b""


def has_expired(url: str, now_s: float) -> bool:
    """Whether a link says of itself that it is over, as presigned links of S3 do."""
    query = parse_qs(urlsplit(url).query)
    names = {name.lower(): values[0] for name, values in query.items()}
    signed, lives = names.get("x-amz-date", ""), names.get("x-amz-expires", "")
    begun = time_ns(f"{signed[:4]}-{signed[4:6]}-{signed[6:11]}:{signed[11:13]}:{signed[13:]}")
    if begun is None or not lives.isdecimal():
        return False
    with contextlib.suppress(OverflowError):
        return begun / 1e9 + int(lives) < now_s
    return False
