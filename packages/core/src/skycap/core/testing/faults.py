"""A storage that fails on cue: scripted call by call, or at random from a seed.

    faulty = Faulty(Memory())
    faulty.on("write", Fault(RateLimited("slow down", retry_after=2)), nth=2)
    faulty.on("read", Fault(DownloadFailed("reset"), after_bytes=1000), path="dir/file")
    faulty.at_random(seed=7, rate=0.1, faults=[Fault(Timeout("no answer"))])

It stands in for networks and services, so it obeys the interface: what fails, fails with errors of ours, and
what it lets through is done by the storage inside. Every call is recorded.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from skycap.core.errors import Error
from skycap.core.retry.policies import Operation
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.overlays.overlay import EVERYTHING, Transparent
from skycap.core.storage.source import COPY_BUFFER, BinaryReader, Source, opened
from skycap.core.storage.upload import Upload

_CAN_LOSE = {"write", "make_dir", "remove", "put_part", "complete"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one call.

    With an `error`, it is raised: before anything is done, or, where `after_bytes` is set, when that many
    bytes were read or written, or, with `done`, after all was done and only the answer got lost. Without one,
    `lose` answers with success and does nothing; `flip_byte` changes the byte at that offset on the way;
    `wait` is called first, and may block on an event of the test.
    """

    error: Error | None = None
    after_bytes: int | None = None
    done: bool = False
    lose: bool = False
    flip_byte: int | None = None
    wait: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a verb; `number` counts all calls from 1."""

    number: int
    verb: str
    path: str


@dataclass(slots=True)
class _Rule:
    fault: Fault
    verb: str | None
    path: str | None
    nth: int | None
    times: int
    seen: int = 0

    def applies(self, call: Call) -> bool:
        if self.verb not in {None, call.verb} or self.path not in {None, call.path}:
            return False
        self.seen += 1
        first = self.nth or 1
        return first <= self.seen < first + self.times


class Faulty(Transparent):
    """Any storage, with faults."""

    # Bytes that move beside the interface could not be made to fail.
    passes = EVERYTHING - {Capability.LOCAL_PATH}

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.calls: list[Call] = []
        self._rules: list[_Rule] = []
        self._random: tuple[random.Random, float, Sequence[Fault]] | None = None
        self._lock = threading.Lock()

    def on(
        self,
        verb: str | None,
        fault: Fault,
        *,
        path: str | None = None,
        nth: int | None = None,
        times: int = 1,
    ) -> None:
        """Do this to the `nth` call (from 1) of a verb (any if None) for a path, and `times` in a row.

        The verbs are those of the interface, and `put_part`, `complete`, `abort` of uploads.
        """
        if fault.lose and verb not in _CAN_LOSE:
            raise ValueError(f"{verb} has an answer that cannot be made up")
        with self._lock:
            self._rules.append(_Rule(fault, verb, path, nth, times))

    def at_random(self, *, seed: int, rate: float, faults: Sequence[Fault]) -> None:
        """From now on, do one of these to each call with this probability."""
        with self._lock:
            self._random = random.Random(seed), rate, faults

    def heal(self) -> None:
        """No more faults."""
        with self._lock:
            self._rules.clear()
            self._random = None

    def count(self, verb: str) -> int:
        """How often a verb was called."""
        with self._lock:
            return sum(call.verb == verb for call in self.calls)

    def begin(self, verb: str, path: str) -> Fault | None:
        """Record a call; its fault, after waiting for it and raising what is raised at the start."""
        with self._lock:
            call = Call(len(self.calls) + 1, verb, path)
            self.calls.append(call)
            # Every rule sees every call, so that each counts its own.
            fault = next((rule.fault for rule in [r for r in self._rules if r.applies(call)]), None)
            if fault is None and self._random is not None:
                source, rate, faults = self._random
                fault = source.choice(faults) if source.random() < rate else None
        if fault is None:
            return None
        if fault.wait is not None:
            fault.wait()
        if fault.error is not None and fault.after_bytes is None and not fault.done:
            raise fault.error
        return fault

    def finish(self, fault: Fault | None) -> None:
        """Raise what is raised when all was done."""
        if fault is not None and fault.done and fault.error is not None:
            raise fault.error

    def _around(self, operation: Operation, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        path = args[0] if args and isinstance(args[0], str) else ""
        owner = getattr(call, "__self__", None)
        verb = call.__name__ if owner is self.inner else f"{type(owner).__name__}.{call.__name__}"
        fault = self.begin(verb, path)
        if fault is not None and fault.lose:
            return None
        answer = call(*args, **kwargs)
        self.finish(fault)
        return answer

    # What is not a plain call

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """A reader that may break off or change bytes."""
        inner = super().read(path, offset=offset, length=length, version=version)
        return self._reading(inner, path)

    @contextmanager
    def _reading(self, inner: AbstractContextManager[BinaryReader], path: str) -> Iterator[BinaryReader]:
        fault = self.begin("read", path)
        with inner as reader:
            yield reader if fault is None else _FaultyReader(reader, fault)

    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        """Store a file, or less, or something else."""
        self._needs(Capability.WRITE, path, condition)
        fault = self.begin("write", path)
        if fault is None:
            return self.inner.write(path, source, size=size, metadata=metadata, condition=condition)
        with opened(source, size) as reader:
            faulty = _FaultyReader(reader, fault)
            if fault.lose:
                content = b"".join(iter(lambda: faulty.read(COPY_BUFFER), b""))
                return Entry(path, size=len(content), version="lost")
            entry = self.inner.write(path, faulty, size=size, metadata=metadata, condition=condition)
        self.finish(fault)
        return entry

    def scan(self, path: str) -> Iterator[Entry]:
        """One level, which may break off."""
        return self._listing("scan", path, super().scan(path))

    def scan_all(self, path: str) -> Iterator[Entry]:
        """All levels, which may break off."""
        return self._listing("scan_all", path, super().scan_all(path))

    def _listing(self, verb: str, path: str, entries: Iterator[Entry]) -> Iterator[Entry]:
        """`after_bytes` counts entries here."""
        fault = self.begin(verb, path)
        for count, entry in enumerate(entries):
            if fault is not None and fault.error is not None and fault.after_bytes == count:
                raise fault.error
            yield entry
        self.finish(fault)

    def _iterate(self, operation: Operation, start: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        return iter(start())

    def _uploading(self, upload: Upload) -> Upload:
        return _FaultyUpload(self, upload)


class _FaultyReader:
    """Gives bytes until the fault comes."""

    def __init__(self, reader: BinaryReader, fault: Fault) -> None:
        self._reader = reader
        self._fault = fault
        self._position = 0

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(COPY_BUFFER), b""))
        limit = self._fault.after_bytes
        if limit is not None and self._fault.error is not None and size:
            if self._position >= limit:
                raise self._fault.error
            size = min(size, limit - self._position)
        data = self._reader.read(size)
        flip = self._fault.flip_byte
        if flip is not None and self._position <= flip < self._position + len(data):
            changed = bytearray(data)
            changed[flip - self._position] ^= 0xFF
            data = bytes(changed)
        self._position += len(data)
        return data


class _FaultyUpload(Upload):
    """An upload whose parts may get lost."""

    def __init__(self, storage: Faulty, inner: Upload) -> None:
        self._storage = storage
        self._inner = inner
        self.path = inner.path
        self.part_size = inner.part_size
        self.ordered = inner.ordered

    @property
    def state(self) -> Any:
        return self._inner.state

    def part_state(self, index: int) -> Any:
        return self._inner.part_state(index)

    @property
    def done(self) -> Any:
        return self._inner.done

    def put_part(self, index: int, data: bytes | memoryview, *, last: bool = False) -> None:
        fault = self._storage.begin("put_part", self.path)
        if fault is not None and fault.lose:
            return
        if fault is not None and fault.flip_byte is not None:
            data = _FaultyReader(_Once(bytes(data)), fault).read()
        self._inner.put_part(index, data, last=last)
        self._storage.finish(fault)

    def complete(self, condition: Condition | None = None) -> Entry:
        if condition is not None:
            kind = "absent" if condition.version is None else "version"
            self._storage._needs(Capability(f"upload_if_{kind}"), self.path)
        fault = self._storage.begin("complete", self.path)
        if fault is not None and fault.lose:
            return Entry(self.path, size=sum(self.done.values()), version="lost")
        entry = self._inner.complete(condition)
        self._storage.finish(fault)
        return entry

    def abort(self) -> None:
        self._storage.begin("abort", self.path)
        self._inner.abort()


class _Once:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1, /) -> bytes:
        data, self._data = self._data, b""
        return data
