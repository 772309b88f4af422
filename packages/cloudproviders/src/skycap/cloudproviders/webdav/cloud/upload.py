"""Chunked upload, version 2: parts in a folder beside the files, and a MOVE that makes one file of them.

The server keeps such a folder for a day after the last part. It lists names and sizes of parts, not what is
in them; so the state keeps a digest of each, and a part counts as held where both know it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from skycap.cloudproviders.webdav import changing
from skycap.cloudproviders.webdav.cloud.place import CloudPlace
from skycap.cloudproviders.webdav.dates import SECOND_NS, to_ns
from skycap.cloudproviders.webdav.errors import GONE, error_of
from skycap.cloudproviders.webdav.folders import kind_of
from skycap.cloudproviders.webdav.properties import LENGTH, MODIFIED, TYPE, is_folder, version_of
from skycap.core import paths
from skycap.core.errors import Conflict, Error, NotFound, UploadFailed
from skycap.core.retry import Operation, anew
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.storage.extras import Leftover
from skycap.core.storage.metadata import metadata_from_json, metadata_to_json
from skycap.core.storage.source import BinaryReader, read_exactly
from skycap.core.storage.upload import Upload
from skycap.core.units import MiB

if TYPE_CHECKING:
    from skycap.cloudproviders.webdav.storage import WebDav

MAX_PARTS = 10_000
PART_MIN = 5 * MiB
PART_MAX = 5 * 1024 * MiB
_OURS = "skycap-"
_NAMED_MAX = 150


def part_size_for(size: int | None, wanted: int) -> int:
    """A part size with which `size` bytes fit into the number of parts; whole MiB where it must grow."""
    chosen = max(wanted, PART_MIN)
    least = -(-(size or 0) // MAX_PARTS)
    return chosen if least <= chosen else -(-least // MiB) * MiB


def _new_id(path: str) -> str:
    """A name for the folder of an upload. It tells the path, so that who cleans up knows what it is of."""
    named = base64.urlsafe_b64encode(path.encode()).decode("ascii").rstrip("=")
    return f"{_OURS}{secrets.token_hex(16)}" + (f"-{named}" if len(named) <= _NAMED_MAX else "")


def _path_in(upload_id: str) -> str:
    """The path in such a name, "" where it is not told."""
    named = upload_id[len(_OURS) :].partition("-")[2]
    try:
        found = base64.b64decode(named + "=" * (-len(named) % 4), altchars=b"-_", validate=True).decode()
        return paths.validate(found)
    except (binascii.Error, ValueError, Error):
        return ""


class ChunkedUpload(Upload):
    """Parts may come in any order, from several threads."""

    ordered = False

    def __init__(self, storage: WebDav, path: str, upload_id: str, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.part_size = int(facts["part_size"])
        self._storage = storage
        self._place = storage.cloud
        self._id = upload_id
        self._size: int | None = facts["size"]
        self._metadata: Metadata | None = metadata_from_json(facts["metadata"])
        self._parts: dict[int, tuple[int, str]] = {}
        self._last: int | None = None
        self._lock = threading.Lock()

    @classmethod
    def begin(cls, storage: WebDav, path: str, size: int | None, metadata: Metadata | None) -> ChunkedUpload:
        """Make the folder for the parts."""
        facts = {
            "part_size": part_size_for(size, storage.options.chunk_size),
            "size": size,
            "metadata": metadata_to_json(metadata),
        }
        upload = cls(storage, path, _new_id(path), facts)
        storage.dav.request(
            "MKCOL",
            upload._url(""),
            operation=Operation.UPLOAD,
            where=storage.where(path),
            headers=upload._headers(),
        )
        return upload

    @classmethod
    def resume(cls, storage: WebDav, state: Mapping[str, Any]) -> ChunkedUpload:
        """Go on with the parts that both the state and the server know."""
        path = paths.validate(str(state["path"]))
        if state.get("place") != storage.identity:
            raise NotFound("the upload belongs to another place", where=storage.where(path))
        upload = cls(storage, path, str(state["id"]), state)
        held = upload._held()
        for index, (size, digest) in ((int(i), part) for i, part in state["parts"].items()):
            if held.get(index) == size:
                upload._parts[index] = (size, digest)
        upload._last = state["last"] if state["last"] in upload._parts else None
        return upload

    def _url(self, name: str) -> str:
        place = self._storage.dav.place
        return place.absolute(self._place.dav("uploads", self._place.user, self._id, name), folder=not name)

    def _headers(self) -> dict[str, str]:
        headers = {"destination": self._storage.dav.place.absolute(self._place.files(self.path))}
        if self._size is not None:
            headers["oc-total-length"] = str(self._size)
        return headers

    @property
    def state(self) -> Mapping[str, Any]:
        """Enough to go on after a crash; no secret among it."""
        with self._lock:
            return {
                "place": self._storage.identity,
                "path": self.path,
                "id": self._id,
                "part_size": self.part_size,
                "size": self._size,
                "metadata": metadata_to_json(self._metadata),
                "parts": {str(index): list(part) for index, part in self._parts.items()},
                "last": self._last,
            }

    def part_state(self, index: int) -> Mapping[str, Any]:
        """That part, and which one is the last if that is known."""
        with self._lock:
            part = self._parts.get(index)
            patch: dict[str, Any] = {"parts": {} if part is None else {str(index): list(part)}}
            if self._last is not None:
                patch["last"] = self._last
            return patch

    @property
    def done(self) -> Mapping[int, int]:
        """Sizes by index."""
        with self._lock:
            return {index: part[0] for index, part in self._parts.items()}

    def put_part(self, index: int, data: bytes | memoryview, *, last: bool = False) -> None:
        """One PUT; parts are numbered from 1, in names that sort as numbers do."""
        storage, where = self._storage, self._storage.where(self.path)
        if not last and len(data) != self.part_size:
            raise UploadFailed(f"part {index} has {len(data)} bytes, not {self.part_size}", where=where)
        if index >= MAX_PARTS:
            raise UploadFailed(
                f"a file has {MAX_PARTS} parts at most",
                where=where,
                hint="Set a larger chunk_size.",
                retryable=False,
            )
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            known = self._parts.get(index)
            if known is not None:
                if known != (len(data), digest):
                    raise Conflict(f"part {index} was stored with other bytes", where=where)
                self._last = index if last else self._last
                return
        storage.dav.request(
            "PUT",
            self._url(f"{index + 1:05d}"),
            operation=Operation.UPLOAD,
            where=where,
            headers={"content-type": "application/octet-stream", **self._headers()},
            content=bytes(data),
        )
        with self._lock:
            self._parts[index] = (len(data), digest)
            self._last = index if last else self._last

    def complete(self, condition: Condition | None = None) -> Entry:
        """One MOVE of the whole into its place."""
        storage, where = self._storage, self._storage.where(self.path)
        storage.condition_headers(condition, self.path, uploading=True)
        with self._lock:
            parts = dict(self._parts)
            count = len(parts) if self._last is None else self._last + 1
        total = sum(part[0] for part in parts.values())
        if any(index not in parts for index in range(count)) or self._size not in {None, total}:
            raise UploadFailed(
                f"parts are missing ({total} of {self._size} bytes are there)", where=where, retryable=False
            )
        if kind_of(storage, self.path) is Kind.DIRECTORY:
            raise Conflict("a directory stands there", where=where)
        if not total:
            return self._complete_empty()
        self._size = total
        etag = self._assemble(where)
        mtime_ns = self._metadata.mtime_ns if self._metadata else None
        entry = storage.stat(self.path)
        if entry.size is not None and entry.size != total:
            raise UploadFailed(f"the server holds {entry.size} bytes of {total}", where=where)
        if mtime_ns is not None and (entry.mtime_ns or 0) // SECOND_NS != mtime_ns // SECOND_NS:
            entry = changing.try_mtime(storage, entry, mtime_ns)
        return entry if etag is None else entry._replace(version=entry.version or etag)

    def _assemble(self, where: str) -> str | None:
        storage = self._storage
        storage.folders.make(paths.split(self.path)[0])
        headers = self._headers()
        if self._metadata is not None and self._metadata.mtime_ns is not None:
            headers["x-oc-mtime"] = str(self._metadata.mtime_ns // SECOND_NS)
        for again in (False, True):
            answer = storage.dav.request(
                "MOVE",
                self._url(".file"),
                operation=Operation.UPLOAD,
                where=where,
                headers=headers,
                ok=(404, 409, 423),
            )
            if answer.status == 409 and not again:
                storage.folders.forget(paths.split(self.path)[0])
                storage.folders.make(paths.split(self.path)[0])
                continue
            break
        if answer.status == 423:
            raise changing.locked(storage, self.path, answer)
        if answer.status in GONE:
            raise NotFound("the server has forgotten the upload", where=where)
        if answer.status >= 400:
            raise error_of(
                answer.status, answer.headers, answer.body, where=where, operation=Operation.UPLOAD
            )
        return version_of(answer.headers.get("etag"), None, None, storage.traits)

    def _complete_empty(self) -> Entry:
        # There is no part to make a file of.
        entry = self._storage.write(self.path, b"", size=0, metadata=self._metadata)
        self.abort()
        return entry

    def abort(self) -> None:
        """Remove the folder, and with it the parts."""
        self._storage.dav.request(
            "DELETE",
            self._url(""),
            operation=Operation.DELETE,
            where=self._storage.where(self.path),
            ok=(404, 410),
        )

    def _held(self) -> dict[int, int]:
        """Sizes by index, as the server lists them; `NotFound` where it has forgotten the upload."""
        where, held = self._storage.where(self.path), {}
        for item in self._storage.dav.propfind(self._url(""), "1", (TYPE, LENGTH), where=where):
            name = item.href.rstrip("/").rpartition("/")[2]
            length = item.get(LENGTH) or ""
            if name.isdecimal() and length.isdecimal() and not is_folder(item):
                held[int(name) - 1] = int(length)
        return held


def write_stream(storage: WebDav, path: str, source: BinaryReader, metadata: Metadata | None) -> Entry:
    """Store a file whose size nobody knows: as one, or in parts where it is long."""
    first = read_exactly(source, storage.options.chunk_size)
    if len(first) < storage.options.chunk_size:
        return storage.write(path, first, size=len(first), metadata=metadata)
    upload = ChunkedUpload.begin(storage, path, None, metadata)
    try:
        data, index = first + read_exactly(source, upload.part_size - len(first)), 0
        while True:
            after = read_exactly(source, upload.part_size) if len(data) == upload.part_size else b""
            with anew():
                upload.put_part(index, data, last=not after)
            if not after:
                break
            data, index = after, index + 1
        with anew():
            return upload.complete()
    except BaseException:
        with suppress(Error), anew():
            upload.abort()
        raise


def cleanup(storage: WebDav, path: str, older_than_ns: int, *, dry_run: bool) -> Iterator[Leftover]:
    """Remove the folders of uploads that began before that moment, and belong at or below a path."""
    cloud: CloudPlace = storage.cloud
    root = storage.dav.place.absolute(cloud.dav("uploads", cloud.user), folder=True)
    where = storage.where(path)
    try:
        items = list(storage.dav.propfind(root, "1", (TYPE, MODIFIED), where=where))
    except NotFound:
        return
    for item in items:
        name = item.href.rstrip("/").rpartition("/")[2]
        begun = to_ns(item.get(MODIFIED))
        if not name.startswith(_OURS) or begun is None or begun > older_than_ns:
            continue
        target = _path_in(name)
        if path and target != path and not target.startswith(f"{path}/"):
            continue
        if not dry_run:
            url = storage.dav.place.absolute(cloud.dav("uploads", cloud.user, name), folder=True)
            storage.dav.request("DELETE", url, operation=Operation.DELETE, where=where, ok=(404, 410))
        yield Leftover(target, name, None, begun)
