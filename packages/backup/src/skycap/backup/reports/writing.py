"""Where reports go: a file each, and one line each in the history."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from skycap.backup.reports.cleaning import dumps
from skycap.core.errors import StateWriteFailed
from skycap.core.paths import printable
from skycap.core.state import make_private_folder

HISTORY = "history.ndjson"
HISTORY_CAP = 8 << 20
"""A longer history becomes `history.1.ndjson`, and a new one begins; in bytes."""
_HINT = "The run itself is not touched by this."
_O_BINARY: int = getattr(os, "O_BINARY", 0)


def report_path(folder: str, report: dict[str, Any]) -> str:
    """Where the report belongs in the folder of reports: `<UTC>-<mode>-<runId>.json`."""
    stamp = str(report["startedAt"]).replace("-", "").replace(":", "").replace(".", "")
    return os.path.join(folder, f"{stamp}-{report['mode']}-{report['runId']}.json")


def save(report: dict[str, Any], folder: str, destination: str | None = None) -> str | None:
    """Write the report and its line of history; gives back the path, None for standard output.

    `folder` is that of reports in the state folder; `destination` another file, or `-`. The report names its
    own path in `artifacts`. Raises StateWriteFailed.
    """
    make_private_folder(folder)
    path = None if destination == "-" else destination or report_path(folder, report)
    report["artifacts"]["reportPath"] = path
    if path is None:
        sys.stdout.buffer.write(dumps(report) + b"\n")
        sys.stdout.buffer.flush()
    else:
        write(report, path)
    add_to_history(report, folder)
    return path


def write(report: dict[str, Any], path: str) -> None:
    """Write it, all or nothing, for its owner alone, and force it to disk. Raises StateWriteFailed."""
    new = f"{path}.{report['runId']}.new"
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_BINARY, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(dumps(report) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(new)
            raise
        _sync_folder(os.path.dirname(path) or ".")
    except OSError as error:
        raise _failed(error, path) from error


def add_to_history(report: dict[str, Any], folder: str) -> None:
    """Append the run to the history, in one write. Raises StateWriteFailed."""
    path = os.path.join(folder, HISTORY)
    snapshot = report["snapshot"]
    line = {
        **{key: report[key] for key in ("runId", "mode", "status", "exitCode", "failureCode")},
        **{
            key: report[key]
            for key in ("startedAt", "finishedAt", "durationMs", "errorsTotal", "warningsTotal")
        },
        "snapshot": None if snapshot is None else snapshot.get("id"),
        "bytesStored": report["bytes"]["stored"],
        "report": report["artifacts"]["reportPath"],
    }
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _O_BINARY, 0o600)
        try:
            # Where a run was killed while it wrote, its half line ends here.
            start = b"" if _ends_whole(path) else b"\n"
            os.write(handle, start + dumps(line) + b"\n")
            size = os.fstat(handle).st_size
        finally:
            os.close(handle)
        if size > HISTORY_CAP:
            os.replace(path, os.path.join(folder, "history.1.ndjson"))
    except OSError as error:
        raise _failed(error, path) from error


def _ends_whole(path: str) -> bool:
    with open(path, "rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _sync_folder(folder: str) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _failed(error: OSError, path: str) -> StateWriteFailed:
    return StateWriteFailed(
        f"the report cannot be written ({error.strerror})", where=printable(path), hint=_HINT
    )
