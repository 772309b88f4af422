"""A storage that fails on cue, and a clock that only moves when somebody waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from skycap.core.errors import DownloadFailed, Error
from skycap.core.retry import Caller, Operation, Policies, Policy
from skycap.core.storage import BinaryReader, Storage
from skycap.core.storage.overlays import Overlay, Retrying
from skycap.core.storage.overlays.overlay import EVERYTHING, Transparent


@dataclass
class Clock:
    """Seconds that pass only in waits."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return False


class Faulty(Transparent):
    """The inner storage, that raises what is queued for a verb before (`errors`) it does anything.

    `breaks` are byte counts after which a read breaks off, one for each reading; `on_break` is called then.
    """

    passes = EVERYTHING

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.errors: dict[str, list[Error]] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.breaks: list[int] = []
        self.on_break: Callable[[], object] = lambda: None
        self.tells_entry = True

    def _around(self, operation: Operation, call: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.calls.append((call.__name__, *args))
        if queued := self.errors.get(call.__name__):
            raise queued.pop(0)
        return call(*args, **kwargs)

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        return self._reading(path, offset, length, version)

    @contextmanager
    def _reading(
        self, path: str, offset: int, length: int | None, version: str | None
    ) -> Iterator[BinaryReader]:
        self.calls.append(("read", path, offset, length, version))
        if queued := self.errors.get("read"):
            raise queued.pop(0)
        with self.inner.read(path, offset=offset, length=length, version=version) as reader:
            yield BreakingReader(self, reader, self.breaks.pop(0) if self.breaks else None)


class BreakingReader:
    def __init__(self, faulty: Faulty, reader: BinaryReader, left: int | None) -> None:
        self._faulty = faulty
        self._reader = reader
        self._left = left
        if faulty.tells_entry:
            self.entry = getattr(reader, "entry", None)

    def read(self, size: int = -1, /) -> bytes:
        if self._left is not None:
            if not self._left:
                self._faulty.on_break()
                raise DownloadFailed("the connection broke")
            size = min(size, self._left) if size >= 0 else self._left
            self._left -= size
        return self._reader.read(size)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faulty() -> Callable[[Storage], Faulty]:
    return Faulty


@pytest.fixture
def retrying(clock: Clock) -> Callable[..., Retrying]:
    """`Retrying` that waits by the clock of the test, three attempts a call."""

    def make(inner: Storage, **kwargs: Any) -> Retrying:
        def caller(policy: Policy, **given: Any) -> Caller:
            return Caller(
                policy, clock=clock, wait=clock.wait, draw=lambda bound: bound, on_retry=given["on_retry"]
            )

        policies = Policies(*[Policy(attempts=3, base_s=1)] * 4)
        return Retrying(inner, policies, caller=caller, **kwargs)

    return make


__all__ = ["Clock", "Faulty", "Overlay"]
