"""The SQLite file of the books: how it is opened and shared, and what its errors say.

`webdav.db`, 0600, in WAL mode. A resource is two columns, the key of what it lies in and its name, both the
bytes of the key. So what lies directly in a folder is one range of the primary key, and all below it another.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from skycap.core.errors import Error, OutOfSpace, StateReadFailed, StateWriteFailed
from skycap.core.state import make_private_folder

TABLES = ("folders", "times", "properties")
_VERSION = 1
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS folders (
  parent BLOB NOT NULL, name BLOB NOT NULL, PRIMARY KEY (parent, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS times (
  parent BLOB NOT NULL, name BLOB NOT NULL, version BLOB, mtime_ns INTEGER NOT NULL,
  PRIMARY KEY (parent, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS properties (
  parent BLOB NOT NULL, name BLOB NOT NULL, property TEXT NOT NULL, xml TEXT NOT NULL,
  PRIMARY KEY (parent, name, property)) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_HINT = (
    "Is the disk full, or the folder not yours? A damaged file can be moved away while no server runs: "
    "properties, times and empty folders that clients made are lost with it, and no file."
)


class File:
    """Two connections to it, so that a look need not wait for a write to reach the disk."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._seen = -1
        self._filled = frozenset(TABLES)
        with contextlib.ExitStack() as undo, self._failures(StateReadFailed):
            make_private_folder(os.path.dirname(os.path.abspath(path)))
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._writer = undo.enter_context(contextlib.closing(_connect(path)))
            self._make_tables(self._writer)
            self._reader = undo.enter_context(contextlib.closing(_connect(path)))
            undo.pop_all()

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise ValueError(f"a newer skycap wrote it (version {version}, and this one knows {_VERSION})")
        if version < _VERSION:
            connection.executescript(_SCHEMA)

    def has_any(self, *tables: str) -> bool:
        """Whether one of these tables has a row; asked anew only after somebody wrote to the file."""
        with self._failures(StateReadFailed), self._reading:
            return not self._with_rows().isdisjoint(tables)

    def _with_rows(self) -> frozenset[str]:
        (seen,) = self._reader.execute("PRAGMA data_version").fetchone()
        if seen != self._seen:
            self._filled = frozenset(
                table
                for table in TABLES
                if self._reader.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608
            )
            self._seen = seen
        return self._filled

    def rows(self, table: str, query: str, values: Sequence[Any]) -> list[Any]:
        """All rows of a query on one table; without a row in the table it is not asked."""
        with self._failures(StateReadFailed), self._reading:
            if table not in self._with_rows():
                return []
            return self._reader.execute(query, values).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection in which all that is written is there afterwards, or none of it."""
        with self._failures(StateWriteFailed), self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            with self._writer:
                yield self._writer

    def close(self) -> None:
        """Let go of the file. Twice is fine."""
        with self._writing, self._reading, self._failures(StateWriteFailed):
            self._reader.close()
            self._writer.close()

    @contextlib.contextmanager
    def _failures(self, kind: type[Error]) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            if isinstance(error, Error):
                raise
            full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            raise (OutOfSpace if full else kind)(str(error), where=self.path, hint=_HINT) from error


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
