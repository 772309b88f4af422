"""Multipart upload, part by part, that another process can go on with.

Every part is signed with its SHA-256, so the store refuses bytes that changed on the way; the same digest,
kept in the state, tells on resuming whether a part is still the one that was sent, for the store lists only
sizes and ETags.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from skycap.cloudproviders.s3.errors import etag_of
from skycap.cloudproviders.s3.page import Page
from skycap.core.errors import Conflict, IntegrityError, NotFound, UploadFailed
from skycap.core.paths import validate
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.metadata import metadata_from_json, metadata_to_json
from skycap.core.storage.upload import Upload
from skycap.core.units import MiB

if TYPE_CHECKING:
    from skycap.cloudproviders.s3.storage import S3

MAX_PARTS = 10_000
SIZE_MAX = 5 * 1024 * 1024 * MiB
PART_MIN = 5 * MiB
PART_MAX = 5 * 1024 * MiB


def part_size_for(size: int | None, wanted: int, *, most: int) -> int:
    """A part size with which `size` bytes fit into the number of parts; whole MiB where it must grow.

    Of an unknown size, parts of the wanted size reach what most files are.
    """
    least = -(-(most if size is None and wanted * MAX_PARTS > most else size or 0) // MAX_PARTS)
    chosen = max(wanted, PART_MIN)
    if least > chosen:
        chosen = -(-least // MiB) * MiB
    return chosen


class S3Upload(Upload):
    """Parts may come in any order, from several threads."""

    ordered = False

    def __init__(self, storage: S3, path: str, upload_id: str, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.part_size = int(facts["part_size"])
        self._storage = storage
        self._id = upload_id
        self._size: int | None = facts["size"]
        self._metadata: Metadata | None = metadata_from_json(facts["metadata"])
        self._parts: dict[int, tuple[int, str, str]] = {}  # size, SHA-256, ETag
        self._last: int | None = None
        self._lock = threading.Lock()

    @classmethod
    def begin(cls, storage: S3, path: str, size: int | None, metadata: Metadata | None) -> S3Upload:
        """Ask the store for a new upload."""
        part_size = part_size_for(size, storage.options.part_size, most=SIZE_MAX)
        headers = storage.object_headers(metadata)
        if storage.checksums:
            headers["x-amz-checksum-algorithm"] = "SHA256"
        answer = storage.request("POST", path, query=[("uploads", "")], headers=headers)
        begun = Page(answer.body, storage.where(path), "InitiateMultipartUploadResult")
        upload_id = begun.need("UploadId")
        facts = {"part_size": part_size, "size": size, "metadata": metadata_to_json(metadata)}
        return cls(storage, path, upload_id, facts)

    @classmethod
    def resume(cls, storage: S3, state: Mapping[str, Any]) -> S3Upload:
        """Go on with parts that both the state and the store know, in size and ETag."""
        path = validate(str(state["path"]))
        if state.get("bucket") != storage.bucket:
            raise NotFound("the upload belongs to another bucket", where=storage.where(path))
        upload = cls(storage, path, str(state["upload_id"]), state)
        held = upload._held()
        for index, (size, digest, etag) in ((int(i), part) for i, part in state["parts"].items()):
            if held.get(index) == (size, etag.strip('"')):
                upload._parts[index] = (size, digest, etag)
        upload._last = state["last"] if state["last"] in upload._parts else None
        return upload

    @property
    def state(self) -> Mapping[str, Any]:
        """Enough to go on after a crash; no secret among it."""
        with self._lock:
            return {
                "bucket": self._storage.bucket,
                "path": self.path,
                "upload_id": self._id,
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
        """Send one part; the store checks its SHA-256."""
        storage, where = self._storage, self._storage.where(self.path)
        if not last and len(data) != self.part_size:
            raise UploadFailed(f"part {index} has {len(data)} bytes, not {self.part_size}", where=where)
        if index >= MAX_PARTS:
            raise UploadFailed(
                f"a file has {MAX_PARTS} parts at most",
                where=where,
                hint="Set a larger part_size.",
                retryable=False,
            )
        digest = hashlib.sha256(data)
        with self._lock:
            known = self._parts.get(index)
            if known is not None:
                if known[:2] != (len(data), digest.hexdigest()):
                    raise Conflict(f"part {index} was stored with other bytes", where=where)
                if last:
                    self._last = index
                return
        headers = {}
        if storage.checksums:
            headers["x-amz-checksum-sha256"] = base64.b64encode(digest.digest()).decode("ascii")
        answer = storage.request(
            "PUT",
            self.path,
            query=[("partNumber", str(index + 1)), ("uploadId", self._id)],
            headers=headers,
            body=data,
            digest=digest.digest(),
        )
        etag = etag_of(answer.headers, where)
        echoed = answer.headers.get("x-amz-checksum-sha256")
        if echoed and storage.checksums and echoed != headers["x-amz-checksum-sha256"]:
            raise IntegrityError(f"part {index} arrived with another checksum", where=where, retryable=True)
        with self._lock:
            self._parts[index] = (len(data), digest.hexdigest(), etag)
            if last:
                self._last = index

    def complete(self, condition: Condition | None = None) -> Entry:
        """Make one object of the parts."""
        with self._lock:
            parts = dict(self._parts)
            count = len(parts) if self._last is None else self._last + 1
        where = self._storage.where(self.path)
        total = sum(part[0] for part in parts.values())
        missing = [index for index in range(count) if index not in parts]
        if missing or (self._size is not None and total != self._size):
            raise UploadFailed(
                f"parts are missing ({total} of {self._size} bytes are there)", where=where, retryable=False
            )
        if not parts:
            # An upload has at least one part; of an empty file it is an empty one.
            self.put_part(0, b"", last=True)
            return self.complete(condition)
        answer = self._storage.request(
            "POST",
            self.path,
            query=[("uploadId", self._id)],
            headers=self._storage.condition_headers(condition),
            body=self._manifest(parts),
        )
        etag = Page(answer.body, where, "CompleteMultipartUploadResult").need("ETag").strip('"')
        return Entry(
            self.path,
            size=total,
            mtime_ns=self._metadata.mtime_ns if self._metadata else None,
            version=f'"{etag}"',
        )

    def abort(self) -> None:
        """Forget it; the store frees the parts."""
        try:
            self._storage.request("DELETE", self.path, query=[("uploadId", self._id)])
        except NotFound:
            return

    def _manifest(self, parts: Mapping[int, tuple[int, str, str]]) -> bytes:
        lines = ['<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">']
        for index in sorted(parts):
            _, digest, etag = parts[index]
            checksum = ""
            if self._storage.checksums:
                value = base64.b64encode(bytes.fromhex(digest)).decode("ascii")
                checksum = f"<ChecksumSHA256>{value}</ChecksumSHA256>"
            lines.append(
                f"<Part><PartNumber>{index + 1}</PartNumber><ETag>{escape(etag)}</ETag>{checksum}</Part>"
            )
        lines.append("</CompleteMultipartUpload>")
        return "".join(lines).encode()

    def _held(self) -> dict[int, tuple[int, str]]:
        found: dict[int, tuple[int, str]] = {}
        marker = ""
        while True:
            query = [("uploadId", self._id)]
            if marker:
                query.append(("part-number-marker", marker))
            answer = self._storage.request("GET", self.path, query=query)
            page = Page(answer.body, self._storage.where(self.path), "ListPartsResult")
            for kind, fields in page.items:
                if kind == "Part":
                    index = page.number("PartNumber", fields) - 1
                    found[index] = (page.number("Size", fields), fields.get("ETag", "").strip('"'))
            after = page.next("NextPartNumberMarker", marker)
            if after is None:
                return found
            marker = after
