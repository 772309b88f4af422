"""What a client was told is kept, and the storage cannot keep: properties, times, empty folders.

SQLite in the state folder, keyed by resource. Losing it loses no file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from skycap.core.errors import UsageError
from skycap.core.webdav.books.file import TABLES, File
from skycap.core.webdav.trees.swaps import Swaps

_COLUMNS = {"folders": "", "times": ", version, mtime_ns", "properties": ", property, xml"}
_IN = "parent = ? AND name = ?"
_BELOW = "(parent = ? OR (parent >= ? AND parent < ?))"
_FURTHEST_NS = 2**63 - 1
"""In the year 2262; a file system can hardly keep a later one."""


class Books:
    """The books of all that is served. Threads share it; several servers may use one file.

    Opening it says at once, by `StateReadFailed`, that the file is damaged or not ours; later failures are
    `StateReadFailed`, `StateWriteFailed` and `OutOfSpace`.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = File(path)
        self.swaps = Swaps(os.path.join(os.path.dirname(os.path.abspath(path)), "webdav-swaps"))

    # Folders

    def has_folder(self, key: str) -> bool:
        """Whether a folder was made here that the store itself does not show."""
        return bool(self._file.rows("folders", f"SELECT 1 FROM folders WHERE {_IN}", _split(key)))  # noqa: S608

    def add_folder(self, key: str) -> None:
        """Remember a folder; one that is known is success."""
        if self.has_folder(key):
            return
        with self._file.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO folders VALUES (?, ?)", _split(key))

    def folders_in(self, key: str) -> list[str]:
        """The names of such folders directly in another, in the order of their bytes."""
        found = self._file.rows(
            "folders", "SELECT name FROM folders WHERE parent = ? ORDER BY name", (_bytes(key),)
        )
        return [_text(name) for (name,) in found]

    # Times

    def time(self, key: str, version: str | None) -> int | None:
        """The time a client gave this version of a file, in nanoseconds since the epoch."""
        found = self._file.rows("times", f"SELECT version, mtime_ns FROM times WHERE {_IN}", _split(key))  # noqa: S608
        for said, mtime_ns in found:
            if said == (None if version is None else _bytes(version)):
                return int(mtime_ns)
        return None

    def times_in(self, key: str) -> Mapping[str, tuple[str | None, int]]:
        """The times in a folder: version and nanoseconds by name, in one query."""
        found = self._file.rows(
            "times", "SELECT name, version, mtime_ns FROM times WHERE parent = ?", (_bytes(key),)
        )
        return {
            _text(name): (None if version is None else _text(version), mtime_ns)
            for name, version, mtime_ns in found
        }

    def set_time(self, key: str, version: str | None, mtime_ns: int) -> None:
        """Remember the time a client gave; `UsageError` for one that is more than 292 years from 1970."""
        if abs(mtime_ns) > _FURTHEST_NS:
            raise UsageError("no file can have a time so far away")
        with self._file.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO times VALUES (?, ?, ?, ?)",
                (*_split(key), None if version is None else _bytes(version), mtime_ns),
            )

    # Properties

    def properties(self, key: str) -> Mapping[str, str]:
        """The dead properties of a resource: XML of the whole element by name in Clark notation."""
        return dict(
            self._file.rows("properties", f"SELECT property, xml FROM properties WHERE {_IN}", _split(key))  # noqa: S608
        )

    def properties_in(self, key: str) -> Mapping[str, Mapping[str, str]]:
        """Those of all that is directly in a folder, by name, in one query."""
        found: dict[str, dict[str, str]] = {}
        for name, prop, xml in self._file.rows(
            "properties", "SELECT name, property, xml FROM properties WHERE parent = ?", (_bytes(key),)
        ):
            found.setdefault(_text(name), {})[prop] = xml
        return found

    def set_properties(self, key: str, changes: Mapping[str, str | None]) -> None:
        """Set or (None) remove properties, all or none."""
        where = _split(key)
        with self._file.transaction() as connection:
            for name, xml in changes.items():
                if xml is None:
                    connection.execute(
                        f"DELETE FROM properties WHERE {_IN} AND property = ?",  # noqa: S608
                        (*where, name),
                    )
                else:
                    connection.execute(
                        "INSERT OR REPLACE INTO properties VALUES (?, ?, ?, ?)", (*where, name, xml)
                    )

    # What follows its resource

    def copied(self, source: str, target: str, *, deep: bool) -> None:
        """A resource was copied, with `deep` all below it; what was known of the target is forgotten."""
        self._follow(source, target, deep=deep, keep=True)

    def copied_alone(self, source: str, target: str) -> None:
        """A resource was copied, and what is known of what lies below the target stays."""
        self._follow(source, target, deep=False, keep=True, below=False)

    def moved(self, source: str, target: str) -> None:
        """A resource and all below it was moved, over the target."""
        self._follow(source, target, deep=True, keep=False)

    def removed(self, key: str) -> None:
        """A resource and all below it is gone."""
        if self._file.has_any(*TABLES):
            self._follow(None, key, deep=True, keep=False)

    def _follow(self, source: str | None, target: str, *, deep: bool, keep: bool, below: bool = True) -> None:
        if source == target or not self._file.has_any(*TABLES):
            return
        with self._file.transaction() as connection:
            for table, columns in _COLUMNS.items():
                for where, values in (_at(target), _below(target)) if below else (_at(target),):
                    connection.execute(f"DELETE FROM {table} WHERE {where}", values)  # noqa: S608
                if source is None:
                    continue
                key = _bytes(source)
                parts: list[tuple[tuple[str, tuple[bytes, ...]], str, tuple[object, ...]]]
                parts = [(_at(source), "?, ?", _split(target))]
                if deep:
                    # The target's key, and what follows the source's in the parent's.
                    parent = "CAST(? || substr(parent, ?) AS BLOB), name"
                    parts.append((_below(source), parent, (_bytes(target), len(key) + 1)))
                for (where, values), place, new in parts:
                    connection.execute(
                        f"INSERT OR REPLACE INTO {table} SELECT {place}{columns} FROM {table} WHERE {where}",  # noqa: S608
                        (*new, *values),
                    )
                    if not keep:
                        connection.execute(f"DELETE FROM {table} WHERE {where}", values)  # noqa: S608

    def close(self) -> None:
        """Let go of the file. Twice is fine."""
        self._file.close()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _split(key: str) -> tuple[bytes, bytes]:
    parent, _, name = _bytes(key).rpartition(b"/")
    return parent, name


def _at(key: str) -> tuple[str, tuple[bytes, ...]]:
    return _IN, _split(key)


def _below(key: str) -> tuple[str, tuple[bytes, ...]]:
    whole = _bytes(key)
    return _BELOW, (whole, whole + b"/", whole + b"0")  # "0" is what comes after "/"
