"""What happens in a transfer and what came of it: as JSON lines, and as lines for people."""

from __future__ import annotations

import logging
import threading
from typing import Any, Literal

from skycap.core.cli.failures import as_record
from skycap.core.cli.progress import Progress
from skycap.core.cli.session import Session
from skycap.core.transfer.events import Event, EventType
from skycap.core.transfer.result import Result
from skycap.core.units import format_count, format_duration, format_size

Verb = Literal["copy", "move", "sync"]
_DONE = {"copy": "Copied", "move": "Moved", "sync": "Copied"}
FEW = 3
"""So many hints, and so many names of what was left alone, are told without being asked."""
_ASKED_FOR = frozenset(
    {"left out by its size or age", "it exists already", "the target is newer", "a symbolic link"}
)
"""Reasons to leave something alone that a flag gave."""
_log = logging.getLogger("skycap.transfer")


_UNSHOWN = frozenset(
    {EventType.BEGUN, EventType.FINISHED, EventType.STARTED, EventType.MOVED, EventType.PLANNED}
)


class Show:
    """A listener that shows events: as JSON lines, or as lines for people as loud as they asked for."""

    def __init__(self, run: Session, progress: Progress, verb: Verb, *, dry_run: bool, single: bool) -> None:
        self._run = run
        self._verb = verb
        self._progress = progress
        self._dry_run = dry_run
        self._single = single
        self._lock = threading.Lock()
        self._hinted = 0
        self.left_alone = 0
        self.each = run.json or run.verbosity > 0 or dry_run
        """Whether every file that was copied or left alone is shown."""

    def __call__(self, event: Event) -> None:
        """One event; most are not shown at all."""
        kind = event.type
        if event.error is not None:
            self._run.named(event.error)
        if kind in _UNSHOWN:
            return
        if kind is EventType.FAILED and event.error is not None and not self._single:
            _log.error("%s", event.error, extra={"error": as_record(event.error, path=event.path)})
        if self._run.json:
            if kind is not EventType.UNCHANGED or self._run.verbosity > 0:
                with self._lock:
                    self._run.emit(event_record(event, dry_run=self._dry_run))
        elif self._dry_run:
            if kind is not EventType.UNCHANGED:
                with self._lock:
                    self._run.line(f"{foretold(event, self._verb)}{_detail(event)}")
            return
        self._tell(event)

    def _tell(self, event: Event) -> None:
        kind, verbosity = event.type, self._run.verbosity
        if kind is EventType.FAILED and event.error is not None:
            if not self._single:
                where = event.error.where or event.path
                self._progress.say(f"skycap: {where}: {event.error.message}")
                if event.error.hint and (verbosity > 0 or self._is_among_first()):
                    self._progress.say(f"hint: {event.error.hint}")
        elif kind is EventType.RETRY:
            if verbosity > 0:
                self._progress.say(f"{event.path}: {event.error}; trying again in {event.seconds or 0:.1f}s")
        elif kind is EventType.SKIPPED and event.reason:
            self._tell_left_alone(event.path, event.reason)
        elif (kind is not EventType.UNCHANGED and verbosity > 0) or verbosity > 1:
            self._progress.say(f"{kind.value}: {event.path}{_detail(event)}")

    def _is_among_first(self) -> bool:
        with self._lock:
            self._hinted += 1
            return self._hinted <= FEW and self._run.verbosity >= 0

    def _tell_left_alone(self, path: str, reason: str) -> None:
        """What nobody asked to leave alone is told of, the first few by name."""
        verbosity = self._run.verbosity
        if reason not in _ASKED_FOR:
            with self._lock:
                self.left_alone += 1
        if verbosity > 0 or (verbosity == 0 and reason not in _ASKED_FOR and self.left_alone <= FEW):
            self._progress.say(f"{path}: left alone ({reason})")


def event_record(event: Event, *, dry_run: bool) -> dict[str, Any]:
    """The JSON object of an event; its `type` is what happened."""
    if event.type is EventType.FAILED and event.error is not None:
        return as_record(event.error, path=event.path) | {"type": "failed"}
    record: dict[str, Any] = {"type": event.type.value, "path": event.path}
    for name in ("size", "strategy", "reason", "seconds"):
        if (value := getattr(event, name)) is not None:
            record[name] = value
    if event.type is EventType.RESUMED:
        record["bytes"] = event.bytes
    if event.error is not None:
        record["error"] = str(event.error)
    if dry_run:
        record["dry_run"] = True
    return record


def _detail(event: Event) -> str:
    parts = [event.reason] if event.reason else []
    if event.type is EventType.RESUMED:
        parts.append(f"{format_size(event.bytes)} were there already")
    elif event.size is not None:
        parts.append(format_size(event.size))
    return f" ({', '.join(parts)})" if parts else ""


def foretold(event: Event, command: Verb) -> str:
    """What would be done, in a word and a path."""
    verbs = {
        EventType.COPIED: "move" if command == "move" else "copy",
        EventType.REMOVED: "remove",
        EventType.SKIPPED: "skip",
    }
    verb = verbs.get(event.type, event.type.value)
    if event.type is EventType.COPIED and event.strategy == "mkdir":
        verb = "mkdir"
    return f"{verb} {event.path}"


def _moved(result: Result) -> list[str]:
    counts = result.counts
    files = counts.copied - counts.directories
    return [
        format_count(number, what)
        for number, what in ((files, "file"), (counts.directories, "folder"))
        if number
    ]


def summary(verb: Verb, result: Result) -> str:
    """One line about a run that has ended."""
    counts = result.counts
    rest = [
        f"{number} {what}"
        for number, what in (
            (counts.updated, "brought up to date"),
            (counts.unchanged, "unchanged"),
            (counts.skipped, "left alone"),
            (counts.removed if verb == "sync" and counts.copied else 0, "removed"),
            (counts.failed, "failed"),
        )
        if number
    ]
    if result.dry_run:
        would = [f"{'move' if verb == 'move' else 'copy'} {' and '.join(_moved(result)) or 'nothing'}"]
        would += [f"remove {format_count(counts.removed, 'item')}"] if counts.removed else []
        return f"Nothing was changed. Would {', '.join(would)}; {counts.unchanged} unchanged."
    if not counts.copied:
        if verb == "sync" and counts.removed:
            removed = f"Removed {format_count(counts.removed, 'item')}"
            return f"{', '.join([removed, *rest])}."
        start = "Copied nothing" if counts.updated or counts.failed else "Nothing to do"
        return f"{start}{': ' if rest else ''}{', '.join(rest)}."
    done, *folders = _moved(result)
    size = f" ({format_size(counts.bytes_copied)})" if counts.copied > counts.directories else ""
    took = format_duration(result.seconds)
    return (
        f"{_DONE[verb]} {', '.join([done, *folders])}{size} in {took}"
        + "".join(f", {part}" for part in rest)
        + "."
    )


def stopped(result: Result) -> str:
    """What is done, what failed and what remains of a run that was stopped."""
    counts = result.counts
    done = counts.copied - counts.directories
    links = counts.strategies.get("link", 0)
    remaining = max(counts.planned - (done - links) - counts.failed, 0)
    parts = [f"{format_count(done, 'file')} {'is' if done == 1 else 'are'} done"]
    if counts.failed:
        parts.append(f"{counts.failed} failed")
    if remaining:
        parts.append(f"{remaining} of those found so far remain{'s' * (remaining == 1)}")
    return f"stopped: {', '.join(parts)}"


def summary_record(verb: Verb, result: Result) -> dict[str, Any]:
    """The JSON object of a run that has ended."""
    counts = result.counts
    names = (
        *("copied", "unchanged", "updated", "skipped", "removed", "failed", "resumed", "retries", "bytes"),
        *("directories", "bytes_copied"),
    )
    return {
        "type": "summary",
        "command": verb,
        **{name: getattr(counts, name) for name in names},
        "strategies": dict(counts.strategies),
        "seconds": round(result.seconds, 3),
        "dry_run": result.dry_run,
        "interrupted": result.interrupted,
        "exit_status": result.exit_status,
    }
