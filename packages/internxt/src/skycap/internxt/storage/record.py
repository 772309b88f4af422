"""What is remembered on this machine: hashes of what was stored, and uploads that are under way.

`internxt.db` in the state folder, an SQLite file that only its owner can read:

    contents   account, object id        -> size and SHA-256 of the plain content
    uploads    account, id of an upload  -> when it began
    filled     object id, local file     -> the ranges of a large download that are in their place

The service knows no hash of what a file holds, since it must not know what that is. An object never changes,
so what was once known of it stays true. Losing the file loses memory, never files.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Sequence

from skycap.core.errors import Error
from skycap.core.state import make_private_folder, state_folder

_log = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS contents (
  account TEXT NOT NULL, object TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
  PRIMARY KEY (account, object)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
  account TEXT NOT NULL, id TEXT NOT NULL, began REAL NOT NULL, PRIMARY KEY (account, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS filled (
  object TEXT NOT NULL, local TEXT NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (object, local, start)) WITHOUT ROWID;
"""
_OLD_S = 30 * 24 * 3600
_ASKED = 500
Span = tuple[int, int]


class Record:
    """The memory of one account. Threads share it; what cannot be kept is forgotten, and said once."""

    def __init__(self, account: str, folder: str | None = None) -> None:
        self._account = account
        self._folder = folder
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._broken = False

    def close(self) -> None:
        """Let go of the file. Twice is fine."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, sql: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        with self._lock:
            if self._broken:
                return []
            try:
                if self._connection is None:
                    self._connection = self._open()
                with self._connection:
                    return self._connection.execute(sql, values).fetchall()
            except (sqlite3.Error, OSError, Error) as error:
                self._broken = True
                _log.warning("hashes of stored files are not remembered: %s", error)
                return []

    def _open(self) -> sqlite3.Connection:
        path = os.path.join(make_private_folder(self._folder or state_folder()), "internxt.db")
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
        connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
        connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {_SCHEMA}")
        return connection

    # What objects hold

    def remember(self, object_id: str, size: int, sha256: str) -> None:
        """The object holds this."""
        self._run(
            "INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?)", [self._account, object_id, size, sha256]
        )

    def known(self, objects: Sequence[str]) -> dict[str, tuple[int, str]]:
        """Size and SHA-256 of those objects that are known."""
        found: dict[str, tuple[int, str]] = {}
        for begin in range(0, len(objects), _ASKED):
            asked = objects[begin : begin + _ASKED]
            marks = ",".join("?" * len(asked))
            sql = f"SELECT object, size, sha256 FROM contents WHERE account = ? AND object IN ({marks})"  # noqa: S608
            for object_id, size, sha256 in self._run(sql, [self._account, *asked]):
                found[str(object_id)] = (int(str(size)), str(sha256))
        return found

    # Uploads under way

    def began(self, upload: str) -> None:
        """An upload is under way."""
        self._run("DELETE FROM uploads WHERE began < ?", [time.time() - _OLD_S])
        self._run("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?)", [self._account, upload, time.time()])

    def is_under_way(self, upload: str) -> bool:
        """Whether an upload was begun here, and has not come to its end."""
        sql = "SELECT 1 FROM uploads WHERE account = ? AND id = ?"
        return bool(self._run(sql, [self._account, upload])) or self._broken

    def ended(self, upload: str) -> None:
        """It is done, or given up."""
        self._run("DELETE FROM uploads WHERE account = ? AND id = ?", [self._account, upload])

    # Large downloads

    def fill(self, object_id: str, local: str, start: int, size: int) -> None:
        """A range stands in the local file."""
        self._run("DELETE FROM filled WHERE at < ?", [time.time() - _OLD_S])
        self._run(
            "INSERT OR REPLACE INTO filled VALUES (?, ?, ?, ?, ?)",
            [object_id, local, start, size, time.time()],
        )

    def filled(self, object_id: str, local: str) -> list[Span]:
        """The ranges that stand there: start and size."""
        sql = "SELECT start, size FROM filled WHERE object = ? AND local = ? ORDER BY start"
        return [(int(str(start)), int(str(size))) for start, size in self._run(sql, [object_id, local])]

    def forget_filled(self, object_id: str, local: str) -> None:
        """It is whole, or gone."""
        self._run("DELETE FROM filled WHERE object = ? AND local = ?", [object_id, local])
