"""Locks in a real PostgreSQL: what is said when it is away, and that nobody learns the password."""

from __future__ import annotations

import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from urllib.parse import quote

import psycopg  # noqa: TID253 - looks at the database from beside
import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.errors import (
    ConfigInvalid,
    Error,
    Locked,
    StateReadFailed,
    StateWriteFailed,
    Timeout,
)
from skycap.core.server.locks import Lock, open_lock_store
from skycap.core.server.locks.postgres import PostgresLockStore
from skycap.core.testing.postgres import PostgreSQL
from skycap.core.testing.servers import free_port


def _lock(number: int = 0) -> Lock:
    return Lock.wanted(f"local:/srv/{number}", f"t{number}", door="webdav", timeout_s=60)


@pytest.fixture
def url(postgresql: PostgreSQL) -> str:
    return postgresql.new_schema()


@pytest.fixture
def admin(postgresql: PostgreSQL, url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _cut(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    """End all connections of stores, and wait until they have ended."""
    admin.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE application_name = 'skycap' AND pid <> pg_backend_pid()"
    )


def _told(error: BaseException) -> str:
    hint = error.hint if isinstance(error, Error) else ""
    return "".join(traceback.format_exception(error)) + repr(error) + str(hint) + str(vars(error))


def test_a_store_goes_on_after_the_server_was_started_again() -> None:
    with PostgreSQL() as server, PostgresLockStore(server.url()) as store:
        held = store.acquire(_lock())
        server.stop()
        with pytest.raises(StateReadFailed, match="cannot be reached") as failed:
            store.covering("local:/srv/0")
        assert failed.value.retryable
        assert "Does the server run" in (failed.value.hint or "")
        server.start()
        assert store.covering("local:/srv/0") == (held,)
        with pytest.raises(Locked):
            store.acquire(Lock.wanted("local:/srv", "deep", door="wopi", deep=True, timeout_s=60))


def test_a_connection_that_was_cut_is_made_anew(
    url: str, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    with PostgresLockStore(url) as store:
        held = store.acquire(_lock())
        for _ in range(2):
            _cut(admin)
            assert store.covering("local:/srv/0") == (held,)


def test_a_connection_cut_in_the_middle_is_said_and_nothing_is_stored(
    url: str, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    def cut() -> int:
        _cut(admin)
        return 0

    with PostgresLockStore(url, clock=cut) as store, PostgresLockStore(url, clock=lambda: 0) as other:
        with pytest.raises(StateWriteFailed) as failed:
            store.acquire(_lock())
        assert failed.value.retryable
        assert other.at_or_below("local:") == ()


def test_nothing_that_is_said_has_the_password(postgresql: PostgreSQL) -> None:
    password = "tr0ub4dor&3 %"
    where = f"127.0.0.1:{postgresql.port}/postgres"
    refused = f"postgresql://skycap:{quote(password)}@{where}"
    unreachable = f"postgresql://skycap:{quote(password)}@127.0.0.1:{free_port()}/postgres"
    malformed = f"postgresql://skycap:{password}@{where}"
    as_parameter = f"postgresql://skycap@{where}?password={quote(password)}"
    for url, kind in (
        (refused, StateReadFailed),
        (unreachable, StateReadFailed),
        (malformed, ConfigInvalid),
        (as_parameter, StateReadFailed),
    ):
        with pytest.raises(kind) as failed:
            open_lock_store(Secret(url))
        told = _told(failed.value)
        assert "tr0ub4dor" not in told
        assert failed.value.hint


def test_where_it_happened_names_the_server_and_no_secret(postgresql: PostgreSQL, url: str) -> None:
    with PostgresLockStore(url) as store:
        store.close()
        with pytest.raises(StateReadFailed, match="closed") as failed:
            store.covering("local:/srv")
    assert failed.value.where == f"postgresql://127.0.0.1:{postgresql.port}/postgres"


def test_tables_of_a_newer_version_are_left_alone(
    url: str, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    PostgresLockStore(url).close()
    admin.execute("UPDATE skycap_locks_schema SET version = 7")
    with pytest.raises(StateReadFailed, match=r"newer skycap made the tables \(version 7") as failed:
        PostgresLockStore(url)
    assert "Update skycap" in (failed.value.hint or "")


def test_a_user_who_may_not_make_tables_uses_those_that_are_there(
    postgresql: PostgreSQL, url: str, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    schema = url.rpartition("search_path%3D")[2]
    user = f"guest_{schema}"
    admin.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'guest'".encode())
    admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO {user}".encode())
    guest = url.replace(url[url.index("//") + 2 : url.index("@")], f"{user}:guest")
    with pytest.raises(StateWriteFailed, match="permission denied") as failed:
        PostgresLockStore(guest)
    assert "grant" in (failed.value.hint or "")
    PostgresLockStore(url).close()
    admin.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}".encode())
    with PostgresLockStore(guest) as store:
        store.acquire(_lock())


def test_a_server_that_only_follows_is_told_from_one_that_takes_locks(
    url: str, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    with PostgresLockStore(url, clock=lambda: 0) as store, store._transaction(writes=False) as run:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as failed:
            run.change("DELETE FROM skycap_locks")
        error = store._translated(failed.value, writes=True)
    assert isinstance(error, StateWriteFailed)
    assert "primary" in (error.hint or "")


def test_tables_that_went_away_are_said(url: str, admin: psycopg.Connection[tuple[object, ...]]) -> None:
    with PostgresLockStore(url) as store:
        admin.execute("DROP TABLE skycap_locks")
        with pytest.raises(StateReadFailed, match="does not exist") as failed:
            store.covering("local:/srv")
        assert not failed.value.retryable
        assert "skycap_locks" in (failed.value.hint or "")


def test_a_server_that_hangs_in_the_middle_is_waited_for_and_then_said(url: str) -> None:
    with PostgresLockStore(url, busy_s=0.01) as store, PostgresLockStore(url) as other:
        with other._transaction(writes=True):
            with pytest.raises(Timeout, match="busy") as failed:
                store.acquire(_lock())
            assert failed.value.retryable
            assert store.covering("local:/srv/0") == ()
        store.acquire(_lock())


def test_many_threads_take_few_connections(url: str, admin: psycopg.Connection[tuple[object, ...]]) -> None:
    with PostgresLockStore(url) as store:
        barrier = threading.Barrier(30)

        def take(number: int) -> None:
            barrier.wait()
            store.acquire(_lock(number))

        threads = [threading.Thread(target=take, args=(number,)) for number in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.at_or_below("local:/srv")) == 30
        assert 1 <= len(store._free) <= 8


def test_a_hundred_thousand_locks_are_searched_by_index(
    url: str, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    # What a connection counted is known when it has ended.
    PostgresLockStore(url).close()
    _cut(admin)
    with PostgresLockStore(url) as store:
        admin.execute(
            "INSERT INTO skycap_locks (digest, head, resource, token, door, scope, deep, owner, "
            "created_at_ns, expires_at_ns) SELECT decode(md5(n::text), 'hex'), key, key, "
            "convert_to('many' || n, 'UTF8'), 'webdav', 'exclusive', 0, '', 0, 9000000000000000000 "
            "FROM generate_series(1, 100000) AS n, convert_to('local:/many/' || n, 'UTF8') AS key"
        )
        admin.execute("ANALYZE skycap_locks")
        before = _scans(admin)
        lock = store.acquire(Lock.wanted("local:/srv/a", "t", door="webdav", deep=True, timeout_s=60))
        assert store.covering("local:/srv/a/b") == (lock,)
        assert len(store.at_or_below("local:/many/7777")) == 0
        assert len(store.held("many5")) == 1
        store.refresh("local:/srv/a", "t", None, 60)
        store.release("local:/srv/a", "t", None)
        assert store.drop_below("local:/none") == 0
        assert store.purge() == 0
        with pytest.raises(Locked) as failed:
            store.acquire(Lock.wanted("local:/many", "t", door="webdav", deep=True, timeout_s=60))
        assert len(failed.value.conflicts) == 1000
    _cut(admin)
    after = _scans(admin)
    assert after[0] == before[0]
    assert after[1] >= before[1] + 10


def _scans(admin: psycopg.Connection[tuple[object, ...]]) -> tuple[int, int]:
    admin.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
    row = admin.execute(
        "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relid = 'skycap_locks'::regclass"
    ).fetchone()
    assert row is not None
    sequential, by_index = row
    assert isinstance(sequential, int)
    assert isinstance(by_index, int)
    return sequential, by_index


def test_without_psycopg_it_is_said_what_to_install() -> None:
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from skycap.core.errors import DependencyMissing\n"
        "from skycap.core.server.locks import open_lock_store\n"
        "try: open_lock_store('postgresql://host/db')\n"
        "except DependencyMissing as error: print(error, '|', error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'skycap[postgres]'" in done.stdout
