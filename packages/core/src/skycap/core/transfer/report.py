"""The run report: one JSON file a run, for schedulers and people who come later.

Fields are only ever added. The schema is published in `docs/reference/` and made from `SCHEMA`.
"""

from __future__ import annotations

import contextlib
import json
import os
from datetime import UTC, datetime
from typing import Any

from skycap.core.errors import Error, StateWriteFailed
from skycap.core.paths import printable
from skycap.core.transfer.result import KEPT_FAILURES, Result

VERSION = 1
_COUNTS = (
    "copied",
    "directories",
    "unchanged",
    "updated",
    "skipped",
    "removed",
    "failed",
    "resumed",
    "retries",
    "planned",
    "bytes",
    "bytes_planned",
    "bytes_resumed",
)
_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}
_SAYS = {"directories": "Those among `copied` that are directories."}
_TEXT: dict[str, Any] = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "skycap run report",
    "type": "object",
    "required": [
        "schema",
        "command",
        "source",
        "target",
        "status",
        "exit_status",
        "started_at",
        "finished_at",
        "seconds",
        "counts",
        "strategies",
        "failures",
        "failures_total",
        "unfinished",
    ],
    "properties": {
        "schema": {"const": f"skycap.run-report/{VERSION}"},
        "command": {"enum": ["copy", "sync", "move", "check"]},
        "source": _TEXT,
        "target": _TEXT,
        "status": {"enum": ["ok", "partial", "failed", "interrupted", "dry-run"]},
        "exit_status": _WHOLE,
        "started_at": {"type": "string", "format": "date-time"},
        "finished_at": {"type": "string", "format": "date-time"},
        "seconds": {"type": "number", "minimum": 0},
        "counts": {
            "type": "object",
            "required": list(_COUNTS),
            "properties": {
                name: {**_WHOLE, "description": _SAYS[name]} if name in _SAYS else _WHOLE for name in _COUNTS
            },
        },
        "strategies": {"type": "object", "additionalProperties": _WHOLE},
        "failures": {
            "type": "array",
            "maxItems": KEPT_FAILURES,
            "items": {
                "type": "object",
                "required": ["path", "class", "error", "hint", "exit_status"],
                "properties": {
                    "path": _TEXT,
                    "class": _TEXT,
                    "error": _TEXT,
                    "hint": {"type": ["string", "null"]},
                    "exit_status": _WHOLE,
                },
            },
        },
        "failures_total": _WHOLE,
        "unfinished": {"type": "array", "items": _TEXT},
    },
}


def report(
    result: Result,
    *,
    command: str,
    source: str,
    target: str,
    error: Error | None = None,
    status: int | None = None,
) -> dict[str, Any]:
    """The report as JSON; `error` is what ended the whole run, if something did.

    `status` is the exit status, where the result does not say it: a check counts what differs as failed.
    """
    if error is not None:
        status = error.exit_status
    elif status is None:
        status = result.exit_status
    failures = [_failure(failure.path, failure.error) for failure in result.failures]
    if error is not None:
        failures.append(_failure("", error))
    return {
        "schema": f"skycap.run-report/{VERSION}",
        "command": command,
        "source": source,
        "target": target,
        "status": _status(result, status),
        "exit_status": status,
        "started_at": _iso(result.started_at),
        "finished_at": _iso(result.started_at + result.seconds),
        "seconds": round(result.seconds, 3),
        "counts": {name: getattr(result.counts, name) for name in _COUNTS},
        "strategies": dict(result.counts.strategies),
        "failures": failures[-KEPT_FAILURES:],
        "failures_total": result.counts.failed + (error is not None),
        "unfinished": [printable(path) for path in result.unfinished],
    }


def write_report(found: dict[str, Any], path: str) -> None:
    """Write it, all or nothing, and for its owner alone: it names what is in private places."""
    temporary = f"{path}.part"
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # of a run that was killed, with whatever mode it had
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=2)
            file.write("\n")
        os.replace(temporary, path)
    except OSError as error:
        raise StateWriteFailed(
            f"the report could not be written ({error.strerror})",
            where=path,
            hint="The transfer itself is done.",
        ) from error


def _failure(path: str, error: Error) -> dict[str, Any]:
    return {
        "path": printable(path),
        "class": type(error).__name__,
        "error": str(error),
        "hint": error.hint,
        "exit_status": error.exit_status,
    }


def _status(result: Result, status: int) -> str:
    if result.interrupted or status in {130, 143}:
        return "interrupted"
    if status == 0:
        return "dry-run" if result.dry_run else "ok"
    return "partial" if status == 3 else "failed"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
