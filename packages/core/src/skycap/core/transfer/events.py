"""Everything that happens in a transfer, as one stream: bar, JSON lines, report and hooks are made of it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from skycap.core.errors import Error

_TOLD_TOGETHER = 100


class EventType(StrEnum):
    """What happened. The values are part of the command line's contract: more may come, none changes."""

    BEGUN = "begun"
    """The whole transfer begins. Of one that looks only (`dry_run`) too."""
    FINISHED = "finished"
    """The whole transfer ended; `error` is what ended it early, if something did. The last event there is."""
    STARTED = "started"
    """A file begins to move; `size` is in bytes."""
    MOVED = "bytes"
    """`bytes` of it went by."""
    COPIED = "copied"
    """A file, link or directory stands at the target; `strategy` tells how it got there. `bytes` are those
    that no earlier event told of."""
    UNCHANGED = "unchanged"
    """Both sides are the same."""
    SKIPPED = "skipped"
    """Left alone on purpose; `reason` says why."""
    REMOVED = "removed"
    """Something is gone at the target, or at the source of a move."""
    UPDATED = "updated"
    """Only time or mode was set; the content was the same."""
    FAILED = "failed"
    """`error` says why it did not make it."""
    RETRY = "retry"
    """`error` passed by, and it is tried again in `seconds`."""
    RESUMED = "resumed"
    """A file goes on where an earlier run stopped; `bytes` were there already."""
    PLANNED = "planned"
    """A file will be moved: `size` bytes more to do."""


class Event(NamedTuple):
    """One thing that happened to one path."""

    type: EventType
    path: str
    size: int | None = None
    bytes: int = 0
    strategy: str | None = None
    reason: str | None = None
    error: Error | None = None
    seconds: float | None = None
    files: int = 1
    """How many files this tells of; with more than one, `path` is "", and sizes are of all of them."""
    source: str = ""
    """The place that is copied from, as the user wrote it; `path` is below it."""
    target: str = ""
    """The place that is copied to."""
    operation: str = ""
    """`copy`, `sync` or `move`."""


Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """A listener that does nothing."""


class Sum:
    """Events of one type that nobody wants to hear of one by one."""

    def __init__(self, kind: EventType, emit: Listener) -> None:
        self._kind, self._emit = kind, emit
        self._count = self._size = 0

    def add(self, size: int) -> None:
        """One more."""
        self._count += 1
        self._size += size
        if self._count >= _TOLD_TOGETHER:
            self.tell()

    def tell(self) -> None:
        """Tell of those that came since the last time."""
        if self._count:
            self._emit(Event(self._kind, "", self._size, files=self._count))
            self._count = self._size = 0
