"""Any sequence of calls does to a database what it does to a plain list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from skycap.core.errors import Error, Locked
from skycap.core.server.locks import Lock, LockStore
from skycap.core.testing.clock import ManualClock
from tests.core.server.locks.conftest import Database
from tests.core.server.locks.oracle import Oracle

_NAMES = st.sampled_from(["a", "a0", "a%", "a_", "A", "é", "\udcff", "𝄞", "b" * 1100])
_KEYS = st.lists(_NAMES, max_size=3).map(lambda names: "/".join(["local:", *names]))
_FEW = st.lists(st.sampled_from(["a", "a0"]), max_size=3).map(lambda names: "/".join(["local:", *names]))
_RESOURCES = st.one_of(_FEW, _FEW, _KEYS)
_TOKENS = st.sampled_from(["1", "2", "3"])
_PRINCIPALS = st.sampled_from([None, "ann", "ben"])
_TIMES = st.sampled_from([None, 10, 100])


def _answer(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Locked as error:
        return Locked, set(error.conflicts)
    except Error as error:
        return type(error)


class Machine(RuleBasedStateMachine):
    def __init__(self, store: LockStore, clock: ManualClock) -> None:
        super().__init__()
        self.store = store
        self.clock = clock
        self.oracle = Oracle(clock())
        store.drop_below("local:")

    @rule(
        resource=_RESOURCES,
        token=_TOKENS,
        door=st.sampled_from(["webdav", "wopi"]),
        scope=st.sampled_from(["exclusive", "shared", "shared"]),
        deep=st.booleans(),
        principal=_PRINCIPALS,
        timeout_s=_TIMES,
    )
    def acquire(self, resource: str, token: str, timeout_s: int | None, **facts: Any) -> None:
        lock = Lock.wanted(resource, token, timeout_s=timeout_s, **facts)
        expected = _answer(lambda: self.oracle.acquire(lock, timeout_s))
        assert _answer(lambda: self.store.acquire(lock)) == expected

    @rule(resource=_RESOURCES, token=_TOKENS, principal=_PRINCIPALS, timeout_s=_TIMES)
    def refresh(self, **asked: Any) -> None:
        expected = _answer(lambda: self.oracle.refresh(**asked))
        assert _answer(lambda: self.store.refresh(**asked)) == expected

    @rule(resource=_RESOURCES, old=_TOKENS, new=_TOKENS, principal=_PRINCIPALS, timeout_s=_TIMES)
    def replace(self, resource: str, old: str, new: str, **asked: Any) -> None:
        expected = _answer(lambda: self.oracle.replace(resource, old, new, **asked))
        assert _answer(lambda: self.store.replace(resource, old, new, **asked)) == expected

    @rule(resource=_RESOURCES, token=_TOKENS, principal=_PRINCIPALS)
    def release(self, **asked: Any) -> None:
        expected = _answer(lambda: self.oracle.release(**asked))
        assert _answer(lambda: self.store.release(**asked)) == expected

    @rule(resource=_RESOURCES)
    def ask(self, resource: str) -> None:
        assert self.store.covering(resource) == self.oracle.covering(resource)
        assert self.store.at_or_below(resource) == self.oracle.at_or_below(resource)

    @rule(token=_TOKENS)
    def ask_for_a_token(self, token: str) -> None:
        assert self.store.held(token) == self.oracle.held(token)

    @rule(resource=_FEW.filter(lambda key: key != "local:"))
    def drop_below(self, resource: str) -> None:
        assert self.store.drop_below(resource) == self.oracle.drop_below(resource)

    @rule(seconds=st.sampled_from([1, 9, 10, 100]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.oracle.now = self.clock()

    @rule()
    def purge(self) -> None:
        self.store.purge()
        self.oracle.purge()

    @invariant()
    def holds_the_same(self) -> None:
        assert self.store.at_or_below("local:") == self.oracle.at_or_below("local:")


def test_a_store_does_what_a_plain_list_does(database: Database) -> None:
    clock = ManualClock()
    store = database.open(clock)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: Machine(store, clock),
        settings=settings(
            max_examples=40, stateful_step_count=30, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )
