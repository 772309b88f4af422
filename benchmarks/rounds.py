"""One scenario, many rounds: every contender once a round, in an order that changes, each on a fresh target.

A target is fresh so that nobody profits from what another left; the files of the source are in the page cache
for all. What a run did is counted afterwards, outside the clock: a program that skipped half is not fast.

Targets stay until all is measured: ext4 looks for minutes at each inode that was freed a moment ago before it
gives out another, so that whoever runs after a removal of 20,000 files pays several times what they cost.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders import SKYCAP, Contender, Place
from benchmarks.corpora import Corpus
from benchmarks.measure import Cost, run
from benchmarks.scenarios import Scenario

Costs = dict[str, list[Cost]]
Count = Callable[[str], tuple[int, int]]
_LARGE = 1024 * 1024


class WorkMissing(RuntimeError):
    """A contender said it was done and was not."""


def play(
    scenario: Scenario,
    corpus: Corpus,
    place: Place,
    folder: Path,
    rounds: int,
    count_s3: Count,
    say: Callable[[str], None],
) -> Costs:
    """The costs of every contender, one a round."""
    contenders = [one for one in scenario.contenders if one.found]
    source = corpus.path
    if scenario.source == "s3":
        source = f"s3://{place.bucket}/source-{corpus.name}"
        _seed(corpus, source, place)
    costs: Costs = {one.name: [] for one in contenders}
    targets = {one.name: _target(scenario, one, "idle", place, folder) for one in contenders}
    if scenario.again:
        for one in contenders:
            _once(one, source, targets[one.name], place)
    for turn in range(rounds):
        for one in _order(contenders, turn):
            target = targets[one.name] if scenario.again else _target(scenario, one, str(turn), place, folder)
            # What an earlier run left to be written back must not be paid by this one.
            os.sync()
            cost = _once(one, source, target, place)
            _check(one, target, corpus, count_s3)
            costs[one.name].append(cost)
            say(f"  {one.name:24} {cost.wall_s:8.2f} s {cost.cpu_s:8.2f} s cpu {cost.peak_bytes >> 20:5} MiB")
            if not scenario.again and not target.startswith("s3://"):
                _hand_back(target)
    return costs


def _seed(corpus: Corpus, target: str, place: Place) -> None:
    """Put the corpus there for all to fetch, by a program that leaves no mark of its own on the objects."""
    run(["s5cmd", "--log", "error", "cp", f"{corpus.path}/", f"{target}/"], place.environment())


def _target(scenario: Scenario, one: Contender, turn: str, place: Place, folder: Path) -> str:
    name = "".join(letter if letter.isalnum() else "-" for letter in f"{scenario.name} {one.name} {turn}")
    if scenario.target == "s3":
        return f"s3://{place.bucket}/{name}"
    target = folder / name
    target.mkdir(parents=True)
    return str(target)


def _order(contenders: list[Contender], turn: int) -> list[Contender]:
    begin = turn % len(contenders)
    turned = contenders[begin:] + contenders[:begin]
    return turned[::-1] if turn % 2 else turned


def _once(one: Contender, source: str, target: str, place: Place) -> Cost:
    return run(one.argv(source, target), place.environment())


def _check(one: Contender, target: str, corpus: Corpus, count_s3: Count) -> None:
    found = count_s3(target) if target.startswith("s3://") else _count_local(target)
    if found != (corpus.files, corpus.bytes):
        kind = "skycap" if one.name == SKYCAP else one.name
        raise WorkMissing(f"{kind} left {found} files and bytes in {target}; {corpus.name} has {corpus}")


def _hand_back(target: str) -> None:
    """Give the memory and the blocks of large files back, so that the next run need not find others."""
    for folder, _, names in os.walk(target):
        for name in names:
            path = os.path.join(folder, name)
            if os.stat(path).st_size > _LARGE:
                os.truncate(path, 0)


def _count_local(target: str) -> tuple[int, int]:
    files = total = 0
    for folder, _, names in os.walk(target):
        for name in names:
            files += 1
            total += os.stat(os.path.join(folder, name)).st_size
    return files, total
