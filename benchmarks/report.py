"""Figures out of costs: medians, ratios against each peer, goals met or missed; as JSON and Markdown."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from typing import Any

from benchmarks.contenders import SKYCAP
from benchmarks.measure import Cost
from benchmarks.rounds import Costs
from benchmarks.scenarios import Scenario
from benchmarks.startup import LIMITS_S

MEMORY_LIMIT = 300 << 20


def machine() -> dict[str, Any]:
    """Where it was measured, without its name."""
    model = ""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            model = next((line.split(":")[1].strip() for line in stream if line.startswith("model name")), "")
    return {
        "system": platform.system(),
        "python": platform.python_version(),
        "processor": model,
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    }


def versions(environment: dict[str, str]) -> dict[str, str]:
    """The first line each program says about itself."""
    asked = {
        SKYCAP: ["skycap", "--version"],
        "rclone": ["rclone", "version"],
        "s5cmd": ["s5cmd", "version"],
        "aws": ["aws", "--version"],
        "SeaweedFS": ["weed", "version"],
        "cp": ["cp", "--version"],
    }
    found = {}
    for name, argv in asked.items():
        try:
            said = subprocess.run(
                argv, env=environment, capture_output=True, text=True, check=False, timeout=60
            )
        except FileNotFoundError:
            continue
        found[name] = (said.stdout or said.stderr).strip().splitlines()[0]
    return found


def summary(costs: list[Cost]) -> dict[str, Any]:
    """Medians, the fastest and slowest, and the largest memory of a contender's runs."""
    walls = sorted(one.wall_s for one in costs)
    return {
        "wall_s": round(statistics.median(walls), 4),
        "wall_min_s": round(walls[0], 4),
        "wall_max_s": round(walls[-1], 4),
        "cpu_s": round(statistics.median(one.cpu_s for one in costs), 4),
        "peak_bytes": max(one.peak_bytes for one in costs),
        "runs": len(costs),
    }


def judged(scenario: Scenario, costs: Costs, corpus_bytes: int) -> dict[str, Any]:
    """One scenario: every contender's summary with its ratio, and each goal with what was reached."""
    rows = {name: summary(measured) for name, measured in costs.items()}
    ours = rows[SKYCAP]["wall_s"]
    for row in rows.values():
        row["ratio"] = round(row["wall_s"] / ours, 2)
    groups: dict[str, float] = {}
    for one in scenario.contenders:
        if one.name in rows:
            groups[one.group] = min(groups.get(one.group, float("inf")), rows[one.name]["ratio"])
    goals = []
    for goal in scenario.goals:
        present = [groups[group] for group in goal.groups if group in groups]
        if present:
            reached = min(present)
            goals.append(
                {
                    "against": "best of " + ", ".join(goal.groups)
                    if len(goal.groups) > 1
                    else goal.groups[0],
                    "wanted": goal.ratio,
                    "reached": reached,
                    "met": reached >= goal.ratio,
                }
            )
    goals.append(
        {
            "against": "300 MiB of memory",
            "wanted": MEMORY_LIMIT,
            "reached": rows[SKYCAP]["peak_bytes"],
            "met": rows[SKYCAP]["peak_bytes"] < MEMORY_LIMIT,
        }
    )
    return {"name": scenario.name, "bytes": corpus_bytes, "contenders": rows, "goals": goals}


def judged_startup(costs: Costs) -> dict[str, Any]:
    """The start-up times beside their limits."""
    rows = {name: summary(measured) for name, measured in costs.items()}
    goals = [
        {
            "against": f"{name}: cpu",
            "wanted": limit,
            "reached": rows[name]["cpu_s"],
            "met": rows[name]["cpu_s"] < limit,
        }
        for name, limit in LIMITS_S.items()
    ]
    return {"name": "start-up", "contenders": rows, "goals": goals}


def markdown(results: dict[str, Any]) -> str:
    """The tables of a page: goals first, then every figure."""
    where = results["machine"]
    lines = [
        f"Measured on {where['system']}, {where['cores']} cores ({where['processor']}), "
        f"{where['memory_bytes'] / 2**30:.0f} GiB of memory, Python {where['python']}; "
        f"scale {results['scale']:g}, {results['rounds']} rounds. "
        + "; ".join(f"{name}: {said}" for name, said in results["versions"].items())
        + ".",
        "",
        "| scenario | goal against | wanted | reached | |",
        "|---|---|---|---|---|",
    ]
    for scenario in results["scenarios"]:
        for goal in scenario["goals"]:
            wanted, reached = goal["wanted"], goal["reached"]
            if wanted == MEMORY_LIMIT:
                wanted, reached = "< 300 MiB", f"{reached / 2**20:.0f} MiB"
            mark = "met" if goal["met"] else "**missed**"
            lines.append(f"| {scenario['name']} | {goal['against']} | {wanted} | {reached} | {mark} |")
    for scenario in results["scenarios"]:
        lines += [
            "",
            f"**{scenario['name']}**",
            "",
            "| | median, s | fastest to slowest, s | ratio | processor, s | peak memory, MiB |",
            "|---|---|---|---|---|---|",
        ]
        for name, row in scenario["contenders"].items():
            lines.append(
                f"| {name} | {row['wall_s']:.3g} | {row['wall_min_s']:.3g} to {row['wall_max_s']:.3g} "
                f"| {row.get('ratio', '')} | {row['cpu_s']:.3g} | {row['peak_bytes'] / 2**20:.0f} |"
            )
    return "\n".join(lines) + "\n"
