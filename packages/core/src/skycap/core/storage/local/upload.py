"""A local file written part by part, so that a download that broke off goes on at the part.

Parts lie at their place in a hidden file beside the final one. The state holds a hash of each, and what is
found on resuming is checked against it: a power cut may have taken bytes that were thought to be written.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skycap.core.errors import Conflict, NotFound, UploadFailed
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.failures import translate
from skycap.core.storage.local import temporary
from skycap.core.storage.local.attributes import apply, entry_of
from skycap.core.storage.local.folder import make_folders
from skycap.core.storage.metadata import metadata_from_json, metadata_to_json
from skycap.core.storage.upload import Upload
from skycap.core.units import MiB

if TYPE_CHECKING:
    from skycap.core.storage.local.storage import Local

_MAX_PARTS = 4096
_OPEN = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class LocalUpload(Upload):
    """Parts may come in any order and from several threads."""

    ordered = False

    def __init__(self, storage: Local, path: str, final: str, part: str, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.part_size = int(facts["part_size"])
        self._storage = storage
        self._final = final
        self._part = part
        self._size: int | None = facts["size"]
        self._metadata: Metadata | None = metadata_from_json(facts["metadata"])
        self._parts: dict[int, tuple[int, str]] = {}
        self._last: int | None = None
        self._lock = threading.Lock()
        self._descriptor: int | None = None

    @classmethod
    def begin(
        cls, storage: Local, path: str, final: str, size: int | None, metadata: Metadata | None
    ) -> LocalUpload:
        """A new upload of `path` to the local file `final`."""
        part = f"{os.path.dirname(final)}{os.sep}{temporary.new_name('upload')}"
        # Few enough parts that the state stays small.
        part_size = max(storage.facts.part_size, -(-(size or 0) // _MAX_PARTS // MiB) * MiB)
        facts = {"part_size": part_size, "size": size, "metadata": metadata_to_json(metadata)}
        upload = cls(storage, path, final, part, facts)
        try:
            make_folders(os.path.dirname(final))
            mode = 0o666 if metadata is None or metadata.mode is None else 0o600
            upload._descriptor = os.open(part, _OPEN | os.O_CREAT | os.O_EXCL, mode)
        except OSError as error:
            raise translate(error, part, writing=True) from error
        return upload

    @classmethod
    def resume(cls, storage: Local, path: str, final: str, state: Mapping[str, Any]) -> LocalUpload:
        """Go on with the hidden file that `state` names, keeping the parts that are still what they were."""
        name = str(state["name"])
        if not temporary.is_temporary(name):
            raise NotFound("not the name of an unfinished upload", where=name)
        upload = cls(storage, path, final, f"{os.path.dirname(final)}{os.sep}{name}", state)
        try:
            upload._descriptor = os.open(upload._part, _OPEN)
        except OSError as error:
            raise translate(error, upload._part) from error
        for index, (size, digest) in ((int(i), part) for i, part in state["parts"].items()):
            with contextlib.suppress(OSError, ValueError):  # the file is shorter than it was
                if _digest_at(upload._descriptor, index * upload.part_size, size) == digest:
                    upload._parts[index] = (size, digest)
        upload._last = state["last"] if state["last"] in upload._parts else None
        return upload

    @property
    def state(self) -> Mapping[str, Any]:
        """Enough to go on after a crash."""
        with self._lock:
            return {
                "path": self.path,
                "name": os.path.basename(self._part),
                "part_size": self.part_size,
                "size": self._size,
                "metadata": metadata_to_json(self._metadata),
                "parts": {str(index): list(part) for index, part in self._parts.items()},
                "last": self._last,
            }

    def part_state(self, index: int) -> Mapping[str, Any]:
        """What one part added."""
        with self._lock:
            last = {} if self._last is None else {"last": self._last}
            return {"parts": {str(index): list(self._parts[index])}, **last}

    @property
    def done(self) -> Mapping[int, int]:
        """Sizes by index."""
        with self._lock:
            return {index: size for index, (size, _) in self._parts.items()}

    def put_part(self, index: int, data: bytes | memoryview, *, last: bool = False) -> None:
        """Write it at its place."""
        if not last and len(data) != self.part_size:
            raise UploadFailed(f"part {index} has {len(data)} bytes, not {self.part_size}", where=self.path)
        digest = _digest(data)
        with self._lock:
            if index in self._parts and self._parts[index] != (len(data), digest):
                raise Conflict(f"part {index} was stored with other bytes", where=self.path)
        descriptor = self._open_descriptor()
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(descriptor, data[written:], index * self.part_size + written)
        except OSError as error:
            raise translate(error, self._part, writing=True) from error
        self._count(index, len(data), digest, last=last)

    @property
    def local_file(self) -> str | None:
        """The hidden file."""
        return self._part

    def filled(self, index: int, size: int, *, last: bool = False) -> None:
        """Remember what stands there."""
        try:
            digest = _digest_at(self._open_descriptor(), index * self.part_size, size)
        except (OSError, ValueError) as error:
            raise UploadFailed(f"part {index} is not there ({error})", where=self._part) from error
        self._count(index, size, digest, last=last)

    def _open_descriptor(self) -> int:
        with self._lock:
            if self._descriptor is None:
                raise UploadFailed("the upload is closed", where=self.path)
            return self._descriptor

    def _count(self, index: int, size: int, digest: str, *, last: bool) -> None:
        with self._lock:
            self._parts[index] = (size, digest)
            if last:
                self._last = index

    def complete(self, condition: Condition | None = None) -> Entry:
        """Check that nothing is missing, set the metadata, and rename."""
        self._storage.check_condition(condition, Capability.UPLOAD_IF_VERSION, self.path)
        with self._lock:
            count = len(self._parts) if self._last is None else self._last + 1
            missing = [index for index in range(count) if index not in self._parts]
            total = sum(size for size, _ in self._parts.values())
        if missing or (self._size is not None and total != self._size):
            raise UploadFailed(
                f"parts are missing ({total} of {self._size} bytes are there)",
                where=self.path,
                retryable=False,
            )
        if self._descriptor is None:
            raise UploadFailed("the upload is closed", where=self.path, retryable=False)
        try:
            if self._storage.forces_to_disk:
                os.fsync(self._descriptor)
            apply(self._descriptor, self._metadata or Metadata(), os.fstat(self._descriptor))
            temporary.replace(self._part, self._final, only_new=condition is not None)
            info = os.fstat(self._descriptor)
            self._close()
            return entry_of(self.path, info)
        except OSError as error:
            raise translate(error, self._final, writing=True) from error

    def abort(self) -> None:
        """Remove the hidden file."""
        self._close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._part)

    def _close(self) -> None:
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def _digest_at(descriptor: int, offset: int, size: int) -> str:
    """Of bytes in a file, where the system has them already: no copy of them is made."""
    if not size:
        return _digest(b"")
    import mmap

    before = offset % mmap.ALLOCATIONGRANULARITY
    with (
        mmap.mmap(descriptor, before + size, access=mmap.ACCESS_READ, offset=offset - before) as mapped,
        memoryview(mapped) as whole,
        whole[before:] as view,
    ):
        return _digest(view)


def _digest(data: bytes | memoryview) -> str:
    from blake3 import blake3

    return blake3(data).hexdigest()
