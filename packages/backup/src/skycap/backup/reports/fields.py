"""The parts of a run report that are numbers, and the names they have there."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


def camel(name: str) -> str:
    """`scanned_files` as it is called in a report: `scannedFiles`."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def as_json(value: Any) -> Any:
    """A dataclass as an object of a report; anything else as it is."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {camel(one.name): as_json(getattr(value, one.name)) for one in dataclasses.fields(value)}
    return value


@dataclass(slots=True)
class SymlinkCounts:
    """What became of symbolic links."""

    archived: int = 0
    skipped: int = 0
    followed: int = 0
    loops: int = 0
    broken: int = 0


@dataclass(slots=True)
class Counts:
    """How many."""

    scanned_files: int = 0
    selected_files: int = 0
    uploaded_files: int = 0
    downloaded_files: int = 0
    failed_files: int = 0
    verified_files: int = 0
    verify_failed_files: int = 0
    deleted_remote_files: int = 0
    retried_operations: int = 0
    new_files: int = 0
    changed_files: int = 0
    unchanged_files: int = 0
    dirs: int = 0
    symlinks: SymlinkCounts = field(default_factory=SymlinkCounts)
    special: int = 0
    sockets: int = 0
    hardlinks: int = 0
    changed_during_read: int = 0
    blobs_new: int = 0
    blobs_reused: int = 0
    packs_new: int = 0
    packs_adopted: int = 0


@dataclass(slots=True)
class Bytes:
    """How many bytes."""

    scanned: int = 0
    read: int = 0
    uploaded: int = 0
    downloaded: int = 0
    stored: int = 0
    dedup_saved: int = 0
    compression_saved: int = 0
    resumed: int = 0
    resent: int = 0


@dataclass(slots=True)
class Retries:
    """How often an operation of the store was tried again."""

    put: int = 0
    get: int = 0
    list: int = 0
    delete: int = 0
    stat: int = 0
    auth: int = 0


@dataclass(slots=True)
class Concurrency:
    """How many workers there were."""

    min: int = 0
    max: int = 0
    final: int = 0


@dataclass(slots=True)
class Remaining:
    """What an early end left undone; `next_step` is the command that goes on."""

    files: int = 0
    bytes: int = 0
    resumable: bool = True
    next_step: str = ""


@dataclass(slots=True)
class Artifacts:
    """Other files that a run wrote; a report calls them `manifestPath` and so on."""

    manifest_path: str | None = None
    log_path: str | None = None
    report_path: str | None = None
    restore_diff_path: str | None = None
    preview_path: str | None = None
