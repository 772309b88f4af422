"""Any storage, with a limit on bytes a second and on how many calls are at work at once.

A slot is held while the inner storage works, and not while it waits for us: not between two reads of an
open stream, not while a write waits for its source. So copying from a storage to itself with one slot goes
on. Bytes are counted by a bucket that all threads share, in small pieces, so that no burst is longer than
half a second; a part of an upload is paid for before it is sent, since it goes out in one call. No wait here
is on the time of a try.

With a limit on bytes the ways around Python are closed (`local_path`, `read_file`, `bulk_read` and
`bulk_write`), or the bytes would not be counted.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import Any, ParamSpec, TypeVar

from skycap.core.errors import Interrupted, UsageError
from skycap.core.retry import Operation, anew
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.interface import Storage
from skycap.core.storage.overlays.overlay import EVERYTHING, PLAIN, Transparent, translated
from skycap.core.storage.source import (
    COPY_BUFFER,
    BinaryReader,
    Fetchable,
    LocalFile,
    Source,
    can_reopen,
    known_size,
    opened,
)
from skycap.core.storage.upload import Upload, sending

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_CREDIT_S = 0.25
_PIECES_PER_S = 20
_PULLED_AT_ONCE = 256


class Bandwidth:
    """Bytes a second, shared by all threads that take from it. `rate` may be changed while it is in use.

    A bucket that holds a quarter of a second's worth, kept as the moment at which all that was taken is paid
    for (the generic cell rate algorithm of ITU-T I.371). `wait` returns True if it was cut short.
    """

    def __init__(
        self,
        rate: float,
        *,
        cancelled: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        if not rate > 0:
            raise UsageError("a bandwidth limit is more than 0 bytes a second")
        self.rate = rate
        self._clock = clock
        self._wait = wait
        self._cancelled = cancelled or threading.Event()
        self._lock = threading.Lock()
        self._paid_at = clock()

    @property
    def piece(self) -> int:
        """The most bytes to move before the next `take`: small, for each thread may be one piece ahead."""
        return max(1, int(self.rate / _PIECES_PER_S))

    def take(self, count: int) -> None:
        """Wait until `count` bytes may have been moved."""
        with self._lock:
            now = self._clock()
            self._paid_at = max(self._paid_at, now - _CREDIT_S) + count / self.rate
            delay = self._paid_at - now
        self._pass(delay)

    def take_part(self, count: int) -> None:
        """The same for a part of an upload, which is told how many of its bytes are paid for."""
        part = sending()
        if part is None:
            self.take(count)
            return
        with self._lock:
            begins = max(self._paid_at, self._clock() - _CREDIT_S)
            self._paid_at = begins + count / self.rate
        for paid in [*range(0, count, self.piece), count]:
            self._pass(begins + paid / self.rate - self._clock())
            part.tell(paid - part.told)

    def _pass(self, seconds: float) -> None:
        part = sending()
        cancelled = self._cancelled if part is None else part.cancelled
        if part is not None:
            part.waits = True
        if (seconds > 0 and (self._wait or cancelled.wait)(seconds)) or cancelled.is_set():
            raise Interrupted("stopped while it waited for bandwidth")
        if part is not None:
            part.waits = False


class Limited(Transparent):
    """The inner storage, with at most `connections` calls at work and bytes counted by `up` and `down`.

    None is no limit. One `Bandwidth` may be handed to several storages, that then share it.
    """

    passes = EVERYTHING

    def __init__(
        self,
        inner: Storage,
        *,
        connections: int | None = None,
        up: Bandwidth | None = None,
        down: Bandwidth | None = None,
    ) -> None:
        if connections is not None and connections < 1:
            raise UsageError("a storage needs at least one connection")
        super().__init__(inner)
        if up or down:
            self.capabilities -= {
                Capability.LOCAL_PATH,
                Capability.READ_FILE,
                Capability.BULK_READ,
                Capability.BULK_WRITE,
            }
            self._passed &= self.capabilities
        self._up = up
        self._down = down
        self._slots: AbstractContextManager[object] = contextlib.nullcontext()
        self._release: _Slots | None = None
        if connections is not None:
            self._slots = self._release = _Slots(connections)

    def _around(self, operation: Operation, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._slots, anew():
            return call(*args, **kwargs)

    def _iterate(self, operation: Operation, start: Callable[[], Iterator[T]]) -> Iterator[T]:
        return iter(start()) if self._release is None else self._pull(start)

    def _pull(self, start: Callable[[], Iterator[T]]) -> Iterator[T]:
        # One cannot see from outside which `next` is a request, and a slot must not be held while whoever
        # asked does something else with this storage.
        with self._slots, anew():
            items = iter(start())
            batch = list(islice(items, 1))
        while batch:
            yield from batch
            with self._slots, anew():
                batch = list(islice(items, _PULLED_AT_ONCE))

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """A streaming reader."""
        found = super().read(path, offset=offset, length=length, version=version)
        return found if self._down is None and self._release is None else self._reading(found)

    @contextmanager
    def _reading(self, found: AbstractContextManager[BinaryReader]) -> Iterator[BinaryReader]:
        with contextlib.ExitStack() as stack:
            with self._slots, anew():
                reader = stack.enter_context(found)
            yield _Metered(reader, self._down, self._slots)

    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        """Store a file."""
        self._needs(Capability.WRITE, path, condition)
        if self._up is not None and size is None:
            with translated(source):
                size = known_size(source)
        source = self._counted(source)
        return self._around(
            Operation.UPLOAD,
            self.inner.write,
            path,
            source,
            size=size,
            metadata=metadata,
            condition=condition,
        )

    def _counted(self, source: Source) -> Source:
        if self._up is None and (self._release is None or isinstance(source, PLAIN)):
            return source
        idle = _Idle(self._release) if self._release else contextlib.nullcontext()
        if not can_reopen(source):
            assert isinstance(source, BinaryReader)  # noqa: S101 - nothing else is left
            return _Metered(source, self._up, idle)
        if self._up is None and isinstance(source, Fetchable):
            return _FetchedIdle(source, None, idle)
        return _MeteredSource(source, self._up, idle)

    def _uploading(self, upload: Upload) -> Upload:
        if self._up is None and self._release is None:
            return upload
        return _LimitedUpload(upload, self._up, self._slots)


class _Slots:
    """So many at once, as a context manager that many threads enter."""

    def __init__(self, count: int) -> None:
        self._free = threading.Semaphore(count)

    def __enter__(self) -> None:
        self._free.acquire()

    def __exit__(self, *_: object) -> None:
        self._free.release()


class _Idle:
    """The other way round: gives the slot back while it is entered."""

    def __init__(self, slots: _Slots) -> None:
        self._slots = slots

    def __enter__(self) -> None:
        self._slots.__exit__()

    def __exit__(self, *_: object) -> None:
        self._slots.__enter__()


class _Metered:
    """A reader whose bytes are counted, each read inside of `around`."""

    def __init__(
        self,
        reader: BinaryReader,
        bandwidth: Bandwidth | None,
        around: AbstractContextManager[object],
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        self._reader = reader
        self._bandwidth = bandwidth
        self._around = around
        self.entry: Entry | None = getattr(reader, "entry", None)
        self._on_bytes = on_bytes

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(COPY_BUFFER), b""))
        if self._bandwidth is not None:
            size = min(size, self._bandwidth.piece)
        with self._around:
            data = self._reader.read(size)
        if self._bandwidth is not None:
            self._bandwidth.take(len(data))
        if self._on_bytes is not None and data:
            self._on_bytes(len(data))
        return data


class _MeteredSource:
    """A source whose bytes are counted each time it is opened."""

    def __init__(
        self, source: Source, bandwidth: Bandwidth | None, idle: AbstractContextManager[object]
    ) -> None:
        self._source = source
        self._bandwidth = bandwidth
        self._idle = idle

    @contextmanager
    def open(self) -> Iterator[BinaryReader]:
        with contextlib.ExitStack() as stack:
            with self._idle, translated(self._source):
                reader = stack.enter_context(opened(self._source))
            # Wrapped, a local file is a stream to the storage, which therefore does not tell what moved.
            on_bytes = self._source.on_bytes if isinstance(self._source, LocalFile) else None
            yield _Metered(reader, self._bandwidth, self._idle, on_bytes)


class _FetchedIdle(_MeteredSource):
    """One that can also put its bytes into a local file by itself."""

    _source: Fetchable

    def fetch(self, local: str) -> None:
        with self._idle:
            self._source.fetch(local)


class _LimitedUpload(Upload):
    """An upload whose parts are counted."""

    def __init__(
        self, inner: Upload, bandwidth: Bandwidth | None, slots: AbstractContextManager[object]
    ) -> None:
        self._inner = inner
        self._bandwidth = bandwidth
        self._slots = slots
        self.path = inner.path
        self.part_size = inner.part_size
        self.ordered = inner.ordered

    @property
    def state(self) -> Mapping[str, Any]:
        return self._inner.state

    def part_state(self, index: int) -> Mapping[str, Any] | None:
        return self._inner.part_state(index)

    @property
    def done(self) -> Mapping[int, int]:
        return self._inner.done

    def put_part(self, index: int, data: bytes | memoryview, *, last: bool = False) -> None:
        if self._bandwidth is not None:
            self._bandwidth.take_part(len(data))
        with self._slots, anew():
            self._inner.put_part(index, data, last=last)

    def complete(self, condition: Condition | None = None) -> Entry:
        with self._slots, anew():
            return self._inner.complete(condition)

    def abort(self) -> None:
        with self._slots, anew():
            self._inner.abort()
