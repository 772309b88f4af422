"""Any storage, with failures that pass by themselves tried again.

What is tried again is always safe to do twice: a write only if its source starts again from the first byte,
an upload part by part, a listing from where it stood if it is ordered. A read that breaks off in mid-stream
goes on at the byte where it broke, if it is known to be the same content still: the `entry` of the new
reader has the version that the first one had. Else the break is raised, and the caller starts over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain, islice
from typing import Any, ParamSpec, TypeVar, cast

from skycap.core.errors import Conflict, Error, NotFound
from skycap.core.retry import Caller, Operation, Policies, RetryEvent
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.extras import BulkWriter
from skycap.core.storage.interface import Storage
from skycap.core.storage.overlays.overlay import EVERYTHING, Transparent
from skycap.core.storage.overlays.resuming import ResumingReader
from skycap.core.storage.source import BinaryReader, Source, can_reopen
from skycap.core.storage.upload import Upload

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_REMOVED_AT_ONCE = 1000
_END: Any = object()


class Retrying(Transparent):
    """The inner storage, tried again by `policies`.

    `on_retry` is told of each further try, in the thread that waits for it. Setting `cancelled` ends every
    wait with `Interrupted`. `caller` builds what runs a policy; tests give one with a clock of their own.
    """

    passes = EVERYTHING

    def __init__(
        self,
        inner: Storage,
        policies: Policies | None = None,
        *,
        on_retry: Callable[[RetryEvent], None] | None = None,
        cancelled: threading.Event | None = None,
        caller: Callable[..., Caller] = Caller,
    ) -> None:
        super().__init__(inner)
        policies = policies or Policies()
        self._callers = {
            kind: caller(policies.of(kind), on_retry=on_retry, cancelled=cancelled) for kind in Operation
        }

    def _around(self, operation: Operation, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._callers[operation](call, *args, **kwargs)

    def _iterate(self, operation: Operation, start: Callable[[], Iterator[T]]) -> Iterator[T]:
        """Tried again until the first one has come, and later where the error says how to go on.

        What was seen cannot be taken back, and a listing in no order gives no other hint of where it was.
        """
        broken: Error | None = None

        def first() -> tuple[Iterator[T], list[T]]:
            nonlocal broken
            if broken is not None:  # it counts as a try, so that the next one waits
                error, broken = broken, None
                raise error
            items = iter(start())
            return items, list(islice(items, 1))

        first.__name__ = operation.value
        while True:
            items, head = self._around(operation, first)
            yield from head
            try:
                yield from self._timed(operation, items)
            except Error as error:
                if not error.retryable or error.rest is None:
                    raise
                broken, start = error, error.rest
            else:
                return

    def _timed(self, operation: Operation, items: Iterator[T]) -> Iterator[T]:
        """The same, where the limit of a try holds for each further page too."""
        caller = self._callers[operation]
        if caller.policy.per_try_timeout_s is None:
            return items
        return iter(lambda: caller.once(next, items, _END), _END)

    # Listings

    def scan(self, path: str) -> Iterator[Entry]:
        """One level; where the listing is ordered, a break in the middle goes on behind the last entry."""
        self._needs(Capability.LIST, path)
        if self.facts.scan_ordered:
            return self._resumed(lambda: self.inner.scan(path))
        return self._iterate(Operation.LIST, lambda: self.inner.scan(path))

    def scan_all(self, path: str) -> Iterator[Entry]:
        """Everything below a path; the same."""
        self._needs(Capability.SCAN_ALL, path)
        if self.facts.scan_all_ordered:
            return self._resumed(lambda: self.inner.scan_all(path))
        return self._iterate(Operation.LIST, lambda: self.inner.scan_all(path))

    def _resumed(self, start: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        last: Entry | None = None
        broken: Error | None = None

        def scan() -> tuple[Iterator[Entry], list[Entry]]:
            nonlocal broken
            if broken is not None:
                error, broken = broken, None
                raise error
            items = iter(start())
            if last is not None:
                seen = last.order
                items = (entry for entry in items if entry.order > seen)
            return items, list(islice(items, 1))

        while True:
            items, head = self._around(Operation.LIST, scan)
            try:
                for entry in chain(head, self._timed(Operation.LIST, items)):
                    last = entry
                    yield entry
            except Error as error:
                if not error.retryable:
                    raise
                broken = error
            else:
                return

    # Reading

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """A streaming reader that goes on where it broke off."""
        self._needs(Capability.READ, path)
        if version is not None:
            self._needs(Capability.READ_VERSION, path)
        return ResumingReader(self.inner, self._callers[Operation.DOWNLOAD], path, offset, length, version)

    # Writing

    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        """Store a file; a plain stream is sent once."""
        self._needs(Capability.WRITE, path, condition)
        write = self.inner.write if condition is None else _unsure(self.inner.write)
        if not can_reopen(source):
            return write(path, source, size=size, metadata=metadata, condition=condition)
        return self._around(
            Operation.UPLOAD, write, path, source, size=size, metadata=metadata, condition=condition
        )

    def copy(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """Copy inside the store."""
        self._needs(Capability.COPY, target, condition)
        copy = self.inner.copy if condition is None else _unsure(self.inner.copy)
        return self._around(Operation.UPLOAD, copy, source, target, condition=condition)

    def rename(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """Move inside the store."""
        self._needs(Capability.RENAME, target, condition)
        return self._around(Operation.UPLOAD, _unsure(self.inner.rename), source, target, condition=condition)

    def remove_many(self, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
        """Remove files in few requests; only those that failed are sent again."""
        self._needs(Capability.REMOVE_MANY)
        left = iter(paths)
        while batch := list(islice(left, _REMOVED_AT_ONCE)):
            yield from self._remove_batch(batch)

    def _remove_batch(self, batch: list[str]) -> Iterator[tuple[str, Error | None]]:
        waiting: dict[str, Error | None] = dict.fromkeys(batch)
        done: list[tuple[str, Error | None]] = []

        def remove_many() -> None:
            for path, error in self.inner.remove_many(list(waiting)):
                if error is not None and error.retryable:
                    waiting[path] = error
                else:
                    waiting.pop(path, None)
                    done.append((path, error))
            if broken := next(filter(None, waiting.values()), None):
                raise broken

        failure: Error | None = None
        try:
            self._around(Operation.DELETE, remove_many)
        except Error as error:
            failure = error
        yield from done
        for path, last in waiting.items():
            yield path, last or failure

    def bulk_write(self, *, metadata: bool = True) -> BulkWriter:
        """A writer of many small local files; only those that failed are written again."""
        self._needs(Capability.BULK_WRITE)
        return _RetryingBulk(self.inner.bulk_write(metadata=metadata), self._callers[Operation.UPLOAD])

    def _uploading(self, upload: Upload) -> Upload:
        return _RetryingUpload(upload, self._callers[Operation.UPLOAD])


class _RetryingBulk(BulkWriter):
    """A writer of many files that writes those again whose failure can pass."""

    def __init__(self, inner: BulkWriter, caller: Caller) -> None:
        self._inner = inner
        self._caller = caller

    def write(self, files: Sequence[tuple[str, str, int | None]]) -> Sequence[Error | None]:
        return self._again(self._inner.write, files, None)

    def put(self, contents: Sequence[tuple[str, bytes, Metadata | None]]) -> Sequence[Entry | Error]:
        waiting = Error("it was not tried")
        return self._again(self._inner.put, contents, waiting)

    def _again(
        self, store: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T], untold: R
    ) -> Sequence[R]:
        found: list[R] = [untold] * len(items)
        left = list(range(len(items)))

        def bulk_write() -> None:
            nonlocal left
            for index, answer in zip(left, store([items[index] for index in left]), strict=True):
                found[index] = answer
            left = [i for i in left if isinstance(error := found[i], Error) and error.retryable]
            if left and isinstance(error := found[left[0]], Error):
                raise error

        try:
            self._caller(bulk_write)
        except Error as failure:
            # Raised for one of them, it stands in its place; raised as a whole, it is that of all that wait.
            for index in left:
                if found[index] is untold:
                    found[index] = cast("R", failure)
        return found

    def close(self) -> None:
        self._inner.close()


class _RetryingUpload(Upload):
    """An upload whose parts are tried again, not the file."""

    def __init__(self, inner: Upload, caller: Caller) -> None:
        self._inner = inner
        self._caller = caller
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
        self._caller(self._inner.put_part, index, data, last=last)

    def complete(self, condition: Condition | None = None) -> Entry:
        return self._caller(_unsure(self._inner.complete), condition)

    def abort(self) -> None:
        self._caller(self._inner.abort)


_LOST_ANSWER = "An earlier try may have done it, its answer lost on the way. Look at what is there."


def _unsure(call: Callable[P, R]) -> Callable[P, R]:
    """A call whose later tries may fail because an earlier one did succeed; then the error says so."""
    tries = 0

    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        nonlocal tries
        tries += 1
        try:
            return call(*args, **kwargs)
        except (Conflict, NotFound) as error:
            if tries > 1:
                error.hint = _LOST_ANSWER
            raise

    tried.__name__ = getattr(call, "__name__", "call")
    return tried
