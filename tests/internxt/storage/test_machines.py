"""Random walks: alone against the storage in memory, and with somebody else at work in the same account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from skycap.core.errors import Error, NotFound
from skycap.core.storage import Capability, Entry, Kind, Metadata, Storage
from skycap.core.storage.memory import Memory
from skycap.core.testing.statemachine import StorageWalk, _outcome, _seen, _tree
from skycap.internxt.storage.cache import Known
from skycap.internxt.storage.storage import Internxt
from tests.internxt.storage.accounts import Accounts
from tests.internxt.storage.reading import walked

_NAMES = st.sampled_from(["a", "b", "a.b", ".c", "d."])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_CONTENTS = st.binary(max_size=40)
_WHO = st.booleans()
_SETTINGS = settings(
    max_examples=8,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture
def lent(accounts: Accounts) -> Iterator[Accounts]:
    """Machines are made by hypothesis, and find their server here."""
    _Lent.accounts = accounts
    yield accounts
    _Lent.accounts = None


class _Lent:
    accounts: Accounts | None = None

    @classmethod
    def emptied(cls, **options: object) -> Internxt:
        assert cls.accounts is not None
        return cls.accounts.emptied(**options)

    @classmethod
    def opened(cls, **options: object) -> Internxt:
        assert cls.accounts is not None
        return cls.accounts.storage(**options)


class _Alone(StorageWalk):
    """What is believed is compared, after each step, with what somebody sees who has just come."""

    @staticmethod
    def make_storage() -> Storage:
        return _Lent.emptied(cache="1h", chunk_size="16KiB")

    @initialize()
    def begin(self) -> None:
        super().begin()
        self.other = _Lent.opened(cache="1h")
        self.steps = 0

    @invariant()
    def whoever_comes_new_sees_the_same(self) -> None:
        """Every few steps, for it takes a while: a mistake that was made stays until it is found."""
        if hasattr(self, "other"):
            self.steps += 1
            if self.steps % 5 == 0:
                self._compare()

    def _compare(self) -> None:
        storage = self.storage
        assert isinstance(storage, Internxt)
        self.other.cache.forget("")
        for _ in walked(self.other):
            pass
        there = self.other.cache._folders
        for path, known in storage.cache._folders.items():
            assert there[path].folder.uuid == known.folder.uuid
            if known.listed_at is not None:
                assert _ids(known) == _ids(there[path])

    def teardown(self) -> None:
        if hasattr(self, "other"):
            try:
                self._compare()
            finally:
                self.other.close()
        super().teardown()


def _ids(known: Known) -> dict[str, str]:
    return {name: item.uuid for name, item in known.names.items()}


class _Together(RuleBasedStateMachine):
    """Two clients and one memory: whoever of the two does a step, both see what came of it."""

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        first = self.stack.enter_context(_Lent.emptied(cache=0, chunk_size="16KiB"))
        second = self.stack.enter_context(_Lent.opened(cache=0, chunk_size="16KiB"))
        self.clients = (first, second)
        self.oracle = Memory(facts=Memory.facts)
        assert first.facts.rename_dirs

    def teardown(self) -> None:
        if hasattr(self, "clients"):
            for client in self.clients:
                assert _tree(client) == _tree(self.oracle)
            self.stack.close()

    def _do(self, who: bool, step: object) -> None:
        told = _outcome(step, self.clients[who])  # type: ignore[arg-type]
        assert told == _outcome(step, self.oracle)  # type: ignore[arg-type]

    @rule(who=_WHO, path=_PATHS, content=_CONTENTS, mtime_ns=st.integers(10**17, 2 * 10**18))
    def write(self, who: bool, path: str, content: bytes, mtime_ns: int) -> None:
        self._do(who, lambda storage: storage.write(path, content, metadata=Metadata(mtime_ns=mtime_ns)))

    @rule(who=_WHO, path=_PATHS)
    def make_dir(self, who: bool, path: str) -> None:
        self._do(who, lambda storage: storage.make_dir(path))

    @rule(who=_WHO, path=_PATHS)
    def remove(self, who: bool, path: str) -> None:
        self._do(who, lambda storage: storage.remove(path))

    @rule(who=_WHO, path=_PATHS)
    def remove_tree(self, who: bool, path: str) -> None:
        self._do(who, lambda storage: storage.remove_tree(path))

    @rule(who=_WHO, source=_PATHS, to=_PATHS)
    def rename(self, who: bool, source: str, to: str) -> None:
        if source != to:
            self._do(who, lambda storage: storage.rename(source, to))

    @rule(who=_WHO, path=_PATHS)
    def trash_and_restore(self, who: bool, path: str) -> None:
        """One puts it into the trash, the other one brings it back."""
        try:
            trashed = self.clients[who].trash().put(path)
        except NotFound:
            return
        with pytest.raises(NotFound):
            self.clients[not who].stat(path)
        entry = self.clients[not who].trash().restore(trashed.id)
        assert _seen(entry) == _seen(self.oracle.stat(path))

    @rule(who=_WHO, path=_PATHS)
    def read(self, who: bool, path: str) -> None:
        if _kind(self.oracle, path) is not Kind.DIRECTORY:
            self._do(who, _all_of(path))

    @invariant()
    def both_see_the_same(self) -> None:
        if hasattr(self, "clients"):
            for client in self.clients:
                assert sorted(map(_seen, client.scan(""))) == sorted(map(_seen, self.oracle.scan("")))


def _all_of(path: str) -> object:
    def step(storage: Storage) -> bytes:
        with storage.read(path) as reader:
            return reader.read()

    return step


def _kind(storage: Storage, path: str) -> Kind | None:
    try:
        found: Entry = storage.stat(path)
    except (NotFound, Error):
        return None
    return found.kind


def test_alone_what_is_believed_is_what_is_there(lent: Accounts) -> None:
    assert lent.storage().can(Capability.RENAME)
    run_state_machine_as_test(_Alone, settings=_SETTINGS)


def test_together_both_see_what_either_does(lent: Accounts) -> None:
    run_state_machine_as_test(_Together, settings=_SETTINGS)
    assert lent.emulator.state()["orphans"] == []
