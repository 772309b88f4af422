"""The rules of docs/backup/format.md keep every committed snapshot readable, and none of them is idle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.backup.protocol.rules import Rules
from tests.backup.protocol.simulation import Lost, Weather, simulate

BATCH = 50
HARD = Weather(
    lag=45, writers_sleep=0.15, pruners_sleep=0.01, rest=5, pruners=2, store_times=True, keep_young=0
)
SLEEPY = replace(HARD, writers_sleep=0.3, pruners=1)

# A rule that is taken out, the weather, and seeds in which a snapshot is lost then.
BROKEN: dict[str, tuple[dict[str, object], Weather | None, list[int]]] = {
    "no look before the snapshot": ({"recheck": False}, None, [0, 13, 31]),
    "no intent": ({"intent": False}, None, [5, 38, 141]),
    "intents do not count": ({"intents_count": False}, None, [0, 4, 20]),
    "intents go at once": ({"intents_stay": False}, HARD, [402, 484]),
    "no grace": ({"grace": 0}, HARD, [0, 4, 14]),
    "age measured late": ({"age_first": False}, HARD, [204, 214, 277]),
    "no second listing of snapshots": ({"fresh_list": False}, None, [4, 5, 8]),
    "names that come back": ({"random_names": False}, None, [0, 4, 5]),
    "index before marks": ({"marks_first": False}, SLEEPY, [1844]),
    "marks go with the drop": ({"marks_stay": False}, HARD, [59, 126, 167]),
    "nothing is dropped for good": ({"drops": False}, HARD, [4, 6, 7]),
    "drops are not carried over": ({"drops_are_carried": False}, None, [29, 83, 113]),
    "marked packs count": ({"marked_is_gone": False}, None, [0, 2, 4]),
    "packs are un-marked": ({"rescue": False}, HARD, [13, 20, 33]),
}


@pytest.mark.parametrize("first", range(0, 500, BATCH))
def test_no_committed_snapshot_is_lost(first: int) -> None:
    print(f"seeds {first} to {first + BATCH - 1}")
    committed = sum(simulate(seed, Rules()) for seed in range(first, first + BATCH))
    assert committed > 20 * BATCH


@pytest.mark.long
def test_no_committed_snapshot_is_lost_in_10_000_seeds() -> None:
    committed = sum(simulate(seed, Rules()) for seed in range(10_000))
    print(f"10,000 seeds, {committed} snapshots committed")
    assert committed > 200_000


@pytest.mark.long
@pytest.mark.parametrize("weather", [HARD, SLEEPY], ids=["hard", "sleepy"])
def test_no_committed_snapshot_is_lost_in_bad_weather(weather: Weather) -> None:
    play(list(range(2_000)), Rules(), weather)


def play(seeds: list[int], rules: Rules, weather: Weather | None) -> None:
    for seed in seeds:
        simulate(seed, rules, weather=weather)


@pytest.mark.parametrize("broken", BROKEN)
def test_every_rule_is_needed(broken: str) -> None:
    changes, weather, seeds = BROKEN[broken]
    rules = replace(Rules(), **changes)  # type: ignore[arg-type] # each is a field
    with pytest.raises(Lost, match="has lost"):
        play(seeds, rules, weather)


@pytest.mark.parametrize("broken", BROKEN)
def test_those_seeds_are_safe_by_the_rules(broken: str) -> None:
    _, weather, seeds = BROKEN[broken]
    play(seeds, Rules(), weather)


def test_a_seed_decides_everything() -> None:
    assert simulate(7, Rules()) == simulate(7, Rules())
