"""Two writers and one or two pruners over one store, under a scheduler that a seed decides wholly."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.backup.protocol.looking import Steps, merge
from tests.backup.protocol.pruner import Pruner
from tests.backup.protocol.rules import GRACE, LAGS, LONGEST_PAUSE, Rules
from tests.backup.protocol.store import Store
from tests.backup.protocol.writer import Writer

STEPS = 1_200


@dataclass(frozen=True)
class Weather:
    """How late listings are, how often machines sleep, how long they rest between runs, in minutes."""

    lag: int
    writers_sleep: float
    pruners_sleep: float
    rest: int
    pruners: int
    store_times: bool
    keep_young: int

    @classmethod
    def of(cls, rng: random.Random) -> Weather:
        """One that a seed picks."""
        sleep = [0.01, 0.05, 0.15, 0.3]
        return cls(
            rng.choice(LAGS),
            rng.choice(sleep),
            rng.choice(sleep),
            rng.choice([5, GRACE // 2]),
            rng.choice([1, 1, 2]),
            rng.random() < 0.7,
            rng.choice([0, 0, GRACE]),
        )


class Lost(AssertionError):
    """A snapshot that was committed cannot be read."""


def simulate(seed: int, rules: Rules, *, weather: Weather | None = None, steps: int = STEPS) -> int:
    """Play one seed; the number of snapshots that were committed. Raises Lost, with the seed."""
    rng = random.Random(seed)
    weather = weather or Weather.of(rng)
    store = Store(rng, weather.lag)
    numbers = itertools.count(1)
    actors: list[tuple[Callable[[], Steps], float]] = [
        (Writer(store, rules, rng, numbers, skew(rng)).run, weather.writers_sleep) for _ in range(2)
    ]
    for _ in range(weather.pruners):
        pruner = Pruner(
            store,
            rules,
            rng,
            numbers,
            skew(rng),
            store_times=weather.store_times,
            keep_young=weather.keep_young,
        )
        actors.append((pruner.run, weather.pruners_sleep))
    queue = [(rng.randint(0, 50), number, actor()) for number, (actor, _) in enumerate(actors)]
    heapq.heapify(queue)
    seen = -1
    committed: set[str] = set()
    for _ in range(steps):
        at, number, steps_left = heapq.heappop(queue)
        store.now = max(store.now, at)
        actor, sleepy = actors[number]
        wait = pause(rng, sleepy)
        if rng.random() < 0.005:
            # A crash: all it knew is lost, and what it stored is there.
            steps_left.close()
            steps_left = actor()
        try:
            next(steps_left)
        except StopIteration:
            steps_left = actor()
            wait += rng.randint(0, weather.rest)
        heapq.heappush(queue, (store.now + wait, number, steps_left))
        if store.changes != seen:
            seen = store.changes
            judge(store, rules, seed, committed)
    for _, _, steps_left in queue:
        steps_left.close()
    return len(committed)


def skew(rng: random.Random) -> int:
    """How far a machine's clock is off."""
    return rng.randint(-GRACE // 4, GRACE // 4)


def pause(rng: random.Random, sleepy: float) -> int:
    """Minutes to the next step: few, mostly; sometimes a machine sleeps far longer than the grace."""
    if rng.random() < sleepy:
        return rng.randint(GRACE // 10, LONGEST_PAUSE)
    return rng.randint(0, 3)


def judge(store: Store, rules: Rules, seed: int, committed: set[str]) -> None:
    """Every backup that is there can be read: each blob in a pack that exists and that the index names."""
    packs, _ = merge(store.present("index"), rules)
    there = store.present("packs")
    readable = {blob for name, blobs in packs.items() if name in there for blob in blobs}
    for name, snapshot in store.present("snapshots").items():
        if snapshot.complete:
            committed.add(name)
            if not snapshot.blobs <= readable:
                lost = sorted(snapshot.blobs - readable)
                raise Lost(f"seed {seed}, minute {store.now}: snapshot {name} has lost {lost} under {rules}")
