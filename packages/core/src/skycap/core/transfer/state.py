"""What skycap remembers between two runs over one pair of places: what was the same, and what was under way.

One SQLite file, `transfers.db` in the state folder, 0600, since the state of an upload may hold bearer links.

- `seen` holds, for each file that was moved, the fingerprints that both listings showed afterwards. It lets
  an idle sync cost one listing a side, even where a listing carries no time.
- `uploads` holds the state of each multipart upload as it was once, and `parts` what each part changed in it
  since, as a JSON merge patch: a part costs one row, and `kill -9` costs the parts in flight.

A run holds a lock on a file of its own for as long as it lives; an upload belongs to a run, and is taken over
only when that lock is free. An upload is written down before the store hears of it, then without a state: a
run that dies between the two leaves an upload that only the store knows, and that has to be looked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from skycap.core.errors import Error, StateReadFailed, StateWriteFailed
from skycap.core.paths import to_bytes
from skycap.core.state import make_private_folder
from skycap.core.storage.patches import apply
from skycap.core.transfer.running import Run
from skycap.core.transfer.seen import Seen

_VERSION = 1
"""Of the tables. Version 0 had no `parts`; what it wrote of an upload is whole, and is gone on with."""
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS pairs (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, target TEXT NOT NULL, UNIQUE (source, target));
CREATE TABLE IF NOT EXISTS seen (
  pair INTEGER NOT NULL, path BLOB NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
  PRIMARY KEY (pair, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
  pair INTEGER NOT NULL, path BLOB NOT NULL, fingerprint TEXT NOT NULL, state TEXT NOT NULL,
  run TEXT NOT NULL,
  PRIMARY KEY (pair, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
  pair INTEGER NOT NULL, path BLOB NOT NULL, number INTEGER NOT NULL, patch TEXT NOT NULL,
  PRIMARY KEY (pair, path, number)) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
COMMIT;
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
        place = hashlib.sha256("\n".join(self._names).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._run = Run(os.path.join(folder, "runs"), place)
        self.after_crash = False
        """Whether an earlier run over this pair died, and nobody has taken care of what it left."""

    def begin(self) -> None:
        """This run starts to change the target. It need not be able to say so: what must will say why."""
        with contextlib.suppress(Error, OSError):
            make_private_folder(self._folder)
            self._run.hold()
            self.after_crash = self._run.others_died()

    # What was the same

    def known(self) -> Seen | None:
        """The rows of this pair, for a planner that asks in rising order of path; None if there are none."""
        with self._failures(reading=True), self._lock:
            if not os.path.exists(self._path):
                return None
            self._open()
            reader = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
            return Seen(reader, self._pair, lambda: self._failures(reading=True))

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

    def claim_upload(self, path: str) -> Claim | None:
        """The upload that an earlier run left, or this one; now it is ours. None if a living run has it."""
        with self._lock, self._failures():
            connection = self._open()
            self._run.hold()
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                row = connection.execute(
                    "SELECT fingerprint, state, run FROM uploads WHERE pair = ? AND path = ?",
                    (self._pair, to_bytes(path)),
                ).fetchone()
                if row is None or (row[2] != self._run.id and self._run.is_alive(row[2])):
                    return None
                connection.execute(
                    "UPDATE uploads SET run = ? WHERE pair = ? AND path = ?",
                    (self._run.id, self._pair, to_bytes(path)),
                )
                patches = connection.execute(
                    "SELECT patch FROM parts WHERE pair = ? AND path = ? ORDER BY number",
                    (self._pair, to_bytes(path)),
                ).fetchall()
            state = json.loads(row[1])
            for (patch,) in patches:
                apply(state, json.loads(patch))
            return Claim(row[0], state, row[2] == self._run.id)

    def expect_upload(self, path: str) -> None:
        """The store is about to hear of an upload, and may not be able to tell us its name."""
        self.save_upload(path, "", {})

    def abandoned(self) -> list[str]:
        """Paths in the target's storage of uploads whose run is dead."""
        if self._connection is None and not os.path.exists(self._path):
            return []
        with self._lock, self._failures(reading=True):
            rows = self._open().execute("SELECT path, run FROM uploads WHERE pair = ?", (self._pair,))
            return [
                path.decode("utf-8", "surrogateescape") for path, run in rows if not self._run.is_alive(run)
            ]

    def save_upload(self, path: str, fingerprint: str, state: Mapping[str, Any]) -> None:
        """All there is to know of it. What another run wrote down of the same path is left to it."""
        with self._lock, self._failures():
            connection = self._open()
            self._run.hold()
            with connection:
                taken = connection.execute(
                    "INSERT INTO uploads VALUES (?, ?, ?, ?, ?) ON CONFLICT (pair, path) DO UPDATE SET "
                    "fingerprint = excluded.fingerprint, state = excluded.state WHERE run = excluded.run",
                    (self._pair, to_bytes(path), fingerprint, json.dumps(state), self._run.id),
                )
                if taken.rowcount:
                    self._drop_parts(connection, path)

    def save_part(self, path: str, number: int, patch: Mapping[str, Any]) -> bool:
        """What changed since the state was saved; numbers rise. False if no state of this run is there."""
        with self._lock, self._failures(), self._open() as connection:
            taken = connection.execute(
                "INSERT INTO parts SELECT pair, path, ?, ? FROM uploads "
                "WHERE pair = ? AND path = ? AND run = ?",
                (number, json.dumps(patch), self._pair, to_bytes(path), self._run.id),
            )
            return taken.rowcount > 0

    def end_upload(self, path: str) -> None:
        """The upload is complete, or given up."""
        with self._lock, self._failures(), self._open() as connection:
            taken = connection.execute(
                "DELETE FROM uploads WHERE pair = ? AND path = ? AND run = ?",
                (self._pair, to_bytes(path), self._run.id),
            )
            if taken.rowcount:
                self._drop_parts(connection, path)

    def _drop_parts(self, connection: sqlite3.Connection, path: str) -> None:
        connection.execute("DELETE FROM parts WHERE pair = ? AND path = ?", (self._pair, to_bytes(path)))

    def unfinished(self) -> list[str]:
        """Paths in the target's storage of the uploads that can be gone on with."""
        if not os.path.exists(self._path):
            return []
        with self._lock, self._failures(reading=True):
            rows = self._open().execute(
                "SELECT path FROM uploads WHERE pair = ? AND state <> '{}' ORDER BY path", (self._pair,)
            )
            return [row[0].decode("utf-8", "surrogateescape") for row in rows]

    # The file

    @property
    def _path(self) -> str:
        return os.path.join(self._folder, "transfers.db")

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            make_private_folder(self._folder)
            # Only a new file: closing any descriptor of one that is open drops SQLite's locks on it (POSIX).
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            with contextlib.ExitStack() as undo:
                connection = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
                undo.callback(connection.close)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                self._make_tables(connection)
                with connection:
                    connection.execute(
                        "INSERT OR IGNORE INTO pairs (source, target) VALUES (?, ?)", self._names
                    )
                found = connection.execute(
                    "SELECT id FROM pairs WHERE source = ? AND target = ?", self._names
                )
                self._pair = found.fetchone()[0]
                undo.pop_all()
            self._connection = connection
        return self._connection

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise ValueError(f"a newer skycap wrote it (version {version}, and this one knows {_VERSION})")
        if version < _VERSION:
            connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Write down what is left, and let go."""
        with self._lock:
            try:
                self.flush()
            finally:
                self._rows.clear()
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                with self._failures():
                    self._run.release(as_if_dead=self.after_crash)

    @contextlib.contextmanager
    def _failures(self, *, reading: bool = False) -> Iterator[None]:
        kind = StateReadFailed if reading else StateWriteFailed
        try:
            yield
        except Error as error:
            raise (error if isinstance(error, kind) else kind(error.message, where=error.where)) from error
        except (sqlite3.Error, OSError, ValueError) as error:
            raise kind(
                str(error),
                where=self._path,
                hint="Is the disk full, or the folder not yours? SKYCAP_STATE names another one; "
                "a damaged file can be moved away: only the memory of earlier runs is lost.",
            ) from error


class Claim(NamedTuple):
    """An upload to go on with, or an empty `state` if the store alone may know one.

    `ours` says that this very run began it or took it over before.
    """

    fingerprint: str
    state: Mapping[str, Any]
    ours: bool
