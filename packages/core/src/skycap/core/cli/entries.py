"""Entries as JSON and as lines: the same in every command."""

from __future__ import annotations

import base64
import time
from typing import Any

from skycap.core.paths import is_utf8, to_bytes
from skycap.core.storage.entry import Entry
from skycap.core.storage.metadata import metadata_to_json
from skycap.core.units import format_size


def iso_time(time_ns: int) -> str:
    """`2026-01-31T12:00:00.123456789Z`; as many digits as there are."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    try:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return f"{seconds}.{rest:09d}"
    return f"{text}.{rest:09d}Z" if rest else f"{text}Z"


def as_record(entry: Entry, path: str | None = None) -> dict[str, Any]:
    """The JSON object of an entry; what the store does not tell is left out.

    `path` is as seen from the place that was asked for. A name that is not UTF-8 has lone surrogates in
    `path`, and its bytes in `path_base64`.
    """
    shown = entry.path if path is None else path
    record: dict[str, Any] = {"type": "entry", "path": shown, "kind": entry.kind.value}
    if not is_utf8(shown):
        record["path_base64"] = base64.b64encode(to_bytes(shown)).decode("ascii")
    if entry.size is not None:
        record["size"] = entry.size
    for name in ("mtime", "stored_at"):
        found = getattr(entry, f"{name}_ns")
        if found is not None:
            record[name] = iso_time(found)
            record[f"{name}_ns"] = found
    for name in ("version", "target"):
        if (text := getattr(entry, name)) is not None:
            record[name] = text
    if entry.hashes:
        record["hashes"] = dict(entry.hashes)
    if entry.metadata is not None:
        record["metadata"] = metadata_to_json(entry.metadata)
    return record


def local_time(time_ns: int | None) -> str:
    """`2026-01-31 12:00` in the time of this machine; blank if it is not known."""
    if time_ns is None:
        return " " * 16
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(time_ns // 1_000_000_000))
    except (OverflowError, ValueError, OSError):
        return "?".ljust(16)


def short_line(entry: Entry, name: str) -> str:
    """Size, time and name."""
    size = "-" if entry.size is None else format_size(entry.size)
    when = entry.mtime_ns if entry.mtime_ns is not None else entry.stored_at_ns
    return f"{size:>11}  {local_time(when)}  {decorated(entry, name)}"


def long_line(entry: Entry, name: str) -> str:
    """Kind, permissions, size in bytes, time to the nanosecond, name."""
    import stat

    letter = {"file": "-", "directory": "d", "symlink": "l", "other": "?"}[entry.kind.value]
    mode = entry.metadata.mode if entry.metadata is not None else None
    permissions = stat.filemode(mode)[1:] if mode is not None else ""
    size = "-" if entry.size is None else str(entry.size)
    when = entry.mtime_ns if entry.mtime_ns is not None else entry.stored_at_ns
    shown = iso_time(when) if when is not None else "-"
    return f"{letter}{permissions}  {size:>14}  {shown:<30}  {decorated(entry, name)}"


def decorated(entry: Entry, name: str) -> str:
    """The name, with `/` after a directory and `-> target` after a link."""
    if entry.is_dir:
        return f"{name}/"
    return f"{name} -> {entry.target}" if entry.target is not None else name
