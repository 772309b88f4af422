"""Seeded moments at which a command is killed, and the three ways to hit them."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skycap.core.testing.proxy import Request, Trouble, TroublingProxy
from tests.e2e.lab import Lab, end

SEED = int(os.environ.get("E2E_SEED", "20260"))
"""Set it to see the kills of another run again; tests print the one they use."""
KILLER = Path(__file__).with_name("killer")
# What a copy calls in the file system, and how often a seed may wait for it.
_CALLS = {
    "open": 1200,
    "rename": 500,
    "replace": 24,
    "utime": 500,
    "close": 1200,
    "mkdir": 20,
    "write": 500,
    "pwrite": 20,
    "copy_file_range": 24,
    "fsync": 2,
}


@dataclass(frozen=True)
class Moment:
    """When a run is to be killed: after a share of an undisturbed run, at a request, or at a call."""

    clock: float | None = None
    request: str | None = None
    """A part of the target of the requests that are counted."""
    call: str | None = None
    number: int = 0
    after: bool = False
    group: bool = True
    """Whether its children are killed with it."""


def moments(seed: int, count: int, ways: str) -> list[Moment]:
    """`count` of them; `ways` says how, in turn: `c`lock, `r`equest, one for the `l`arge file, `f`unction."""
    source = random.Random(f"{seed} {ways}")
    return [_moment(source, ways[number % len(ways)]) for number in range(count)]


def _moment(source: random.Random, way: str) -> Moment:
    if way == "c":
        return Moment(clock=source.uniform(0.15, 1.0), group=source.random() < 0.5)
    if way in "rl":
        text = "large.bin" if way == "l" else ""
        return Moment(request=text, number=source.randrange(1 << 30), after=source.random() < 0.5)
    call = source.choice(list(_CALLS))
    # Low numbers are as likely as high ones: there are calls that are made a few times only.
    number = int(2 ** source.uniform(0, _CALLS[call].bit_length()))
    return Moment(call=call, number=min(number, _CALLS[call]), after=source.random() < 0.5)


@dataclass
class Undisturbed:
    """How long a run takes when nobody disturbs it, and which requests it makes."""

    seconds: float
    requests: Sequence[Request] = ()

    def about(self, text: str) -> int:
        """How many requests have this in their target."""
        return sum(text in request.target for request in self.requests)


def measure(lab: Lab, *args: str | Path, proxy: TroublingProxy | None = None) -> Undisturbed:
    """Run it once to its end."""
    before = len(proxy.requests) if proxy else 0
    started = time.monotonic()
    outcome = lab.run(*args)
    assert outcome.status == 0, outcome.err
    return Undisturbed(time.monotonic() - started, proxy.requests[before:] if proxy else ())


def killed(
    lab: Lab,
    args: list[str | Path],
    moment: Moment,
    usual: Undisturbed,
    *,
    proxy: TroublingProxy | None = None,
) -> bool:
    """Start the command and kill it at the moment; False if it ended before that."""
    if moment.clock is not None:
        return _by_clock(lab, args, moment.clock * usual.seconds, group=moment.group)
    if moment.call is not None:
        when = "after" if moment.after else "before"
        env = {"PYTHONPATH": str(KILLER), "E2E_DIE": f"{moment.call}:{moment.number}:{when}"}
        return _ended_by_kill(lab.start(*args, env=env))
    assert proxy is not None
    assert moment.request is not None
    number = moment.number % usual.about(moment.request) + 1
    return _by_request(lab, args, moment.request, number, proxy, after=moment.after)


def _by_clock(lab: Lab, args: list[str | Path], seconds: float, *, group: bool) -> bool:
    process = lab.start(*args)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return end(process, group=group).status == -signal.SIGKILL
    return _ended_by_kill(process)


def _by_request(
    lab: Lab, args: list[str | Path], text: str, number: int, proxy: TroublingProxy, *, after: bool
) -> bool:
    left = itertools.count(number - 1, -1)
    running: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        os.killpg(running[0].pid, signal.SIGKILL)

    def schedule(request: Request) -> Trouble | None:
        if text not in request.target or next(left) != 0:
            return None
        # `after`: the server gets what has left the client, and does what it says; nobody hears the answer.
        return Trouble(wait=kill, reset=None if after else "before")

    proxy.schedule = schedule
    try:
        running.append(lab.start(*args))
        return _ended_by_kill(running[0])
    finally:
        proxy.heal()


def _ended_by_kill(process: subprocess.Popen[bytes]) -> bool:
    out, err = process.communicate(timeout=120)
    assert process.returncode in {0, -signal.SIGKILL}, (process.returncode, out, err)
    return process.returncode != 0
