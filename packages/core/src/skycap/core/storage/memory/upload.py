"""A file on its way into memory, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skycap.core.errors import Conflict, NotFound, UploadFailed
from skycap.core.paths import printable
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry
from skycap.core.storage.memory.space import PendingUpload, Space
from skycap.core.storage.upload import Upload

if TYPE_CHECKING:
    from skycap.core.storage.memory.storage import Memory


class MemoryUpload(Upload):
    """Parts may come in any order and from several threads."""

    def __init__(self, storage: Memory, space: Space, id: str) -> None:  # noqa: A002
        self._storage = storage
        self._space = space
        self._id = id
        with space.lock:
            pending = self._pending()
        self.path = pending.path
        self.part_size = pending.part_size

    @property
    def state(self) -> Mapping[str, Any]:
        """Enough for another storage on the same space of this process."""
        return {"space": self._space.name, "id": self._id}

    def part_state(self, index: int) -> Mapping[str, Any]:
        """Nothing: the space knows its parts."""
        return {}

    @property
    def done(self) -> Mapping[int, int]:
        """Sizes by index."""
        with self._space.lock:
            pending = self._space.uploads.get(self._id)
            return {} if pending is None else {i: len(part) for i, part in sorted(pending.parts.items())}

    def put_part(self, index: int, data: bytes | memoryview, *, last: bool = False) -> None:
        """Keep a copy of it."""
        part = bytes(data)
        with self._space.lock:
            pending = self._pending()
            if index in pending.parts and pending.parts[index] != part:
                raise Conflict(f"part {index} was stored with other bytes", where=printable(self.path))
            if not last and len(part) != self.part_size:
                raise UploadFailed(
                    f"part {index} has {len(part)} bytes, not {self.part_size}",
                    where=printable(self.path),
                    retryable=False,
                )
            self._space.check_room(sum(map(len, pending.parts.values())) + len(part))
            pending.parts[index] = part
            if last:
                pending.last = index

    def complete(self, condition: Condition | None = None) -> Entry:
        """Put the parts together."""
        self._storage.allow(
            condition, Capability.UPLOAD_IF_ABSENT, Capability.UPLOAD_IF_VERSION, path=self.path
        )
        with self._space.lock:
            pending = self._pending()
            self._check_whole(pending)
            content = b"".join(pending.parts[index] for index in sorted(pending.parts))
            entry = self._storage.store(self.path, content, pending.metadata, condition)
            del self._space.uploads[self._id]
            return entry

    def _check_whole(self, pending: PendingUpload) -> None:
        count = len(pending.parts) if pending.last is None else pending.last + 1
        total = sum(map(len, pending.parts.values()))
        if set(pending.parts) != set(range(count)) or pending.size not in {None, total}:
            raise UploadFailed(
                f"parts are missing, or too many ({total} of {pending.size} bytes are there)",
                where=printable(self.path),
                retryable=False,
            )

    def abort(self) -> None:
        """Drop the parts."""
        with self._space.lock:
            self._space.uploads.pop(self._id, None)

    def _pending(self) -> PendingUpload:
        pending = self._space.uploads.get(self._id)
        if pending is None:
            raise NotFound("the upload was completed or aborted", where=self._id)
        return pending
