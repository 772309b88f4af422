"""What it costs to start: processor time of commands that hardly do anything."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders import Place
from benchmarks.measure import Cost, run

LIMITS_S = {"skycap --version": 0.1, "skycap --help": 0.4, "skycap copy, one small file": 0.5}


def play(place: Place, folder: Path, rounds: int, say: Callable[[str], None]) -> dict[str, list[Cost]]:
    """The costs of each command, one a round; beside ours a bare Python and rclone, as yardsticks."""
    source = folder / "one"
    shutil.rmtree(folder, ignore_errors=True)  # another run may have been here
    source.mkdir(parents=True)
    (source / "small.txt").write_text("a small file\n")
    commands: dict[str, Callable[[int], list[str]]] = {
        "skycap --version": lambda _: ["skycap", "--version"],
        "skycap --help": lambda _: ["skycap", "--help"],
        "skycap copy, one small file": lambda turn: [
            "skycap",
            "copy",
            str(source),
            str(folder / f"to-{turn}"),
        ],
        "python -c pass": lambda _: [sys.executable, "-c", "pass"],
        "rclone version": lambda _: ["rclone", "version"],
        "rclone copy, one small file": lambda turn: [
            "rclone",
            "copy",
            str(source),
            str(folder / f"rc-{turn}"),
        ],
    }
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for argv in commands.values():  # byte code is written once, by the first start after an installation
        run(argv(rounds), place.environment())
    for turn in range(rounds):
        for name, argv in commands.items():
            costs[name].append(run(argv(turn), place.environment()))
    for name, measured in costs.items():
        say(f"  {name:28} {min(one.cpu_s for one in measured):.3f} s cpu at best")
    return costs
