"""Multipart upload: the one shape of S3 multipart, upload sessions, tus and chunked drop boxes."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

from skycap.core.errors import Unsupported
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry


class Upload(ABC):
    """A file on its way into a storage, part by part; nothing is visible before `complete`.

    Parts are numbered from 0 and each but the last has `part_size` bytes. `state` is JSON, and enough for
    another process on this machine, tomorrow, to go on. `done` maps the parts the store already holds to
    their sizes in bytes. Where `ordered` is set, parts must come one after the other.
    """

    path: str
    part_size: int
    ordered: bool = False

    @property
    @abstractmethod
    def state(self) -> Mapping[str, Any]:
        """JSON from which `Storage.resume_upload` goes on. May hold bearer links: keep it private."""

    def part_state(self, index: int) -> Mapping[str, Any] | None:
        """What is new in `state` since a part was put, as a JSON merge patch; None: look at `state`.

        Asked once after each `put_part`. A state that was told before, with all patches since in the order in
        which they were asked for, is as good as `state` now. It is worth having where `state` grows with each
        part, so that ten thousand of them do not cost ten thousand times ten thousand.
        """
        return None

    @property
    @abstractmethod
    def done(self) -> Mapping[int, int]:
        """The parts that the store holds: size in bytes by index."""

    @abstractmethod
    def put_part(self, index: int, data: bytes | memoryview, *, last: bool = False) -> None:
        """Store one part. The same bytes again change nothing; other bytes at an index are a `Conflict`."""

    @property
    def local_file(self) -> str | None:
        """A local file in which a part may be left at `index * part_size` and told of by `filled`, or None.

        So that a store which can fill a local file by itself need not bring its bytes through this process.
        """
        return None

    def filled(self, index: int, size: int, *, last: bool = False) -> None:
        """A part of `size` bytes stands in `local_file` now; counts as `put_part` does."""
        raise Unsupported("nothing but `put_part` is possible", where=self.path)

    @abstractmethod
    def complete(self, condition: Condition | None = None) -> Entry:
        """Make the file visible, all at once. Missing parts raise `UploadFailed`, and nothing is lost."""

    @abstractmethod
    def abort(self) -> None:
        """Forget the upload and free what it holds. Twice is fine."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Abort where the block raised: for those who do not resume."""
        if kind is not None:
            self.abort()


class Sending:
    """One part on its way, for what lies between whoever sends it and the store: a limit on bytes a second.

    A part that only waits may be given back: where `cancelled` is set, the wait ends with `Interrupted`.
    `on_bytes` is told of bytes as they go by; those that nobody told of are told when the part is there.
    """

    def __init__(self, size: int, cancelled: threading.Event, on_bytes: Callable[[int], None]) -> None:
        self.size = size
        self.cancelled = cancelled
        self.told = 0
        self.waits = True
        """Whether it is still to be given its turn."""
        self._on_bytes = on_bytes

    def tell(self, count: int) -> None:
        """So many more bytes went by."""
        count = min(count, self.size - self.told)
        self.told += count
        if count:
            self._on_bytes(count)

    @contextmanager
    def current(self) -> Iterator[None]:
        """What is called within, in this thread, finds it by `sending`."""
        token = _sending.set(self)
        try:
            yield
        finally:
            _sending.reset(token)


_sending: ContextVar[Sending | None] = ContextVar("sending", default=None)


def sending() -> Sending | None:
    """The part that this thread is about to send, if it is at one."""
    return _sending.get()
