"""What every store of locks promises."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from skycap.core.errors import AccessDenied, Locked, NotFound, UsageError
from skycap.core.server.locks import Lock, LockStore
from skycap.core.testing.clock import ManualClock
from tests.core.server.locks.conftest import Database

ROOT = "local:/srv"
ODD = [
    "100%",
    "a_b",
    "back\\slash",
    'it\'s "quoted"',
    "new\nline",
    "\udcff\udcfe",
    "𝄞 e\u0301 é",
    "?%s$1:name",
    " ",
    "\x01",
]
LONG = "/".join([ROOT, *(random.Random(1).randbytes(125).hex() for _ in range(16))])


def wanted(resource: str, token: str = "t", **changes: Any) -> Lock:
    return Lock.wanted(resource, token, **{"door": "webdav", "timeout_s": 60, **changes})


def tokens(locks: tuple[Lock, ...]) -> list[str]:
    return [lock.token for lock in locks]


class TestTaking:
    def test_a_lock_comes_back_as_it_was_asked_for_with_the_times_of_the_store(
        self, store: LockStore, clock: ManualClock
    ) -> None:
        asked = wanted(
            f"{ROOT}/a", "t", scope="shared", deep=True, principal="ann", owner="<D:href>𝄞</D:href>"
        )
        given = store.acquire(asked)
        assert given.created_at_ns == clock()
        assert given.expires_at_ns == clock() + 60 * 10**9
        assert given.timeout_ns == asked.timeout_ns
        assert store.covering(f"{ROOT}/a") == store.held("t") == (given,)
        assert (given.scope, given.deep, given.principal, given.owner) == (
            "shared",
            True,
            "ann",
            "<D:href>𝄞</D:href>",
        )

    @pytest.mark.parametrize("first", ["exclusive", "shared"])
    @pytest.mark.parametrize("second", ["exclusive", "shared"])
    def test_only_shared_locks_meet(self, store: LockStore, first: Any, second: Any) -> None:
        held = store.acquire(wanted(ROOT, "1", scope=first))
        if first == second == "shared":
            store.acquire(wanted(ROOT, "2", scope=second))
            assert tokens(store.covering(ROOT)) == ["1", "2"]
        else:
            with pytest.raises(Locked) as refused:
                store.acquire(wanted(ROOT, "2", scope=second))
            assert refused.value.conflicts == (held,)
            assert tokens(store.covering(ROOT)) == ["1"]

    def test_a_deep_lock_keeps_others_from_all_below(self, store: LockStore) -> None:
        held = store.acquire(wanted(f"{ROOT}/a", "deep", deep=True))
        with pytest.raises(Locked) as refused:
            store.acquire(wanted(f"{ROOT}/a/b/c", "x"))
        assert refused.value.conflicts == (held,)

    def test_a_deep_lock_is_refused_over_one_below(self, store: LockStore) -> None:
        held = store.acquire(wanted(f"{ROOT}/a/b/c", "below"))
        with pytest.raises(Locked) as refused:
            store.acquire(wanted(f"{ROOT}/a", "deep", deep=True))
        assert refused.value.conflicts == (held,)
        store.acquire(wanted(f"{ROOT}/a", "flat"))

    def test_shared_deep_locks_meet_shared_ones_below(self, store: LockStore) -> None:
        store.acquire(wanted(f"{ROOT}/a/b", "1", scope="shared"))
        store.acquire(wanted(f"{ROOT}/a", "2", scope="shared", deep=True))
        store.acquire(wanted(f"{ROOT}/a/c", "3", scope="shared"))
        with pytest.raises(Locked):
            store.acquire(wanted(f"{ROOT}/a/d", "4"))

    def test_a_flat_lock_on_a_folder_leaves_its_members_alone(self, store: LockStore) -> None:
        store.acquire(wanted(f"{ROOT}/a", "flat"))
        store.acquire(wanted(f"{ROOT}/a/b", "member"))
        assert tokens(store.covering(f"{ROOT}/a/b")) == ["member"]

    def test_names_that_only_begin_alike_are_not_below(self, store: LockStore) -> None:
        store.acquire(wanted(f"{ROOT}/a", "1", deep=True))
        for number, name in enumerate(["ab", "a.", "a0", "a-", "a b", "A"]):
            store.acquire(wanted(f"{ROOT}/{name}", f"other{number}"))
        assert tokens(store.at_or_below(f"{ROOT}/a")) == ["1"]
        assert store.drop_below(f"{ROOT}/a") == 1
        assert len(store.at_or_below(ROOT)) == 6

    def test_every_door_meets_the_locks_of_every_other(self, store: LockStore) -> None:
        held = store.acquire(wanted(f"{ROOT}/a.docx", "opaque id", door="wopi"))
        with pytest.raises(Locked) as refused:
            store.acquire(wanted(f"{ROOT}/a.docx", "urn:uuid:1", door="webdav"))
        assert refused.value.conflicts == (held,)
        with pytest.raises(Locked):
            store.release(f"{ROOT}/a.docx", "opaque id", None, door="webdav")
        store.release(f"{ROOT}/a.docx", "opaque id", None, door="wopi")

    def test_the_same_lock_taken_twice_is_renewed(self, store: LockStore, clock: ManualClock) -> None:
        first = store.acquire(wanted(ROOT, "id", door="wopi"))
        clock.advance(50)
        again = store.acquire(wanted(ROOT, "id", door="wopi"))
        assert store.covering(ROOT) == (again,)
        assert again.created_at_ns == first.created_at_ns
        assert again.expires_at_ns == clock() + 60 * 10**9

    def test_a_token_is_not_given_to_a_second_holder_of_one_resource(self, store: LockStore) -> None:
        store.acquire(wanted(ROOT, "t", scope="shared", principal="ann"))
        with pytest.raises(Locked):
            store.acquire(wanted(ROOT, "t", scope="shared", principal="ben"))

    def test_an_error_carries_a_thousand_conflicts_at_most(self, store: LockStore) -> None:
        for number in range(1010):
            store.acquire(wanted(f"{ROOT}/{number}", str(number)))
        with pytest.raises(Locked, match="1,000 locks") as refused:
            store.acquire(wanted(ROOT, "deep", deep=True))
        assert len(refused.value.conflicts) == 1000


class TestUsing:
    def test_a_lock_is_refreshed_from_anywhere_in_its_depth(
        self, store: LockStore, clock: ManualClock
    ) -> None:
        store.acquire(wanted(f"{ROOT}/a", deep=True, principal="ann"))
        clock.advance(59)
        again = store.refresh(f"{ROOT}/a/b/c", "t", "ann", 100)
        assert again.expires_at_ns == clock() + 100 * 10**9
        assert store.refresh(f"{ROOT}/a", "t", "ann", None).expires_at_ns is None
        assert store.release(f"{ROOT}/a/b", "t", "ann").resource == f"{ROOT}/a"
        assert store.covering(f"{ROOT}/a") == ()

    def test_the_token_of_somebody_else_is_refused(self, store: LockStore) -> None:
        held = store.acquire(wanted(ROOT, principal="ann"))
        for attempt in (
            lambda: store.refresh(ROOT, "t", "ben", 60),
            lambda: store.release(ROOT, "t", "ben"),
            lambda: store.release(ROOT, "t", None),
            lambda: store.replace(ROOT, "t", "u", principal="ben", timeout_s=60),
        ):
            with pytest.raises(AccessDenied):
                attempt()
        assert store.covering(ROOT) == (held,)

    def test_a_lock_without_a_principal_is_anybodys_who_knows_the_token(self, store: LockStore) -> None:
        store.acquire(wanted(ROOT))
        store.refresh(ROOT, "t", "ben", 60)
        store.release(ROOT, "t", "ann")

    def test_a_wrong_token_is_told_who_holds_the_lock(self, store: LockStore) -> None:
        held = store.acquire(wanted(ROOT, "current"))
        for attempt in (
            lambda: store.refresh(ROOT, "wrong", None, 60),
            lambda: store.release(ROOT, "wrong", None),
            lambda: store.replace(ROOT, "wrong", "new", timeout_s=60),
        ):
            with pytest.raises(Locked) as refused:
                attempt()
            assert refused.value.conflicts == (held,)

    def test_what_is_not_locked_is_said_to_be_so(self, store: LockStore) -> None:
        for attempt in (
            lambda: store.refresh(ROOT, "t", None, 60),
            lambda: store.release(ROOT, "t", None),
            lambda: store.replace(ROOT, "t", "new", timeout_s=60),
        ):
            with pytest.raises(NotFound):
                attempt()

    def test_a_token_is_replaced_in_one_step_and_gets_new_time(
        self, store: LockStore, clock: ManualClock
    ) -> None:
        store.acquire(wanted(ROOT, "old" * 300, door="wopi"))
        clock.advance(30)
        new = store.replace(ROOT, "old" * 300, "n" * 1024, timeout_s=1800, door="wopi")
        assert store.covering(ROOT) == store.held("n" * 1024) == (new,)
        assert new.expires_at_ns == clock() + 1800 * 10**9
        assert store.held("old" * 300) == ()

    def test_a_token_is_not_replaced_by_that_of_another_lock_there(self, store: LockStore) -> None:
        store.acquire(wanted(ROOT, "1", scope="shared"))
        store.acquire(wanted(ROOT, "2", scope="shared"))
        with pytest.raises(Locked):
            store.replace(ROOT, "1", "2", timeout_s=60)
        with pytest.raises(UsageError):
            store.replace(ROOT, "1", "", timeout_s=60)
        assert tokens(store.covering(ROOT)) == ["1", "2"]

    def test_only_a_lock_of_its_own_is_replaced(self, store: LockStore) -> None:
        held = store.acquire(wanted(ROOT, "deep", deep=True))
        with pytest.raises(Locked) as refused:
            store.replace(f"{ROOT}/a", "deep", "new", timeout_s=60)
        assert refused.value.conflicts == (held,)


class TestTime:
    def test_a_lock_that_is_over_counts_for_nothing(self, store: LockStore, clock: ManualClock) -> None:
        store.acquire(wanted(ROOT, "old", deep=True))
        clock.advance(59.999)
        assert tokens(store.covering(ROOT)) == ["old"]
        clock.advance(0.001)
        assert store.covering(ROOT) == store.at_or_below(ROOT) == store.held("old") == ()
        with pytest.raises(NotFound):
            store.refresh(ROOT, "old", None, 60)
        with pytest.raises(NotFound):
            store.release(ROOT, "old", None)
        store.acquire(wanted(f"{ROOT}/a", "new"))

    def test_a_purge_removes_what_is_over_and_nothing_else(
        self, store: LockStore, clock: ManualClock
    ) -> None:
        store.acquire(wanted(f"{ROOT}/a", "1", timeout_s=10))
        store.acquire(wanted(f"{ROOT}/b", "2", timeout_s=10))
        store.acquire(wanted(f"{ROOT}/c", "3", timeout_s=100))
        store.acquire(wanted(f"{ROOT}/d", "4", timeout_s=None))
        clock.advance(10)
        assert store.purge() == 2
        assert store.purge() == 0
        assert tokens(store.at_or_below(ROOT)) == ["3", "4"]

    def test_longer_than_any_database_can_count_is_the_end_of_its_time(self, store: LockStore) -> None:
        assert store.acquire(wanted(ROOT, timeout_s=1e300)).expires_at_ns == 2**63 - 1
        assert store.refresh(ROOT, "t", None, float("inf")).expires_at_ns == 2**63 - 1

    def test_by_itself_a_store_takes_a_true_clock(self, database: Database) -> None:
        store = database.open()
        before = store.now_ns()
        lock = store.acquire(wanted(ROOT))
        # Later than this was written, and before the next hundred years are over.
        assert 1_700_000_000 * 10**9 < before <= lock.created_at_ns < 4_900_000_000 * 10**9

    def test_locks_outlive_the_store(self, database: Database, clock: ManualClock) -> None:
        with database.open(clock) as store:
            lock = store.acquire(wanted(ROOT))
        assert database.open(clock).covering(ROOT) == (lock,)


class TestKeys:
    @pytest.mark.parametrize("name", ODD)
    def test_odd_names_are_names_like_others(self, store: LockStore, name: str) -> None:
        key = f"{ROOT}/{name}"
        deep = store.acquire(wanted(key, f"token {name}", deep=True, owner=name, principal=name))
        below = f"{key}/{name}/x"
        assert store.covering(below) == (deep,) == store.at_or_below(ROOT) == store.held(f"token {name}")
        with pytest.raises(Locked):
            store.acquire(wanted(below, "x"))
        store.acquire(wanted(f"{key}x", "beside"))
        assert store.drop_below(key) == 1

    def test_keys_of_four_kibibytes_are_told_apart_to_the_last_byte(self, store: LockStore) -> None:
        assert len(LONG) > 4000
        deep = store.acquire(wanted(LONG, "1", deep=True))
        other = store.acquire(wanted(LONG[:-1] + "x", "2"))
        below = f"{LONG}/below"
        assert store.covering(below) == (deep,)
        with pytest.raises(Locked):
            store.acquire(wanted(below, "3"))
        parent = LONG.rpartition("/")[0]
        assert set(store.at_or_below(parent)) == {deep, other}
        with pytest.raises(Locked) as refused:
            store.acquire(wanted(parent, "4", deep=True))
        assert set(refused.value.conflicts) == {deep, other}
        assert store.drop_below(LONG) == 1
        assert store.at_or_below(ROOT) == (other,)

    def test_two_thousand_folders_in_each_other_are_looked_through(self, store: LockStore) -> None:
        key = "local:" + "/d" * 2000
        deep = store.acquire(wanted("local:/d/d", "top", deep=True))
        assert store.covering(key) == (deep,)

    def test_a_whole_storage_can_be_locked(self, store: LockStore) -> None:
        store.acquire(wanted("s3:https://host/bucket/a", "1"))
        with pytest.raises(Locked):
            store.acquire(wanted("s3:https://host/bucket", "2", deep=True))


def test_threads_share_a_store_and_one_of_them_wins(store: LockStore) -> None:
    won: list[int] = []
    barrier = threading.Barrier(12)

    def take(number: int) -> None:
        barrier.wait()
        for resource in range(5):
            try:
                store.acquire(wanted(f"{ROOT}/{resource}", str(number)))
                won.append(resource)
            except Locked as error:
                assert len(error.conflicts) == 1  # noqa: PT017

    threads = [threading.Thread(target=take, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [0, 1, 2, 3, 4]
