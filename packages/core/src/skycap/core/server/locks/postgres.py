"""Locks in PostgreSQL: for servers on several machines. It needs psycopg 3."""

# ruff: noqa: S608 - only names of ours stand in the statements

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from skycap.core.crypto.secret import Secret
from skycap.core.errors import (
    ConfigInvalid,
    DependencyMissing,
    Error,
    StateReadFailed,
    StateWriteFailed,
    Timeout,
)
from skycap.core.server.locks.table import SCHEMA_VERSION, TABLE, TableLockStore

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

_ALONE = 0x736B79636170_6C
"""The advisory lock of whoever changes locks: the bytes of `skycapl`. One a database."""
_BUSY_S = 30.0
_CONNECTIONS = 8
_CONNECT_S = 10
_ATTEMPTS = 3
_SCHEMA = (
    f"""CREATE TABLE IF NOT EXISTS {TABLE} (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, digest BYTEA NOT NULL, head BYTEA NOT NULL,
  resource BYTEA NOT NULL, token BYTEA NOT NULL, door BYTEA NOT NULL, scope TEXT NOT NULL,
  deep SMALLINT NOT NULL, principal BYTEA, owner BYTEA NOT NULL, created_at_ns BIGINT NOT NULL,
  expires_at_ns BIGINT)""",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_digest ON {TABLE} (digest)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_head ON {TABLE} (head)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_token ON {TABLE} (token)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_expires ON {TABLE} (expires_at_ns)",
    f"CREATE TABLE IF NOT EXISTS {TABLE}_schema (version INTEGER NOT NULL)",
    f"INSERT INTO {TABLE}_schema VALUES ({SCHEMA_VERSION})",
)


class PostgresLockStore(TableLockStore):
    """The tables in the database of a URL, made if need be; they are found by the user's search path.

    The clock is the server's; `clock`, nanoseconds since the epoch, is there for tests. A connection
    that broke before anything was decided is made anew; there are eight at most. No error has the password.
    """

    def __init__(
        self, url: str | Secret[str], *, clock: Callable[[], int] | None = None, busy_s: float = _BUSY_S
    ) -> None:
        self._url = url if isinstance(url, Secret) else Secret(url)
        self._clock = clock
        self._begin_reading = ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",)
        self._begin_writing = (
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            f"SET LOCAL lock_timeout = {round(busy_s * 1000)}",
            # Of a server that hangs, or whose machine is gone, the lock is taken away.
            f"SET LOCAL idle_in_transaction_session_timeout = {round(_BUSY_S * 1000)}",
            f"SELECT pg_advisory_xact_lock({_ALONE})",
        )
        self._free: list[Connection] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(_CONNECTIONS)
        self._closed = False
        try:
            import psycopg
        except ImportError as error:
            raise DependencyMissing(
                "locks in PostgreSQL need psycopg", hint="pip install 'skycap[postgres]' brings it."
            ) from error
        self._where = self._described(psycopg)
        try:
            self._make_tables()
        except BaseException:
            self.close()
            raise

    def _make_tables(self) -> None:
        with self._transaction(writes=False) as run:
            if self._is_ready(run):
                return
        with self._transaction(writes=True) as run:
            # Somebody else may have made them meanwhile.
            if not self._is_ready(run):
                for statement in _SCHEMA:
                    run.change(statement)

    def _described(self, psycopg: Any) -> str:
        from psycopg.conninfo import conninfo_to_dict

        try:
            known = conninfo_to_dict(self._url.reveal())
        except psycopg.Error:
            known = None
        if known is None:
            # What libpq says of it repeats parts of it.
            raise ConfigInvalid(
                "the URL of the lock database cannot be read",
                hint="It has the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE; special characters of "
                "the password are written as %XX.",
            )
        host, port, name = (known.get(part) for part in ("host", "port", "dbname"))
        return f"postgresql://{host or ''}{f':{port}' if port else ''}/{name or ''}"

    def _is_ready(self, run: _Transaction) -> bool:
        if run.rows("SELECT to_regclass(?)", (f"{TABLE}_schema",)) == [(None,)]:
            return False
        ((version,),) = run.rows(f"SELECT max(version) FROM {TABLE}_schema")
        if version is not None and version > SCHEMA_VERSION:
            raise StateReadFailed(
                f"a newer skycap made the tables (version {version}, and this one knows {SCHEMA_VERSION})",
                where=self._where,
                hint="Update skycap, or use another database.",
            )
        return version is not None

    @contextlib.contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[_Transaction]:
        with self._slots, self._failures(writes=writes):
            connection = self._begun(writes)
            try:
                yield _Transaction(connection, self._clock)
                connection.execute("COMMIT")
            finally:
                self._put_back(connection)

    def _begun(self, writes: bool) -> Connection:
        import psycopg

        for _ in range(_ATTEMPTS):
            with self._lock:
                if self._closed:
                    raise StateReadFailed("the store of locks is closed", where=self._where)
                connection = self._free.pop() if self._free else None
            if connection is None:
                break
            try:
                self._begin(connection, writes)
            except psycopg.OperationalError:
                # The server was started again since. Nothing is decided yet, so another one will do.
                broken = connection.broken or connection.closed
                connection.close()
                if not broken:
                    raise
                with self._lock:
                    stale, self._free = self._free, []
                for one in stale:
                    one.close()
            else:
                return connection
        connection = self._connect()
        try:
            self._begin(connection, writes)
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin(self, connection: Connection, writes: bool) -> None:
        for statement in self._begin_writing if writes else self._begin_reading:
            connection.execute(statement.encode())

    def _connect(self) -> Connection:
        import psycopg

        text = None
        try:
            return psycopg.connect(
                self._url.reveal(),
                autocommit=True,
                prepare_threshold=None,  # a pooler between us and the server would mix them up
                connect_timeout=_CONNECT_S,
                application_name="skycap",
                keepalives_idle=30,
                tcp_user_timeout=60_000,
            )
        except psycopg.Error as error:
            text = self._without_password(str(error))
        # Outside of the handler: what psycopg said is not to be shown as it is.
        raise StateReadFailed(
            f"the lock database cannot be reached ({text})",
            where=self._where,
            hint="Does the server run, and are host, port, database, user and password of the URL right?",
            retryable=True,
        )

    def _without_password(self, text: str) -> str:
        from psycopg.conninfo import conninfo_to_dict

        known = conninfo_to_dict(self._url.reveal())
        hidden = [str(known[name]) for name in ("password", "sslpassword") if known.get(name)]
        return "it refused" if any(one in text for one in hidden) else " ".join(text.split())

    def _put_back(self, connection: Connection) -> None:
        import psycopg
        from psycopg.pq import TransactionStatus

        with contextlib.suppress(psycopg.Error):
            if connection.info.transaction_status != TransactionStatus.IDLE:
                connection.execute("ROLLBACK")
        with self._lock:
            if not self._closed and connection.info.transaction_status == TransactionStatus.IDLE:
                self._free.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Let go of the connections; those in use are closed when they come back."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    @contextlib.contextmanager
    def _failures(self, *, writes: bool) -> Iterator[None]:
        import psycopg

        try:
            yield
        except Error:
            raise
        except psycopg.Error as error:
            raise self._translated(error, writes) from error

    def _translated(self, error: psycopg.Error, writes: bool) -> Error:
        from psycopg import errors

        said = " ".join(str(error).split())
        if isinstance(error, errors.LockNotAvailable):
            return Timeout(
                "another server keeps the locks busy",
                where=self._where,
                hint="Look in pg_stat_activity for a connection of skycap that hangs.",
            )
        if isinstance(error, errors.InsufficientPrivilege):
            return StateWriteFailed(
                said,
                where=self._where,
                hint="Let the user create tables in the schema, or grant it the use of those that are there.",
            )
        if isinstance(error, errors.DiskFull):
            return StateWriteFailed(said, where=self._where, hint="Make room on the disk of the server.")
        if isinstance(error, errors.ReadOnlySqlTransaction):
            return StateWriteFailed(
                said, where=self._where, hint="Name the primary server, not one that follows it."
            )
        lost = error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
        return (StateWriteFailed if writes else StateReadFailed)(
            said,
            where=self._where,
            hint="The connection broke; it is made anew the next time."
            if lost
            else f"Are the tables {TABLE} and {TABLE}_schema as skycap made them?",
            retryable=lost,
        )


class _Transaction:
    def __init__(self, connection: Connection, clock: Callable[[], int] | None) -> None:
        self._connection = connection
        self._clock = clock

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._run(statement, parameters).fetchall()

    def change(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self._run(statement, parameters).rowcount

    def now_ns(self) -> int:
        if self._clock is not None:
            return self._clock()
        ((now,),) = self.rows("SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint")
        return int(now)

    def _run(self, statement: str, parameters: Sequence[Any]) -> psycopg.Cursor[tuple[Any, ...]]:
        # No statement of ours has a question mark or a percent sign that stands for itself.
        return self._connection.execute(statement.replace("?", "%s").encode(), parameters or None)
