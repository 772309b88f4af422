"""Uploads that the service would not take in parts, being small or of unknown size.

The parts are kept in a private file of this machine, encrypted as they will be sent, and sent all at once
when they are complete.

    {"account": id, "id": of the upload, "path": ..., "index": 64 hexadecimal digits, "size": bytes or null,
     "part_size": bytes, "metadata": {...}, "last": number or null, "parts": {number: [bytes, CRC-32]}}
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from skycap.core import paths
from skycap.core.errors import Conflict, NotFound, UploadFailed
from skycap.core.state import make_private_folder, state_folder
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.failures import translate
from skycap.core.storage.metadata import metadata_from_json, metadata_to_json
from skycap.core.storage.upload import Upload
from skycap.internxt.crypto.content import Content
from skycap.internxt.crypto.keys import new_index
from skycap.internxt.storage.ordered import mark_of
from skycap.internxt.storage.sealing import PIECE, Digests
from skycap.internxt.storage.writing import meet, send_sealed

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt


class SpooledUpload(Upload):
    """Parts in a file of this machine."""

    def __init__(
        self,
        storage: Internxt,
        path: str,
        size: int | None,
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
        self._id = index[:16].hex()
        self._lock = threading.RLock()
        self._parts: dict[int, tuple[int, int]] = {}
        self._last: int | None = None
        self._file = os.path.join(state_folder(), "internxt-uploads", self._id)

    @classmethod
    def begin(
        cls, storage: Internxt, path: str, size: int | None, metadata: Metadata | None
    ) -> SpooledUpload:
        """Make the file."""
        where = storage.where(path)
        if not path:
            raise Conflict("the root is a directory, not a file", where=where)
        upload = cls(storage, path, size, storage.facts.part_size, new_index(), metadata)
        make_private_folder(os.path.dirname(upload._file))
        try:
            os.close(os.open(upload._file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise translate(error, upload._file, writing=True) from error
        storage.record.began(upload._id)
        return upload

    @classmethod
    def resume(cls, storage: Internxt, state: Mapping[str, Any]) -> SpooledUpload:
        """Go on with the file; `NotFound` where it is gone."""
        path = paths.validate(str(state["path"]))
        where = storage.where(path)
        if state.get("account") != storage.identity:
            raise NotFound("the upload belongs to another account", where=where)
        upload = cls(
            storage,
            path,
            None if state["size"] is None else int(state["size"]),
            int(state["part_size"]),
            bytes.fromhex(state["index"]),
            metadata_from_json(state["metadata"]),
        )
        if not storage.record.is_under_way(upload._id) or not os.path.exists(upload._file):
            raise NotFound("the upload is not known any more", where=where)
        upload._parts = {
            int(number): (int(one[0]), int(one[1])) for number, one in dict(state["parts"]).items()
        }
        upload._last = state["last"] if state["last"] in upload._parts else None
        return upload

    @property
    def state(self) -> Mapping[str, Any]:
        """All it takes to go on, beside the file."""
        with self._lock:
            return {
                "account": self._storage.identity,
                "id": self._id,
                "path": self.path,
                "index": self._index.hex(),
                "size": self._size,
                "part_size": self.part_size,
                "metadata": metadata_to_json(self._metadata),
                "last": self._last,
                "parts": {str(number): list(part) for number, part in self._parts.items()},
            }

    @property
    def done(self) -> Mapping[int, int]:
        """Sizes by number."""
        with self._lock:
            return {number: part[0] for number, part in self._parts.items()}

    def put_part(self, index: int, data: bytes | memoryview, *, last: bool = False) -> None:
        """Encrypt one part into its place in the file."""
        if not last and len(data) != self.part_size:
            raise UploadFailed(f"part {index} has {len(data)} bytes, not {self.part_size}", where=self._where)
        mark = mark_of(data)
        with self._lock:
            known = self._parts.get(index)
            if known is not None and known != (len(data), mark):
                raise Conflict(f"part {index} was stored with other bytes", where=self._where)
        offset, view = index * self.part_size, memoryview(data)
        stream = self._content.at(offset)
        with self._opened("r+b") as file:
            file.seek(offset)
            for begin in range(0, len(view), PIECE):
                file.write(stream.update(view[begin : begin + PIECE]))
        with self._lock:
            self._parts[index] = (len(data), mark)
            if last:
                self._last = index

    def _opened(self, mode: str) -> IO[bytes]:
        try:
            file: IO[bytes] = open(self._file, mode)  # noqa: SIM115 - whoever asked closes it
        except FileNotFoundError:
            raise UploadFailed("the upload is over", where=self._where, retryable=False) from None
        except OSError as error:
            raise translate(error, self._file, writing=True) from error
        return file

    def complete(self, condition: Condition | None = None) -> Entry:
        """Send all of it, and make a file of it."""
        self._storage.only_absent(condition, Capability.UPLOAD_IF_VERSION, self.path)
        with self._lock:
            count = max(self._parts, default=-1) + 1 if self._last is None else self._last + 1
            total = sum(part[0] for part in self._parts.values())
            whole = all(number in self._parts for number in range(count)) and count == len(self._parts)
        if not whole or self._size not in {None, total}:
            raise UploadFailed(
                f"parts are missing ({total} of {self._size} bytes are there)",
                where=self._where,
                retryable=False,
            )
        with self._opened("rb") as file:
            meet(self._storage, self.path, condition)
            digests = self._digests(file)
            file.seek(0)
            entry = send_sealed(
                self._storage, self.path, file, self._index, digests, self._metadata, condition
            )
        self.abort()
        return entry

    def _digests(self, file: IO[bytes]) -> Digests:
        digests, stream = Digests(), self._content.at(0)
        while sealed := file.read(PIECE):
            digests.update(stream.update(sealed), sealed)
        return digests

    def abort(self) -> None:
        """Remove the file."""
        with suppress(FileNotFoundError):
            os.remove(self._file)
        self._storage.record.ended(self._id)
