"""What skycap remembers between two runs over one pair of places: what was the same, and what was under way.

One SQLite file, `transfers.db` in the state folder, 0600, since the state of an upload may hold bearer links.

- `seen` holds, for each file that was moved, the fingerprints that both listings showed afterwards. It lets
  an idle sync cost one listing a side, even where a listing carries no time.
- `uploads` holds the state of each multipart upload after each part, so that `kill -9` costs the parts in
  flight.

A run holds a lock on a file of its own for as long as it lives; an upload belongs to a run, and is taken over
only when that lock is free.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from skycap.core.errors import StateReadFailed, StateWriteFailed
from skycap.core.paths import to_bytes
from skycap.core.storage.local.temporary import is_abandoned, lock

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pairs (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, target TEXT NOT NULL, UNIQUE (source, target));
CREATE TABLE IF NOT EXISTS seen (
  pair INTEGER NOT NULL, path BLOB NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
  PRIMARY KEY (pair, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
  pair INTEGER NOT NULL, path BLOB NOT NULL, fingerprint TEXT NOT NULL, state TEXT NOT NULL,
  run TEXT NOT NULL,
  PRIMARY KEY (pair, path)) WITHOUT ROWID;
"""
_FLUSH_ROWS = 2000


class State:
    """The state of one pair of places. Made lazily: a transfer that needs none writes none."""

    def __init__(self, folder: str, source: str, target: str) -> None:
        self._folder = folder
        self._names = (source, target)
        self._lock = threading.RLock()
        self._rows: dict[bytes, tuple[str, str] | None] = {}
        self._connection: sqlite3.Connection | None = None
        self._pair = 0
        self._run = secrets.token_hex(8)
        self._run_lock: int | None = None

    # What was the same

    def known(self) -> Seen:
        """The rows of this pair, for a planner that asks in rising order of path."""
        with self._failures(reading=True), self._lock:
            self._open()
            reader = sqlite3.connect(self._path, check_same_thread=False)
            return Seen(reader, self._pair)

    def remember(self, path: str, source: str, target: str) -> None:
        """Both listings show these fingerprints now."""
        self._put(to_bytes(path), (source, target))

    def forget(self, path: str) -> None:
        """The file is gone, or nobody knows any more."""
        self._put(to_bytes(path), None)

    def _put(self, path: bytes, row: tuple[str, str] | None) -> None:
        with self._lock:
            self._rows[path] = row
            if len(self._rows) >= _FLUSH_ROWS:
                self.flush()

    def flush(self) -> None:
        """Write down what was remembered."""
        with self._lock, self._failures():
            if not self._rows:
                return
            connection = self._open()
            with connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)",
                    [(self._pair, path, *row) for path, row in self._rows.items() if row],
                )
                connection.executemany(
                    "DELETE FROM seen WHERE pair = ? AND path = ?",
                    [(self._pair, path) for path, row in self._rows.items() if not row],
                )
            self._rows.clear()

    # What was under way

    def claim_upload(self, path: str) -> tuple[str, Mapping[str, Any]] | None:
        """Fingerprint of the source and state of the upload that an earlier run left, now ours."""
        with self._lock, self._failures():
            connection = self._open()
            self._hold_run()
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                row = connection.execute(
                    "SELECT fingerprint, state, run FROM uploads WHERE pair = ? AND path = ?",
                    (self._pair, to_bytes(path)),
                ).fetchone()
                if row is None or (row[2] != self._run and self._alive(row[2])):
                    return None
                connection.execute(
                    "UPDATE uploads SET run = ? WHERE pair = ? AND path = ?",
                    (self._run, self._pair, to_bytes(path)),
                )
            return row[0], json.loads(row[1])

    def save_upload(self, path: str, fingerprint: str, state: Mapping[str, Any]) -> None:
        """The upload got this far."""
        with self._lock, self._failures():
            connection = self._open()
            self._hold_run()
            with connection:
                connection.execute(
                    "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?)",
                    (self._pair, to_bytes(path), fingerprint, json.dumps(state), self._run),
                )

    def end_upload(self, path: str) -> None:
        """The upload is complete, or given up."""
        with self._lock, self._failures(), self._open() as connection:
            connection.execute(
                "DELETE FROM uploads WHERE pair = ? AND path = ?", (self._pair, to_bytes(path))
            )

    def unfinished(self) -> list[str]:
        """Paths of the uploads that can be gone on with."""
        if not os.path.exists(self._path):
            return []
        with self._lock, self._failures(reading=True):
            rows = self._open().execute("SELECT path FROM uploads WHERE pair = ?", (self._pair,))
            return [os.fsdecode(row[0]) for row in rows]

    # The file

    @property
    def _path(self) -> str:
        return os.path.join(self._folder, "transfers.db")

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
            with connection:
                connection.execute("INSERT OR IGNORE INTO pairs (source, target) VALUES (?, ?)", self._names)
            found = connection.execute("SELECT id FROM pairs WHERE source = ? AND target = ?", self._names)
            self._pair = found.fetchone()[0]
            self._connection = connection
        return self._connection

    def _run_path(self, run: str) -> str:
        return os.path.join(self._folder, "runs", f"{run}.lock")

    def _hold_run(self) -> None:
        if self._run_lock is None:
            os.makedirs(os.path.join(self._folder, "runs"), mode=0o700, exist_ok=True)
            self._run_lock = os.open(self._run_path(self._run), os.O_RDWR | os.O_CREAT, 0o600)
            lock(self._run_lock)

    def _alive(self, run: str) -> bool:
        path = self._run_path(run)
        return os.path.exists(path) and not is_abandoned(path)

    def close(self) -> None:
        """Write down what is left, and let go."""
        with self._lock:
            self.flush()
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._run_lock is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._run_path(self._run))
                os.close(self._run_lock)
                self._run_lock = None

    @contextlib.contextmanager
    def _failures(self, *, reading: bool = False) -> Iterator[None]:
        kind = StateReadFailed if reading else StateWriteFailed
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise kind(
                str(error),
                where=self._path,
                hint="Is the disk full, or the folder not yours? SKYCAP_STATE names another one; "
                "a damaged file can be moved away: only the memory of earlier runs is lost.",
            ) from error


class Seen:
    """Rows of one pair, read along with the planner: no row is held for longer than it is asked for."""

    def __init__(self, connection: sqlite3.Connection, pair: int) -> None:
        self._connection = connection
        self._rows = iter(
            connection.execute("SELECT path, source, target FROM seen WHERE pair = ? ORDER BY path", (pair,))
        )
        self._row = next(self._rows, None)

    def same(self, path: str, source: str, target: str) -> bool:
        """Whether these fingerprints are those that were written down."""
        key = to_bytes(path)
        while self._row is not None and self._row[0] < key:
            self._row = next(self._rows, None)
        return self._row is not None and self._row == (key, source, target)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
