"""Who guesses is slowed down; who has logged in is not, whatever others do."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.crypto.secret import Secret
from skycap.core.server.admission import Admission
from skycap.core.server.logins import Logins
from skycap.core.server.throttle import Buckets, Limit, Throttle, network
from skycap.core.testing.clock import ManualClock

GUESSER, OWNER = "203.0.113.9", "198.51.100.7"


def throttle(clock: ManualClock, *, burst: int = 3, user_burst: int = 8, most: int = 64) -> Throttle:
    return Throttle(
        address=Limit(burst, 10.0), user=Limit(user_burst, 10.0), most=most, clock=clock.monotonic
    )


def test_an_address_may_fail_a_few_times_and_then_waits_for_each() -> None:
    clock = ManualClock()
    one = throttle(clock)
    for _ in range(3):
        assert one.allowed(GUESSER, "me") is None
        one.failed(GUESSER, "me")
    wait = one.allowed(GUESSER, "somebody else")
    assert wait == pytest.approx(10.0)
    assert one.allowed(OWNER, "me") is None, "another address is not blamed"
    clock.advance(9.9)
    assert one.allowed(GUESSER, "me") is not None
    clock.advance(0.2)
    assert one.allowed(GUESSER, "me") is None
    one.failed(GUESSER, "me")
    assert one.allowed(GUESSER, "me") is not None
    clock.advance(30)
    for _ in range(3):
        assert one.allowed(GUESSER, "me") is None
        one.failed(GUESSER, "me")


def test_a_user_is_protected_from_many_addresses() -> None:
    clock = ManualClock()
    one = throttle(clock)
    tried = 0
    for number in range(50):
        if one.allowed(f"203.0.113.{number}", "me") is None:
            one.failed(f"203.0.113.{number}", "me")
            tried += 1
    assert tried == 8
    assert one.allowed("203.0.113.99", "other") is None


def test_an_address_that_logged_in_before_is_not_locked_out_by_guesses_from_elsewhere_or_beside_it() -> None:
    clock = ManualClock()
    one = throttle(clock)
    one.succeeded(OWNER, "me")
    for number in range(50):
        one.failed(f"203.0.113.{number}", "me")
        one.failed(OWNER, "other")
    assert one.allowed(OWNER, "me") is None
    assert one.allowed(OWNER, "other") is not None
    assert one.allowed(GUESSER, "me") is not None


def test_having_logged_in_is_no_licence_to_guess() -> None:
    clock = ManualClock()
    one = throttle(clock)
    one.succeeded(OWNER, "me")
    for _ in range(3):
        assert one.allowed(OWNER, "me") is None
        one.failed(OWNER, "me")
        one.succeeded(OWNER, "other")
    assert one.allowed(OWNER, "me") is not None


def test_an_own_account_does_not_clear_guesses_at_others() -> None:
    clock = ManualClock()
    one = throttle(clock)
    for _ in range(3):
        one.failed(GUESSER, "victim")
        one.succeeded(GUESSER, "mine")
    assert one.allowed(GUESSER, "victim") is not None


def test_a_neighbourhood_of_ipv6_is_one_address() -> None:
    clock = ManualClock()
    one = throttle(clock)
    for number in range(3):
        one.failed(f"2001:db8:0:1::{number}", "me")
    assert one.allowed("2001:db8:0:1:ffff::1", "other") is not None
    assert one.allowed("2001:db8:0:2::1", "other") is None


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("a socket", "a socket"),
    ],
)
def test_who_stands_behind_an_address(address: str, shown: str) -> None:
    assert network(address) == shown


def test_a_flood_of_addresses_and_users_takes_bounded_memory_and_frees_nobody() -> None:
    buckets = Buckets(Limit(5, 10.0), most=16)
    for _ in range(5):
        buckets.add("guesser", 0.0)
    assert buckets.wait("guesser", 0.0) > 0
    for number in range(500):
        buckets.add(f"flood {number}", 0.0)
        assert len(buckets) <= 16
        buckets.add("guesser", 0.0)
    assert buckets.wait("guesser", 0.0) > 0


def test_whoever_was_pushed_out_of_a_full_table_does_not_begin_anew() -> None:
    buckets = Buckets(Limit(5, 10.0), most=4)
    for name in "abcd":
        for _ in range(4):
            buckets.add(name, 0.0)
    assert buckets.wait("a", 0.0) == 0
    buckets.add("newcomer", 0.0)
    assert len(buckets) == 4
    assert buckets.wait("newcomer", 0.0) == pytest.approx(10.0)
    buckets.add("late", 1000.0)
    assert buckets.wait("late", 1000.0) == 0, "what leaked meanwhile is nobody's"


def test_who_goes_on_against_a_closed_door_waits_no_longer_than_for_one_to_leak() -> None:
    buckets = Buckets(Limit(3, 10.0), most=4)
    for _ in range(100):
        buckets.add("guesser", 0.0)
    assert buckets.wait("guesser", 0.0) == pytest.approx(10.0)


def test_those_who_logged_in_are_remembered_in_bounded_number() -> None:
    clock = ManualClock()
    one = throttle(clock)
    one.succeeded(OWNER, "me")
    for number in range(5000):
        one.succeeded(GUESSER, str(number))
    for _ in range(10):
        one.failed(OWNER, "x")
    assert one.allowed(OWNER, "me") is not None, "the oldest made room"


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 30)), max_size=80), st.integers(1, 4))
def test_nobody_tries_more_often_than_the_limit_says(steps: list[tuple[int, float]], burst: int) -> None:
    """In any stretch of time, an address has at most its burst and what leaked."""
    buckets, now = Buckets(Limit(burst, 10.0), most=3), 0.0
    tries: dict[str, list[float]] = {}
    for number, pause in steps:
        now += pause
        key = str(number % 3)
        if buckets.wait(key, now) == 0:
            buckets.add(key, now)
            tries.setdefault(key, []).append(now)
    for times in tries.values():
        for first, begun in enumerate(times):
            for last, ended in enumerate(times[first:], first):
                assert last - first + 1 <= burst + math.ceil((ended - begun) / 10.0 + 1e-6)


def test_admission_looks_waits_and_remembers() -> None:
    clock = ManualClock()
    right, wrong = Secret("correct horse"), Secret("wrong")
    admission = Admission(Logins.of_user("me", right), throttle(clock))
    for _ in range(3):
        verdict = admission.admit(OWNER, "me", wrong)
        assert not verdict
        assert verdict.retry_after_s is None
    refused = admission.admit(OWNER, "me", right)
    assert not refused
    assert refused.retry_after_s == 10
    clock.advance(10)
    assert admission.admit(OWNER, "me", right)
    for _ in range(9):
        admission.admit(OWNER, "me", wrong)
        admission.admit(OWNER, "other", wrong)
    assert admission.admit(OWNER, "me", right), "what was right a moment ago needs no leave"


def test_admission_has_a_throttle_by_itself() -> None:
    admission = Admission(Logins.of_user("me", Secret("x")))
    answers = [admission.admit(GUESSER, "me", Secret("guess")) for _ in range(11)]
    assert [bool(one.retry_after_s) for one in answers] == [False] * 10 + [True]
