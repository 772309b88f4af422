"""A storage whose listings lag behind, as those of some object stores and drives do.

What was written, removed or moved is listed as it was before, until `delay_s` have passed on a clock that
the test holds. With `looks_late`, a look at a new file does not find it either.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from skycap.core.errors import NotFound
from skycap.core.paths import split
from skycap.core.retry.policies import Operation
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry
from skycap.core.storage.interface import Storage
from skycap.core.storage.overlays.overlay import EVERYTHING, Transparent
from skycap.core.storage.source import BinaryReader
from skycap.core.storage.upload import Upload

_ONE = {"write", "remove", "set_metadata", "make_symlink"}
_TWO = {"copy", "rename"}


class Eventual(Transparent):
    """Any storage, seen late. Files only: of directories that move, the contents are seen at once."""

    passes = EVERYTHING - {
        Capability.LOCAL_PATH,
        Capability.SCAN_ALL,
        Capability.REMOVE_MANY,
        Capability.REMOVE_TREE,
    }

    def __init__(
        self, inner: Storage, clock: Callable[[], int], *, delay_s: float, looks_late: bool = False
    ) -> None:
        super().__init__(inner)
        self._clock = clock
        self._delay_ns = round(delay_s * 1e9)
        self._looks_late = looks_late
        self._before: dict[str, tuple[int, Entry | None]] = {}
        self._lock = threading.Lock()

    def scan(self, path: str) -> Iterator[Entry]:
        """One level as it was."""
        entries = {entry.path: entry for entry in super().scan(path)}
        for changed, before in self._late().items():
            if split(changed)[0] == path:
                entries.pop(changed, None)
                if before is not None:
                    entries[changed] = before
        yield from sorted(entries.values(), key=lambda entry: entry.order)

    def stat(self, path: str) -> Entry:
        """One entry."""
        self._hide(path)
        return super().stat(path)

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """A reader."""
        self._hide(path)
        return super().read(path, offset=offset, length=length, version=version)

    def _around(self, operation: Operation, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        verb = call.__name__ if getattr(call, "__self__", None) is self.inner else ""
        paths = args[:1] if verb in _ONE else args[:2] if verb in _TWO else ()
        return self.later(paths, lambda: call(*args, **kwargs))

    def later(self, paths: tuple[str, ...], change: Callable[[], Any]) -> Any:
        """Make a change that is seen later at these paths."""
        before = {path: self._inner_entry(path) for path in paths}
        answer = change()
        with self._lock:
            seen_at = self._clock() + self._delay_ns
            for path, entry in before.items():
                # A second change in the meantime does not make the state between visible.
                known = self._before.get(path)
                late = known is not None and known[0] > self._clock()
                self._before[path] = (seen_at, known[1] if known is not None and late else entry)
        return answer

    def _inner_entry(self, path: str) -> Entry | None:
        try:
            return self.inner.stat(path)
        except NotFound:
            return None

    def _late(self) -> dict[str, Entry | None]:
        with self._lock:
            now = self._clock()
            self._before = {path: known for path, known in self._before.items() if known[0] > now}
            return {path: entry for path, (_, entry) in self._before.items()}

    def _hide(self, path: str) -> None:
        if self._looks_late and self._late().get(path, ...) is None:
            raise NotFound("no such file yet", where=path)

    def _uploading(self, upload: Upload) -> Upload:
        return _LateUpload(self, upload)


class _LateUpload(Upload):
    def __init__(self, storage: Eventual, inner: Upload) -> None:
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
        self._inner.put_part(index, data, last=last)

    def complete(self, condition: Condition | None = None) -> Entry:
        answer = self._storage.later((self.path,), lambda: self._inner.complete(condition))
        assert isinstance(answer, Entry)
        return answer

    def abort(self) -> None:
        self._inner.abort()
