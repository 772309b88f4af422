"""The run report: one JSON object a run, for schedulers, monitors and people who come later.

Schema `backup.run-report/2`. Fields are only ever added. Lists are capped and say how many there were; the
whole is at most 1 MiB; nothing secret is in it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from skycap.backup.reports import codes
from skycap.backup.reports.cleaning import LIST_CAP, clean, fitted, shown_path
from skycap.backup.reports.fields import Artifacts, Bytes, Concurrency, Counts, Remaining, Retries, as_json
from skycap.core.errors import Error
from skycap.core.version import VERSION

SCHEMA = "backup.run-report/2"
SCHEMA_VERSION = "2.0.0"
Mode = Literal["backup", "restore", "verify", "forget", "prune", "repair", "copy", "drill", "migrate"]
_MILLISECOND = 1_000_000
_STATUSES = {0: "success", 3: "partial", 20: "stopped", 36: "skipped"}
_DONE = frozenset({0, 3})


def new_run_id(time_ns: int, random: bytes | None = None) -> str:
    """A unique id that sorts by time: 32 hexadecimal digits, the first twelve of them milliseconds."""
    noise = os.urandom(10) if random is None else random
    return ((time_ns // _MILLISECOND) % 2**48).to_bytes(6, "big").hex() + noise.hex()


def iso(time_ns: int) -> str:
    """A time of a report: RFC 3339 in UTC, to the millisecond."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    shown = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{shown}.{rest // _MILLISECOND:03}Z"


@dataclass(slots=True)
class Capped:
    """The first entries of a list, and how many there were."""

    kept: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0
    by_code: Counter[str] = field(default_factory=Counter)

    def add(self, code: str, entry: dict[str, Any]) -> None:
        """Count it, and keep it where there is room."""
        self.total += 1
        self.by_code[code] += 1
        if len(self.kept) < LIST_CAP:
            self.kept.append(entry)

    def grouped(self) -> list[dict[str, Any]]:
        """Those kept, by code, else in the order they came."""
        return sorted(self.kept, key=lambda entry: str(entry["code"]))


@dataclass(slots=True)
class RunReport:
    """What is known of a run. Members that are mappings go into the report as they are; times are ns."""

    mode: Mode
    argv: Sequence[str]
    started_ns: int
    run_id: str
    dry_run: bool = False
    profile: str | None = None
    config_digest: str | None = None
    counts: Counts = field(default_factory=Counts)
    volume: Bytes = field(default_factory=Bytes)
    retries: Retries = field(default_factory=Retries)
    concurrency: Concurrency = field(default_factory=Concurrency)
    throttled_ms: int = 0
    repo: dict[str, Any] | None = None
    targets: list[dict[str, Any]] = field(default_factory=list)
    paths: dict[str, Any] = field(default_factory=dict)
    snapshot: dict[str, Any] | None = None
    verification: dict[str, Any] | None = None
    tamper: dict[str, Any] = field(default_factory=lambda: {"status": "not-checked", "findings": []})
    plan: dict[str, Any] | None = None
    remaining: Remaining | None = None
    artifacts: Artifacts = field(default_factory=Artifacts)
    signal: int | None = None
    _failures: list[tuple[Error, dict[str, Any]]] = field(default_factory=list)
    _errors: Capped = field(default_factory=Capped)
    _warnings: Capped = field(default_factory=Capped)
    _failed_paths: Capped = field(default_factory=Capped)

    def fail(
        self,
        error: Error,
        *,
        op: str,
        path: bytes | None = None,
        object_: str | None = None,
        attempts: int = 1,
    ) -> None:
        """Something ended the run, or a part of it that decides its exit status."""
        entry: dict[str, Any] = {
            "code": codes.failure_code(error.exit_status),
            "class": type(error).__name__,
            "message": str(error),
            "hint": error.hint,
            "op": op,
            "attempts": attempts,
            "retryable": error.retryable,
        }
        if path is not None:
            entry["path"] = shown_path(path)
        if object_ is not None:
            entry["object"] = object_
        self._failures.append((error, entry))

    def lose(self, code: str, path: bytes, error: Error) -> None:
        """One item did not make it: the run goes on, and is partial."""
        entry = {"code": code, "path": shown_path(path), "message": error.message, "hint": error.hint}
        self._errors.add(code, entry)
        self._failed_paths.add(code, {"code": code, "path": entry["path"]})

    def warn(self, code: str, message: str, path: bytes | None = None) -> None:
        """Something that somebody should know, and that changes no exit status."""
        self._warnings.add(
            code, {"code": code, "path": None if path is None else shown_path(path), "message": message}
        )

    @property
    def exit_status(self) -> int:
        """The exit status of the run as it stands."""
        errors = [error for error, _ in self._failures]
        return codes.decide(errors, items_lost=self._errors.total > 0, signal=self.signal)

    @property
    def status(self) -> str:
        """The word for how the run ended."""
        status = self.exit_status
        if status > 128:
            return "interrupted"
        if self.dry_run and status in _DONE:
            return "dry-run"
        return _STATUSES.get(status, "failure")

    def as_json(self, finished_ns: int) -> dict[str, Any]:
        """The report, without anything secret, of at most 1 MiB."""
        status = self.exit_status
        found = {
            "schema": SCHEMA,
            "schemaVersion": SCHEMA_VERSION,
            "runId": self.run_id,
            "mode": self.mode,
            "status": self.status,
            "exitCode": status,
            "failureCode": codes.failure_code(status),
            "failures": self._by_weight(status),
            "failuresTotal": len(self._failures),
            "startedAt": iso(self.started_ns),
            "finishedAt": iso(finished_ns),
            "durationMs": max(0, finished_ns - self.started_ns) // _MILLISECOND,
            "command": {
                "argv": list(self.argv),
                "version": VERSION,
                "profile": self.profile,
                "configDigest": self.config_digest,
            },
            "host": {"name": socket.gethostname(), "user": _user(), "os": sys.platform, "pid": os.getpid()},
            "repo": self.repo,
            "targets": self.targets,
            "paths": {
                "source": None,
                "target": None,
                "pathFilter": None,
                "patternFilter": None,
                "sources": [],
                **self.paths,
            },
            "snapshot": self.snapshot,
            "counts": as_json(self.counts),
            "bytes": as_json(self.volume),
            "retries": as_json(self.retries),
            "throttledMs": self.throttled_ms,
            "concurrency": as_json(self.concurrency),
            "verification": self.verification,
            "tamper": self.tamper,
            "plan": self.plan,
            "remaining": as_json(self.remaining) if self.remaining and status not in _DONE else None,
            "warnings": self._warnings.grouped(),
            "warningsTotal": self._warnings.total,
            "warningsByCode": dict(self._warnings.by_code),
            "errors": self._errors.grouped(),
            "errorsTotal": self._errors.total,
            "errorsByCode": dict(self._errors.by_code),
            "failedPaths": [entry["path"] for entry in self._failed_paths.kept],
            "failedPathsTotal": self._failed_paths.total,
            "artifacts": as_json(self.artifacts),
            "signature": None,
        }
        return fitted(clean(found))

    def _by_weight(self, status: int) -> list[dict[str, Any]]:
        # The first is the one that decided.
        return [
            entry for _, entry in sorted(self._failures, key=lambda failure: failure[0].exit_status != status)
        ][:LIST_CAP]


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
