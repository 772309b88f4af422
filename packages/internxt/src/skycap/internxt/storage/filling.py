"""A large download whose ranges are put into a local file in any order: checked when all of it is there.

The hash of an object is taken from its first byte to its last. So the file is read again, from the memory of
the system mostly, as far as it has no hole; what was encrypted once is encrypted again for that. Which ranges
are there is remembered, so that a download that another process goes on with is checked too.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from skycap.core.errors import DownloadFailed
from skycap.core.storage.failures import translate
from skycap.core.storage.source import COPY_BUFFER
from skycap.internxt.crypto.shards import ShardHash
from skycap.internxt.storage.reading import Source, check_hash

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt

_KEPT = 64


class Filling:
    """One local file on its way. Threads share it."""

    def __init__(self, storage: Internxt, source: Source, local: str) -> None:
        self._record = storage.record
        self._source = source
        self._object = source.file.file_id or ""
        self._local = local
        self._spans = dict(self._record.filled(self._object, local))
        self._lock = threading.Lock()
        self._hashing = threading.Lock()
        self._shard = ShardHash()
        self._stream = source.content.at(0)
        self._at = 0
        self.over = False
        """Whether all of it is there, and was checked."""

    @classmethod
    def of(cls, storage: Internxt, source: Source, local: str) -> Filling:
        """The one for an object and a local file."""
        name = (source.file.file_id or "", os.path.realpath(local))
        with storage.lock:
            found = storage.fillings.get(name)
            if found is None or found.over:
                while len(storage.fillings) >= _KEPT:  # they are of files that came to nothing
                    storage.fillings.pop(next(iter(storage.fillings)))
                found = storage.fillings[name] = cls(storage, source, name[1])
            return found

    def filled(self, offset: int, size: int) -> None:
        """A range is there. `IntegrityError` where the whole is, and is not what was stored."""
        self._record.fill(self._object, self._local, offset, size)
        with self._lock:
            self._spans[offset] = max(size, self._spans.get(offset, 0))
            last = self._end() == self._source.size
        # All but the one who makes it whole leave it to whoever is at it.
        if self._hashing.acquire(blocking=last):
            try:
                self._go_on()
            finally:
                self._hashing.release()

    def _end(self) -> int:
        """Where the first hole begins."""
        end = 0
        for start in sorted(self._spans):
            if start > end:
                break
            end = max(end, start + self._spans[start])
        return end

    def _go_on(self) -> None:
        with self._lock:
            end = self._end()
        if self._at < end:
            self._take(end)
        if self._at == self._source.size and not self.over:
            self.over = True
            self._record.forget_filled(self._object, self._local)
            check_hash(self._source, self._shard)

    def _take(self, end: int) -> None:
        try:
            with open(self._local, "rb", buffering=0) as file:
                file.seek(self._at)
                while self._at < end:
                    data = file.read(min(COPY_BUFFER, end - self._at))
                    if not data:
                        raise DownloadFailed("the local file became shorter", where=self._local)
                    self._shard.update(self._stream.update(data))
                    self._at += len(data)
        except OSError as error:
            raise translate(error, self._local) from error
