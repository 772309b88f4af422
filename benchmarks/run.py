"""Run the benchmarks: skycap and its peers, interleaved, in one run.

    uv run --group bench python -m benchmarks.run                     # the whole; an hour on two cores
    uv run --group bench python -m benchmarks.run --scale 0.05        # a twentieth, to see that it works
    uv run --group bench python -m benchmarks.run --only 'small.*S3'  # some

Machines are noisy and differ: quote ratios. A ratio is the time of a peer over that of skycap, in one run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import corpora, measure, report, startup
from benchmarks.contenders import Place
from benchmarks.measure import CommandFailed
from benchmarks.rounds import Costs, WorkMissing, play
from benchmarks.scenarios import Scenario, scenarios
from benchmarks.server import s3

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Measure, print the tables, keep them; 1 when a program failed, or a goal was missed and `--strict`."""
    arguments = _parser().parse_args()
    work = Path(arguments.work or tempfile.mkdtemp(prefix="skycap-bench-")).resolve()
    work.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {
        "measured": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": report.machine(),
        "versions": {},
        "scale": arguments.scale,
        "rounds": arguments.rounds,
        "scenarios": [],
    }
    failed: list[str] = []
    targets = Path(tempfile.mkdtemp(prefix="targets-", dir=work))
    measure.touch_memory()
    try:
        for scenario in scenarios(endpoint=""):
            if re.search(arguments.only, scenario.name):
                print(f"==> {scenario.name}", flush=True)
                try:
                    results["scenarios"].append(_measure(scenario, work, targets, arguments))
                except (CommandFailed, WorkMissing) as error:  # the other scenarios still tell something
                    print(error, file=sys.stderr)
                    failed.append(scenario.name)
        if re.search(arguments.only, "start-up"):
            print("==> start-up", flush=True)
            costs = startup.play(_home(work), work / "start", max(10, arguments.rounds), _say)
            results["scenarios"].append(report.judged_startup(costs))
        results["versions"] = report.versions(_home(work).environment())
    finally:
        shutil.rmtree(work if not arguments.work else targets, ignore_errors=True)
    page = report.markdown(results)
    arguments.results.mkdir(parents=True, exist_ok=True)
    name = results["measured"].replace(":", "")
    (arguments.results / f"{name}.json").write_text(json.dumps(results, indent=2) + "\n")
    (arguments.results / f"{name}.md").write_text(page)
    print(f"\n{page}")
    if failed:
        print(f"failed, and without figures: {'; '.join(failed)}", file=sys.stderr)
        return 1
    met = all(goal["met"] for scenario in results["scenarios"] for goal in scenario["goals"])
    return 0 if met or not arguments.strict else 1


def _measure(scenario: Scenario, work: Path, targets: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    corpus = corpora.make(scenario.corpus, work, arguments.scale)
    home = _home(work)
    costs: Costs
    if scenario.needs_s3:
        with s3(home.home, work / "seaweed") as (place, count):
            # awscli reads no endpoint from the environment of version 1: it is part of its command.
            whole = next(one for one in scenarios(place.endpoint) if one.name == scenario.name)
            costs = play(whole, corpus, place, targets, arguments.rounds, count, _say)
    else:
        costs = play(scenario, corpus, home, targets, arguments.rounds, lambda _: (0, 0), _say)
    return report.judged(scenario, costs, corpus.bytes)


def _home(work: Path) -> Place:
    home = work / "home"
    home.mkdir(exist_ok=True)
    return Place(home)


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="skycap and its peers, interleaved, in one run.")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the whole; 0.05 a twentieth")
    parser.add_argument("--rounds", type=int, default=3, help="measured runs of each contender")
    parser.add_argument("--only", default="", metavar="REGEX", help="scenarios whose name matches")
    parser.add_argument("--work", metavar="DIR", help="where corpora are kept; else a folder that goes away")
    parser.add_argument("--results", type=Path, default=HERE / "results", metavar="DIR")
    parser.add_argument("--strict", action="store_true", help="status 1 when a goal is missed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
