"""Many processes at one database of locks, and one that is killed in the middle."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from skycap.core.errors import Timeout
from skycap.core.server.locks import Lock
from tests.core.server.locks.conftest import Database

_PROCESSES = 8
_ROUNDS = 8
# Each line on its input is a lock to take; it says whether it got it.
_TAKE = """
import os, sys
from skycap.core.errors import Locked
from skycap.core.server.locks import Lock, open_lock_store

with open_lock_store(os.environ["LOCKS"]) as store:
    print("ready", flush=True)
    for line in sys.stdin:
        resource, token, how = line.split()
        try:
            if how == "replace":
                store.replace(resource, "old", token, timeout_s=600)
            else:
                store.acquire(Lock.wanted(resource, token, door="webdav", deep=how == "deep", timeout_s=600))
        except Locked:
            print("lost", flush=True)
        else:
            print("won", flush=True)
"""
# The clock is asked inside of the transaction: there it waits to be killed.
_STUCK = """
import os, sys
from skycap.core.server.locks import Lock
from skycap.core.server.locks.postgres import PostgresLockStore
from skycap.core.server.locks.sqlite import SQLiteLockStore

def clock():
    print("inside", flush=True)
    sys.stdin.read()
    return 0

url = os.environ["LOCKS"]
path = url.removeprefix("sqlite:///")
store = PostgresLockStore(url, clock=clock) if path == url else SQLiteLockStore(path, clock=clock)
store.acquire(Lock.wanted("local:/a", "dead", door="webdav", timeout_s=600))
"""


@contextlib.contextmanager
def _processes(database: Database, script: str, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    with contextlib.ExitStack() as stack:
        running = []
        for _ in range(count):
            process = subprocess.Popen(
                [sys.executable, "-c", script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "LOCKS": database.url},
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            running.append(process)
        yield running


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_of_many_processes_exactly_one_gets_an_exclusive_lock(database: Database) -> None:
    with _processes(database, _TAKE, _PROCESSES) as running:
        # All of them make the tables at once.
        assert [_heard(process) for process in running] == ["ready"] * _PROCESSES
        for turn in range(_ROUNDS):
            for number, process in enumerate(running):
                _say(process, f"local:/{turn} token{number} flat")
            answers = [_heard(process) for process in running]
            assert sorted(answers) == ["lost"] * (_PROCESSES - 1) + ["won"]
            (held,) = database.open().covering(f"local:/{turn}")
            assert held.token == f"token{answers.index('won')}"


def test_of_many_processes_exactly_one_replaces_a_token(database: Database) -> None:
    store = database.open()
    with _processes(database, _TAKE, _PROCESSES) as running:
        assert [_heard(process) for process in running] == ["ready"] * _PROCESSES
        for turn in range(_ROUNDS):
            store.acquire(Lock.wanted(f"local:/{turn}", "old", door="wopi", timeout_s=600))
            for number, process in enumerate(running):
                _say(process, f"local:/{turn} token{number} replace")
            answers = [_heard(process) for process in running]
            assert sorted(answers) == ["lost"] * (_PROCESSES - 1) + ["won"]
            (held,) = store.covering(f"local:/{turn}")
            assert held.token == f"token{answers.index('won')}"


def test_a_deep_lock_and_one_below_it_are_never_both_given(database: Database) -> None:
    with _processes(database, _TAKE, 4) as running:
        assert [_heard(process) for process in running] == ["ready"] * 4
        for turn in range(_ROUNDS):
            parents, children = running[::2], running[1::2]
            if turn % 2:
                running.reverse()
            for process in running:
                if process in parents:
                    _say(process, f"local:/{turn} parent{parents.index(process)} deep")
                else:
                    number = children.index(process)
                    _say(process, f"local:/{turn}/x/{number} child{number} flat")
            won = {process.pid for process in running if _heard(process) == "won"}
            above = [process for process in parents if process.pid in won]
            below = [process for process in children if process.pid in won]
            assert (len(above), len(below)) in {(1, 0), (0, 2)}
            assert len(database.open().at_or_below(f"local:/{turn}")) == len(won)


def test_a_process_that_takes_a_lock_is_alone_and_killed_then_leaves_none_and_hinders_nobody(
    database: Database,
) -> None:
    with database.open() as store:
        before = store.acquire(Lock.wanted("local:/b", "before", door="webdav", timeout_s=600))
    for _ in range(3):
        with _processes(database, _STUCK, 1) as (process,):
            assert _heard(process) == "inside"
            with database.open(busy_s=0.01) as hurried, pytest.raises(Timeout):
                hurried.release("local:/b", "before", None)
            process.kill()
            process.wait()
        with database.open() as store:
            assert store.at_or_below("local:") == (before,)
            alive = store.acquire(Lock.wanted("local:/a", "alive", door="webdav", timeout_s=600))
            assert store.release("local:/a", "alive", None) == alive
