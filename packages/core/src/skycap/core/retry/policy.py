"""One policy for trying again: exponential waits with full jitter, and never sooner than a server asked for.

Full jitter (a wait drawn evenly between nothing and the bound) is from "Exponential Backoff and Jitter" of
the AWS Architecture Blog: of the usual schemes it sends the fewest calls when many clients meet one busy
server. The loop is tenacity's; it is imported at the first failure, so that what succeeds at once costs
nothing.
"""

from __future__ import annotations

import random as random_module
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, Token, copy_context
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar

from skycap.core.errors import Error, Interrupted, UsageError
from skycap.core.retry import reaching

if TYPE_CHECKING:
    from tenacity import RetryCallState

P = ParamSpec("P")
R = TypeVar("R")

_heard: ContextVar[Callable[[RetryEvent], None] | None] = ContextVar("heard", default=None)
_current: ContextVar[_Try | None] = ContextVar("current", default=None)


class _Try(NamedTuple):
    """One that has a limit."""

    ends: float
    limit: float
    clock: Callable[[], float]

    def begin(self) -> Token[_Try | None]:
        return _current.set(self._replace(ends=self.clock() + self.limit))


_cut = threading.Event()


def cut_waits() -> None:
    """End every wait of this process that has no `cancelled` of its own: whoever waits is to stop."""
    _cut.set()


def resume_waits() -> None:
    """Let what comes now wait again."""
    _cut.clear()


@dataclass(frozen=True, slots=True)
class RetryEvent:
    """A call failed and will be tried again after `delay_s`. `attempt` counts from 1."""

    operation: str
    attempt: int
    delay_s: float
    error: Error


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and after how long a failed call is tried again. Times are in seconds.

    `attempts` counts the first one. The wait before attempt n + 1 is drawn between 0 and
    min(`cap_s`, `base_s` * `multiplier` ** (n - 1)), and is at least the `retry_after` of the error. Only
    errors that say they are `retryable` are tried again. `total_timeout_s` bounds the whole: a wait that
    would end after it is not begun. `per_try_timeout_s` bounds one try; since nothing can stop a thread from
    outside, it is kept by whoever blocks: `remaining` tells how long that may be.
    """

    attempts: int = 8
    base_s: float = 0.5
    cap_s: float = 60.0
    multiplier: float = 2.0
    per_try_timeout_s: float | None = None
    total_timeout_s: float | None = 900.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise UsageError("a retry policy needs at least one attempt")
        if not (isfinite(self.multiplier) and self.multiplier >= 1):
            raise UsageError("the multiplier of a retry policy is 1 or more")
        if not (isfinite(self.base_s) and isfinite(self.cap_s) and self.base_s >= 0 and self.cap_s >= 0):
            raise UsageError("the waits of a retry policy are 0 seconds or more")
        for limit in (self.per_try_timeout_s, self.total_timeout_s):
            if limit is not None and not limit > 0:
                raise UsageError("a time limit is more than nothing")

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """`function(*args, **kwargs)`, tried again by this policy."""
        return Caller(self)(function, *args, **kwargs)

    def bound(self, attempt: int) -> float:
        """The longest wait after this attempt, counted from 1, where the server asks for nothing."""
        try:
            return min(self.cap_s, self.base_s * self.multiplier ** (attempt - 1))
        except OverflowError:
            return self.cap_s


def _draw(bound: float) -> float:
    return random_module.uniform(0.0, bound)  # noqa: S311 - it spreads load and guards nothing


class Caller:
    """A policy at work: with its clock, its way to wait, its dice, and who is told. Threads may share it.

    `clock` gives seconds that never go back; `draw(bound)` a number between 0 and bound; `wait(seconds)`
    returns True if it was cut short, which ends the call with `Interrupted`. Setting `cancelled` cuts short
    the waits of the default; without it, `cut_waits` does.
    """

    __slots__ = ("_clock", "_draw", "_on_retry", "_wait", "policy")

    def __init__(
        self,
        policy: Policy,
        *,
        on_retry: Callable[[RetryEvent], None] | None = None,
        cancelled: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
        draw: Callable[[float], float] = _draw,
    ) -> None:
        self.policy = policy
        self._on_retry = on_retry
        self._clock = clock
        self._wait = wait or (cancelled or _cut).wait
        self._draw = draw

    def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """`function(*args, **kwargs)`. The last error is raised as it came, with a note."""
        started = self._clock()
        try:
            return self._try(function, *args, **kwargs)
        except Error as error:
            if not error.retryable or reaching.tries(error, self.policy.attempts) == 1:
                raise
            first = error
        return self._again(first, started, function, *args, **kwargs)

    def once(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """One try, for who goes on by itself where it fails."""
        return self._try(function, *args, **kwargs)

    def _try(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        limit = self.policy.per_try_timeout_s
        if limit is None:
            return function(*args, **kwargs)
        token = _Try(0.0, limit, self._clock).begin()
        try:
            return function(*args, **kwargs)
        finally:
            _current.reset(token)

    def _again(
        self, first: Error, started: float, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        from tenacity import Retrying

        operation = getattr(function, "__name__", type(function).__name__)
        failed: list[Error] = [first]

        def attempt() -> R:
            if failed:
                raise failed.pop()
            return self._try(function, *args, **kwargs)

        def stop(state: RetryCallState) -> bool:
            error, ends = _error(state), started + (self.policy.total_timeout_s or float("inf"))
            if state.attempt_number >= reaching.tries(error, self.policy.attempts):
                if reaching.never_reached(error):
                    reaching.give_up(error)
                error.add_note(f"gave up after {state.attempt_number} attempts")
                return True
            if self._clock() + state.upcoming_sleep > ends:
                error.add_note(
                    f"gave up after {state.attempt_number} attempts, since the next would begin after the "
                    f"limit of {self.policy.total_timeout_s:g} s"
                )
                return True
            return False

        def tell(state: RetryCallState) -> None:
            event = RetryEvent(operation, state.attempt_number, state.upcoming_sleep, _error(state))
            for listener in (self._on_retry, _heard.get()):
                if listener is not None:
                    listener(event)

        loop = Retrying(
            retry=_is_retryable,
            wait=self._delay,
            stop=stop,
            before_sleep=tell,
            sleep=self._sleep,
            reraise=True,
        )
        return loop(attempt)

    def _delay(self, state: RetryCallState) -> float:
        bound, error = self.policy.bound(state.attempt_number), _error(state)
        if reaching.never_reached(error):
            bound = min(bound, reaching.WAIT_S)
        return max(self._draw(bound), error.retry_after or 0.0)

    def _sleep(self, seconds: float) -> None:
        if self._wait(seconds):
            raise Interrupted("stopped while it waited to try again")


class listening:
    """While it lasts, `listener` is told of each further try in this context, however deep down it is made.

    So that who asked for a piece of work knows how it goes, though a storage tries again by itself. A thread
    that is started meanwhile hears nothing, unless it is given a copy of the context.
    """

    __slots__ = ("_listener", "_token")

    def __init__(self, listener: Callable[[RetryEvent], None]) -> None:
        self._listener = listener

    def __enter__(self) -> None:
        self._token = _heard.set(self._listener)

    def __exit__(self, *exception: object) -> None:
        _heard.reset(self._token)


def remaining(default: float | None = None) -> float | None:
    """Seconds this try may still take, for those who block; `default` where nobody set a limit."""
    found = _current.get()
    if found is None:
        return default
    left = max(0.0, found.ends - found.clock())
    return left if default is None else min(left, default)


def whole_try(default: float) -> float:
    """Seconds that a whole try may take and no more than `default`, for what comes after it: a body."""
    found = _current.get()
    return default if found is None else min(found.limit, default)


class anew:
    """While it lasts, this try has all of its time again.

    For each step of one that makes many, or it would be cut off for being long, and none of its steps is: a
    large file in parts, and what was held up by ourselves, by a limit on bytes or on what is at work at once.
    """

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        found = _current.get()
        self._token = None if found is None else found.begin()

    def __exit__(self, *exception: object) -> None:
        if self._token is not None:
            _current.reset(self._token)


def in_threads(function: Callable[P, R]) -> Callable[P, R]:
    """`function` for the threads of a pool, which by themselves know neither a limit nor who listens.

    Each call has the time of a whole try.
    """
    context = copy_context()

    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        with anew():
            return function(*args, **kwargs)

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(timed, *args, **kwargs)  # no two threads may be in one context

    return call


def _error(state: RetryCallState) -> Error:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Error)  # noqa: S101 - `_is_retryable` let nothing else come here
    return error


def _is_retryable(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return isinstance(error, Error) and error.retryable
