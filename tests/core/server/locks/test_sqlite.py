"""Locks in a file: who may read it, and what is said when it cannot be used."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest

from skycap.core.errors import Error, StateReadFailed, StateWriteFailed, Timeout
from skycap.core.server.locks import Lock
from skycap.core.server.locks.sqlite import SQLiteLockStore
from skycap.core.testing.clock import ManualClock
from skycap.core.testing.unprivileged import as_nobody


def _lock(number: int = 0) -> Lock:
    return Lock.wanted(f"local:/srv/{number}", f"t{number}", door="webdav", timeout_s=60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "locks.db"


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_its_files_are_its_owners_alone_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        with SQLiteLockStore(str(path)) as store:
            store.acquire(_lock())
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"locks.db": 0o600, "locks.db-wal": 0o600, "locks.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    path.parent.mkdir()
    path.touch(mode=0o644)
    path.chmod(0o644)
    with SQLiteLockStore(str(path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    SQLiteLockStore(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(StateReadFailed, match=r"newer skycap wrote it \(version 7") as failed:
        SQLiteLockStore(str(path))
    assert failed.value.where == str(path)
    assert "Update skycap" in (failed.value.hint or "")


def test_a_file_that_is_no_database_is_said_to_be_damaged(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database " * 100)
    with pytest.raises(StateReadFailed) as failed:
        SQLiteLockStore(str(path))
    assert failed.value.where == str(path)
    assert "move it away" in (failed.value.hint or "")


def test_a_damaged_page_is_found_when_it_is_used(path: Path) -> None:
    with SQLiteLockStore(str(path), clock=ManualClock()) as store:
        for number in range(300):
            store.acquire(_lock(number))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with (
        pytest.raises(StateReadFailed, match=r"malformed|not a database") as failed,
        SQLiteLockStore(str(path), clock=ManualClock()) as store,
    ):
        store.acquire(_lock(1))
    assert "move it away" in (failed.value.hint or "")


@pytest.mark.skipif(os.name == "nt", reason="needs another user")
def test_a_file_of_somebody_else_cannot_be_written(tmp_path: Path) -> None:
    # Where everybody may look, but not write.
    folder = Path(os.path.realpath("/"))
    with pytest.raises(StateWriteFailed) as failed:
        as_nobody(SQLiteLockStore, str(folder / "skycap-locks-test.db"))
    assert "SKYCAP_STATE" in (failed.value.hint or "")


def test_a_folder_in_the_place_of_the_file_is_said(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StateWriteFailed, match="unable to open"):
        SQLiteLockStore(str(path))


@pytest.mark.skipif(os.name == "nt", reason="limits are those of POSIX")
def test_a_full_disk_is_said_and_the_locks_that_are_there_stay(path: Path) -> None:
    with SQLiteLockStore(str(path), clock=ManualClock()) as store:
        held = store.acquire(_lock())
        # SQLite itself says that it is full, as it does when the file system does.
        store._connection.execute("PRAGMA max_page_count = 1")  # type: ignore[union-attr]
        numbers = map(_lock, range(1, 1000))
        with pytest.raises(StateWriteFailed, match="full") as failed:
            deque(map(store.acquire, numbers), maxlen=0)
        assert "Make room" in (failed.value.hint or "")
        assert held in store.at_or_below("local:/srv")
        store._connection.execute("PRAGMA max_page_count = 100000")  # type: ignore[union-attr]
        store.acquire(_lock(1000))


def test_opening_a_second_store_does_not_let_go_of_the_file_of_the_first(path: Path) -> None:
    # Only who is alone with the file can leave the write-ahead log.
    script = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n"
        "try: print(connection.execute('PRAGMA journal_mode = DELETE').fetchone()[0])\n"
        "except sqlite3.OperationalError as error: print(error)\n"
        "connection.close()\n"
    )
    with SQLiteLockStore(str(path)) as store:
        store.acquire(_lock())
        SQLiteLockStore(str(path)).close()
        done = subprocess.run(
            [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
        )
    assert done.stdout.strip() == "database is locked"


def test_a_file_that_another_process_keeps_is_waited_for_and_then_said(path: Path) -> None:
    with SQLiteLockStore(str(path), busy_s=0.01) as store:
        other = sqlite3.connect(path, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Timeout, match="busy") as failed:
                store.acquire(_lock())
            assert failed.value.retryable
            assert store.covering("local:/srv/0") == ()
            other.execute("ROLLBACK")
            store.acquire(_lock())
        finally:
            other.close()


def test_a_closed_store_says_so(path: Path) -> None:
    store = SQLiteLockStore(str(path))
    store.close()
    store.close()
    with pytest.raises(StateReadFailed, match="closed"):
        store.covering("local:/srv")


def test_a_hundred_thousand_locks_are_searched_by_index(path: Path) -> None:
    from skycap.core.server.locks.table import _insert

    with SQLiteLockStore(str(path)) as store:
        with store._transaction(writes=True) as run:
            now = run.now_ns()
            for number in range(100_000):
                _insert(run, _lock(number), now)
        connection = store._connection
        assert connection is not None
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        assert len(store.covering("local:/srv/77777")) == 1
        assert store.at_or_below("local:/srv/77777/x") == ()
        assert len(store.held("t5")) == 1
        store.refresh("local:/srv/5", "t5", None, 60)
        store.release("local:/srv/5", "t5", None)
        assert store.drop_below("local:/srv/6") == 1
        store.acquire(Lock.wanted("local:/srv/5", "again", door="webdav", deep=True, timeout_s=60))
        connection.set_trace_callback(None)
        asked = [text for text in statements if text.startswith(("SELECT", "DELETE", "UPDATE"))]
        assert len(asked) >= 12
        for text in asked:
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {text}"):
                assert "SCAN" not in step, text


def test_errors_are_those_of_skycap_and_can_be_pickled(path: Path) -> None:
    import pickle

    with SQLiteLockStore(str(path), clock=ManualClock()) as store:
        held = store.acquire(_lock())
        with pytest.raises(Error) as failed:
            store.release("local:/srv/0", "wrong", None)
    again = pickle.loads(pickle.dumps(failed.value))
    assert again.conflicts == (held,)
    assert again.where == "local:/srv/0"
