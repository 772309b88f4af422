"""Each test runs over every database that can hold locks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skycap.core.server.locks import LockStore
from skycap.core.testing.clock import ManualClock


class Database:
    """An empty one. `open` gives stores over it that are closed when the test ends."""

    def __init__(self, url: str, stack: contextlib.ExitStack) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite:")
        self._stack = stack

    def open(self, clock: Callable[[], int] | None = None, *, busy_s: float = 30.0) -> LockStore:
        from skycap.core.server.locks.postgres import PostgresLockStore
        from skycap.core.server.locks.sqlite import SQLiteLockStore

        store: LockStore
        if self.is_sqlite:
            store = SQLiteLockStore(self.path, clock=clock or time.time_ns, busy_s=busy_s)
        else:
            store = PostgresLockStore(self.url, clock=clock, busy_s=busy_s)
        return self._stack.enter_context(store)

    @property
    def path(self) -> str:
        return self.url.removeprefix("sqlite:///")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            yield Database(f"sqlite:///{tmp_path}/state/locks.db", stack)
        else:
            yield Database(request.getfixturevalue("postgresql").new_schema(), stack)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(database: Database, clock: ManualClock) -> LockStore:
    return database.open(clock)
