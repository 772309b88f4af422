"""What came of a transfer, counted while it happens."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, fields

from skycap.core.errors import Error, Interrupted, Partial, Unsupported, exit_status
from skycap.core.transfer.events import Event, EventType

KEPT_FAILURES = 1000
DIRECTORY = frozenset({"directory", "mkdir"})
"""Strategies of what is a directory, done and foretold."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One path that did not make it, and why."""

    path: str
    error: Error


@dataclass(slots=True)
class Counts:
    """Files, unless the name says otherwise."""

    copied: int = 0
    """Files, links and directories."""
    unchanged: int = 0
    updated: int = 0
    skipped: int = 0
    removed: int = 0
    failed: int = 0
    resumed: int = 0
    retries: int = 0
    planned: int = 0
    bytes: int = 0
    """Bytes that went by."""
    bytes_copied: int = 0
    """Sizes of the files that stand at the target now, however they got there."""
    directories: int = 0
    """Those among `copied` that are directories."""
    bytes_planned: int = 0
    bytes_resumed: int = 0
    strategies: dict[str, int] = field(default_factory=dict)


_FIELDS = {
    EventType.COPIED: "copied",
    EventType.UNCHANGED: "unchanged",
    EventType.UPDATED: "updated",
    EventType.SKIPPED: "skipped",
    EventType.REMOVED: "removed",
    EventType.FAILED: "failed",
    EventType.RESUMED: "resumed",
    EventType.RETRY: "retries",
    EventType.PLANNED: "planned",
}


class Result:
    """Counts and failures of one run; a listener of its events."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.failures: list[Failure] = []
        self.failure_statuses: dict[int, int] = {}
        self._worst: dict[int, Error] = {}
        self.interrupted = False
        self.signal: int | None = None
        """The signal that interrupted it, if one did."""
        self.dry_run = False
        self.unfinished: list[str] = []
        """Paths of large files of which the finished parts are kept for the next run."""
        self.started_at = time.time()
        self._began = time.monotonic()
        self.seconds = 0.0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        said = [f"{field.name}={getattr(self.counts, field.name)}" for field in fields(self.counts)]
        told = [one for one in said if not one.endswith(("=0", "={}")) and not one.startswith("strategies")]
        flags = [name for name in ("dry_run", "interrupted") if getattr(self, name)]
        return f"Result({', '.join([*told, *flags])})"

    def __call__(self, event: Event) -> None:
        """Count it."""
        counts = self.counts
        with self._lock:
            if event.type is EventType.MOVED:
                counts.bytes += event.bytes
                return
            if name := _FIELDS.get(event.type):
                setattr(counts, name, getattr(counts, name) + event.files)
            if event.type is EventType.COPIED and event.strategy:
                counts.bytes += event.bytes
                counts.strategies[event.strategy] = counts.strategies.get(event.strategy, 0) + event.files
                if event.strategy in DIRECTORY:
                    counts.directories += 1
                else:
                    counts.bytes_copied += event.size or 0
            elif event.type is EventType.PLANNED:
                counts.bytes_planned += event.size or 0
            elif event.type is EventType.RESUMED:
                counts.bytes_resumed += event.bytes
            elif event.type is EventType.FAILED and event.error is not None:
                self._failed(event.path, event.error)

    def _failed(self, path: str, error: Error) -> None:
        status = error.exit_status
        self.failure_statuses[status] = self.failure_statuses.get(status, 0) + 1
        self._worst.setdefault(status, error)
        if len(self.failures) < KEPT_FAILURES:
            self.failures.append(Failure(path, error))

    def finish(self) -> None:
        """Stop the clock."""
        self.seconds = time.monotonic() - self._began

    @property
    def exit_status(self) -> int:
        """The command's: 0, 128 and the signal, that of a failure, or 3 when some files made it."""
        if self.interrupted:
            return 128 + self.signal if self.signal else Interrupted.exit_status
        if not self.failure_statuses:
            return 0
        done = self.counts.copied + self.counts.unchanged + self.counts.updated + self.counts.removed
        status = exit_status(list(self._worst.values()))
        weak = {Error.exit_status, Unsupported.exit_status, 4, 6, 12, 32}
        return Partial.exit_status if done and status in weak else status
