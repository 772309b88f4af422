"""Locks in one SQLite file: for the servers of one machine, as many processes as there are."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from skycap.core.errors import Error, StateReadFailed, StateWriteFailed, Timeout
from skycap.core.server.locks.table import SCHEMA_VERSION, TABLE, TableLockStore
from skycap.core.state import make_private_folder

_BUSY_S = 30.0
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS {TABLE} (
  id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL, head BLOB NOT NULL, resource BLOB NOT NULL,
  token BLOB NOT NULL, door BLOB NOT NULL, scope TEXT NOT NULL, deep INTEGER NOT NULL, principal BLOB,
  owner BLOB NOT NULL, created_at_ns INTEGER NOT NULL, expires_at_ns INTEGER);
CREATE INDEX IF NOT EXISTS {TABLE}_digest ON {TABLE} (digest);
CREATE INDEX IF NOT EXISTS {TABLE}_head ON {TABLE} (head);
CREATE INDEX IF NOT EXISTS {TABLE}_token ON {TABLE} (token);
CREATE INDEX IF NOT EXISTS {TABLE}_expires ON {TABLE} (expires_at_ns);
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""
_FORGET = "Stop the servers and move it away: only the locks of the moment are lost."
_GIVE = "Give it and its folder to the user who runs the server; SKYCAP_STATE names another folder."
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE = {
    sqlite3.SQLITE_READONLY: _GIVE,
    sqlite3.SQLITE_CANTOPEN: _GIVE,
    sqlite3.SQLITE_FULL: "Make room on the disk; SKYCAP_STATE names another folder.",
}


_making = threading.Lock()


class SQLiteLockStore(TableLockStore):
    """The file at `path`, made with its folder if need be, for its owner's eyes only.

    `clock` gives nanoseconds since the epoch; every process that uses the file takes the same one.
    """

    def __init__(
        self, path: str, *, clock: Callable[[], int] = time.time_ns, busy_s: float = _BUSY_S
    ) -> None:
        self._path = os.path.abspath(path)
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        with self._failures(writes=True):
            self._connection = self._open(busy_s)

    def _open(self, busy_s: float) -> sqlite3.Connection:
        make_private_folder(os.path.dirname(self._path))
        _make_private_file(self._path)
        with contextlib.ExitStack() as undo:
            connection = sqlite3.connect(
                self._path, timeout=busy_s, isolation_level=None, check_same_thread=False
            )
            undo.callback(connection.close)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise StateReadFailed(
                    f"a newer skycap wrote it (version {version}, and this one knows {SCHEMA_VERSION})",
                    where=self._path,
                    hint=f"Update skycap. {_FORGET}",
                )
            self._set_journal(connection, busy_s)
            connection.execute("PRAGMA synchronous = NORMAL")
            if version < SCHEMA_VERSION:
                connection.executescript(_SCHEMA)
            undo.pop_all()
        return connection

    def _set_journal(self, connection: sqlite3.Connection, busy_s: float) -> None:
        # Whoever changes it is alone, and SQLite does not wait here for those who change it too.
        deadline = time.monotonic() + busy_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if _primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    @contextlib.contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[_Transaction]:
        with self._lock, self._failures(writes=writes):
            if self._connection is None:
                raise StateReadFailed("the store of locks is closed", where=self._path)
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            try:
                yield _Transaction(connection, self._clock)
                connection.execute("COMMIT")
            finally:
                # A full disk may have ended it already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextlib.contextmanager
    def _failures(self, *, writes: bool) -> Iterator[None]:
        try:
            yield
        except Error:
            raise
        except OSError as error:
            raise StateWriteFailed(
                f"the locks cannot be opened ({error.strerror})",
                where=self._path,
                hint=_GIVE,
            ) from error
        except sqlite3.Error as error:
            raise self._translated(error, writes) from error

    def _translated(self, error: sqlite3.Error, writes: bool) -> Error:
        code = _primary(error)
        if code == sqlite3.SQLITE_BUSY:
            return Timeout(
                "another process keeps the locks busy",
                where=self._path,
                hint="Look for a server that hangs, and end it.",
            )
        if code in _UNWRITABLE:
            return StateWriteFailed(str(error), where=self._path, hint=_UNWRITABLE[code])
        kind = StateWriteFailed if writes and code not in _DAMAGED else StateReadFailed
        return kind(str(error), where=self._path, hint=f"It may be damaged. {_FORGET}")


class _Transaction:
    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], int]) -> None:
        self._connection = connection
        self.now_ns = clock

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, parameters).fetchall()

    def change(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self._connection.execute(statement, parameters).rowcount


def _make_private_file(path: str) -> None:
    # SQLite gives its other files the mode of this one. A file that is there is not opened: to close it would
    # let go of the locks that SQLite holds on it for another store of this process. So nobody is let in
    # before a new one is closed.
    with _making:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            if os.name != "nt" and os.path.isfile(path) and os.stat(path).st_mode & 0o077:
                os.chmod(path, 0o600)


def _primary(error: sqlite3.Error) -> int:
    # The low byte; the others say more exactly what it was.
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
