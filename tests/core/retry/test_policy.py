"""A policy tries again what can pass by itself, and waits as long as it said."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.errors import (
    AccessDenied,
    DownloadFailed,
    Interrupted,
    NotFound,
    RateLimited,
    Timeout,
    UploadFailed,
    UsageError,
)
from skycap.core.retry import (
    Caller,
    Policy,
    RetryEvent,
    anew,
    answered,
    in_threads,
    listening,
    remaining,
    whole_try,
)


class World:
    """A clock that only moves when somebody waits, and dice that always show the most."""

    def __init__(self, policy: Policy, *, share: float = 1.0) -> None:
        self.now = 100.0
        self.waits: list[float] = []
        self.events: list[RetryEvent] = []
        self.caller = Caller(
            policy,
            on_retry=self.events.append,
            clock=lambda: self.now,
            wait=self.wait,
            draw=lambda bound: bound * share,
        )

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return False


class Flaky:
    """A function that raises what it was given, one by one, and then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    def put(self, value: str = "done") -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return value


def test_what_succeeds_at_once_waits_for_nothing() -> None:
    world = World(Policy())
    assert world.caller(Flaky().put, value="x") == "x"
    assert world.waits == []


def test_a_failure_that_can_pass_is_tried_again() -> None:
    world, flaky = World(Policy()), Flaky(UploadFailed("a"), Timeout("b"))
    assert world.caller(flaky.put) == "done"
    assert flaky.calls == 3


def test_the_bound_of_the_wait_grows_up_to_the_cap() -> None:
    world = World(Policy(attempts=7, base_s=1, cap_s=10, multiplier=2))
    with pytest.raises(UploadFailed):
        world.caller(Flaky(*[UploadFailed("x")] * 9).put)
    assert world.waits == [1, 2, 4, 8, 10, 10]


def test_the_wait_is_drawn_anywhere_below_the_bound() -> None:
    world = World(Policy(base_s=8), share=0.25)
    world.caller(Flaky(UploadFailed("x")).put)
    assert world.waits == [2]


def test_the_default_dice_reach_the_whole_range() -> None:
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return False

    policy = Policy(attempts=400, base_s=1, cap_s=1, total_timeout_s=None)
    with pytest.raises(UploadFailed):
        Caller(policy, wait=wait)(Flaky(*[UploadFailed("x")] * 400).put)
    assert all(0 <= wait <= 1 for wait in waits)
    assert min(waits) < 0.1
    assert max(waits) > 0.9


def test_a_wait_is_never_shorter_than_the_server_asked_for() -> None:
    world = World(Policy(base_s=1), share=0.0)
    world.caller(Flaky(RateLimited("slow down", retry_after=42)).put)
    assert world.waits == [42]


def test_the_last_error_comes_out_as_it_was_with_a_note() -> None:
    last = UploadFailed("the last", where="a/b")
    with pytest.raises(UploadFailed) as caught:
        World(Policy(attempts=2)).caller(Flaky(UploadFailed("the first"), last).put)
    assert caught.value is last
    assert caught.value.__notes__ == ["gave up after 2 attempts"]


@pytest.mark.parametrize(
    "error", [NotFound("x"), AccessDenied("x"), UploadFailed("x", retryable=False), ValueError("a bug")]
)
def test_what_cannot_pass_is_raised_at_once(error: Exception) -> None:
    world, flaky = World(Policy()), Flaky(error)
    with pytest.raises(type(error)):
        world.caller(flaky.put)
    assert flaky.calls == 1


def test_a_permanent_error_after_a_passing_one_ends_it() -> None:
    world, flaky = World(Policy()), Flaky(UploadFailed("x"), AccessDenied("no"))
    with pytest.raises(AccessDenied):
        world.caller(flaky.put)
    assert flaky.calls == 2


def test_ctrl_c_in_a_later_try_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        World(Policy()).caller(Flaky(UploadFailed("x"), KeyboardInterrupt()).put)


def test_an_error_can_say_itself_that_another_try_helps() -> None:
    assert World(Policy()).caller(Flaky(NotFound("not yet", retryable=True)).put) == "done"


def test_a_wait_that_would_end_after_the_total_limit_is_not_begun() -> None:
    world = World(Policy(attempts=99, base_s=10, cap_s=10, total_timeout_s=35))
    with pytest.raises(UploadFailed) as caught:
        world.caller(Flaky(*[UploadFailed("x")] * 99).put)
    assert world.waits == [10, 10, 10]
    assert "limit of 35 s" in caught.value.__notes__[0]


def test_a_server_that_asks_for_more_than_the_total_limit_ends_it_at_once() -> None:
    world = World(Policy(total_timeout_s=60))
    with pytest.raises(RateLimited):
        world.caller(Flaky(RateLimited("come back tomorrow", retry_after=86400)).put)
    assert world.waits == []


def test_each_further_try_is_told_before_its_wait() -> None:
    world = World(Policy(base_s=1))
    first, second = UploadFailed("one"), Timeout("two")
    world.caller(Flaky(first, second).put)
    assert world.events == [RetryEvent("put", 1, 1.0, first), RetryEvent("put", 2, 2.0, second)]


def test_a_cancelled_wait_ends_at_once() -> None:
    cancelled = threading.Event()
    cancelled.set()
    flaky = Flaky(UploadFailed("x"))
    with pytest.raises(Interrupted):
        # Whatever chance makes of them, these waits are within the limit of a call.
        Caller(Policy(base_s=400, cap_s=400), cancelled=cancelled)(flaky.put)
    assert flaky.calls == 1


def test_a_try_knows_how_long_it_may_take_and_the_next_has_as_long_again() -> None:
    world = World(Policy(per_try_timeout_s=30, base_s=1))
    seen: list[float | None] = []

    def slow() -> None:
        world.now += 20
        seen.append(remaining())
        if len(seen) < 2:
            raise DownloadFailed("x")

    world.caller(slow)
    assert seen == [10, 10]
    assert remaining() is None
    assert remaining(5) == 5


def test_a_step_of_a_long_try_has_the_time_of_a_whole_one() -> None:
    world = World(Policy(per_try_timeout_s=30))

    def long() -> tuple[float | None, ...]:
        world.now += 20
        with anew():
            inside = remaining()
            world.now += 5
        return inside, remaining(), whole_try(300), whole_try(3)

    assert world.caller(long) == (30, 5, 30, 3)
    with anew():
        assert remaining() is None
    assert whole_try(300) == 300


def test_the_limit_of_a_try_and_who_listens_are_known_in_threads() -> None:
    world = World(Policy(per_try_timeout_s=30))
    heard: list[RetryEvent] = []

    def part(number: int) -> float | None:
        Caller(Policy(attempts=2, base_s=0))(Flaky(UploadFailed(str(number))).put)
        return remaining()

    def long() -> list[float | None]:
        world.now += 20
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(in_threads(part), range(8)))

    with listening(heard.append):
        assert world.caller(long) == [30] * 8
    assert sorted(str(event.error) for event in heard) == [str(number) for number in range(8)]


def test_a_limit_of_ones_own_is_kept_where_the_try_has_more_left() -> None:
    world = World(Policy(per_try_timeout_s=30))
    assert world.caller(remaining, 3) == 3
    assert world.caller(remaining, 300) == 30


def test_one_attempt_means_no_other() -> None:
    flaky = Flaky(UploadFailed("x"))
    with pytest.raises(UploadFailed):
        Policy(attempts=1).call(flaky.put)
    assert flaky.calls == 1


@pytest.mark.parametrize(
    "values",
    [
        {"attempts": 0},
        {"base_s": -1},
        {"cap_s": float("nan")},
        {"multiplier": 0.5},
        {"multiplier": float("inf")},
        {"per_try_timeout_s": 0},
        {"total_timeout_s": float("nan")},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Policy(**values)  # type: ignore[arg-type]


@given(st.integers(1, 10_000), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1, 1e6))
def test_no_bound_is_above_the_cap(attempt: int, base: float, cap: float, multiplier: float) -> None:
    bound = Policy(base_s=base, cap_s=cap, multiplier=multiplier).bound(attempt)
    assert 0 <= bound <= cap


def test_a_policy_survives_pickling() -> None:
    policy = Policy(attempts=3, per_try_timeout_s=7)
    assert pickle.loads(pickle.dumps(policy)) == policy


def test_the_library_is_imported_at_the_first_failure_only() -> None:
    code = (
        "import sys\n"
        "from skycap.core.errors import UploadFailed\n"
        "from skycap.core.retry import Policy\n"
        "Policy().call(len, 'abc')\n"
        "assert 'tenacity' not in sys.modules\n"
        "failures = [UploadFailed('x')]\n"
        "def flaky():\n"
        "    if failures: raise failures.pop()\n"
        "Policy(base_s=0).call(flaky)\n"
        "assert 'tenacity' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_server_that_never_answered_is_tried_three_times_and_then_once() -> None:
    refused = UploadFailed("refused")
    refused.unreached = "http://never-there.example"
    first, second = World(Policy(attempts=8)), World(Policy(attempts=8))
    with pytest.raises(UploadFailed):
        first.caller(Flaky(*[refused] * 9).put)
    assert first.waits == [0.5, 1.0]
    with pytest.raises(UploadFailed):
        second.caller(Flaky(*[refused] * 9).put)
    assert second.waits == []


def test_a_server_that_has_answered_gets_all_the_patience() -> None:
    refused = UploadFailed("refused")
    refused.unreached = "http://was-there.example"
    answered("http://was-there.example")
    world = World(Policy(attempts=5))
    assert world.caller(Flaky(*[refused] * 4).put) == "done"
    assert len(world.waits) == 4
