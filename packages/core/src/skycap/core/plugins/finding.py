"""Finds the entry points of the group `skycap` among all that is installed, without importing any of it.

Reading the metadata of every installed distribution with `importlib.metadata` costs more than all the rest of
a start, so the entry points are read straight from the `*.dist-info` folders on `sys.path`, in the same order
and with the same meaning; where something else than folders can hold distributions, `importlib.metadata` is
asked after all.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from skycap.core.hookspecs import GROUP


@dataclass(frozen=True, slots=True)
class Found:
    """An entry point: its name and target, and the distribution that brought it."""

    name: str
    target: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} of {self.distribution} {self.version}"


def normal(name: str) -> str:
    """A name as it is compared: no case, and one sign for `-`, `_` and `.`."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def find(path: Iterable[str] | None = None) -> list[Found]:
    """Entry points of our group, in the order of `sys.path`; a distribution seen twice counts once."""
    folders = [entry or os.getcwd() for entry in (sys.path if path is None else path)]
    if path is None and _needs_metadata(folders):
        return list(_by_metadata())
    found: list[Found] = []
    seen: set[str] = set()
    for folder in folders:
        found += _in_folder(folder, seen)
    return found


def _needs_metadata(folders: Iterable[str]) -> bool:
    """Whether distributions can lie where a look at folders does not see them: archives, other finders."""
    standard = {"PathFinder", "BuiltinImporter", "FrozenImporter"}
    for finder in sys.meta_path:
        name = getattr(finder, "__name__", type(finder).__name__)
        if name not in standard and hasattr(finder, "find_distributions"):
            return True
    return any(os.path.isfile(folder) for folder in folders)


def _in_folder(folder: str, seen: set[str]) -> Iterator[Found]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in entries if e.name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return
    for name in names:
        distribution, _, version = name.rpartition(".")[0].partition("-")
        if (key := normal(distribution)) in seen:
            continue
        seen.add(key)
        try:
            with open(os.path.join(folder, name, "entry_points.txt"), encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError):
            continue
        for entry, target in parse_entry_points(text).items():
            yield Found(entry, target, distribution.replace("_", "-"), version.split("-")[0])


def parse_entry_points(text: str) -> Mapping[str, str]:
    """Names and targets of our group in an `entry_points.txt`."""
    found: dict[str, str] = {}
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]").strip()
        elif section == GROUP and line and not line.startswith(("#", ";")):
            name, _, target = line.partition("=")
            found[name.strip()] = target.partition("[")[0].strip()
    return found


def _by_metadata() -> Iterator[Found]:
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        distribution = point.dist
        yield Found(
            point.name,
            point.value.partition("[")[0].strip(),
            distribution.name if distribution else "?",
            distribution.version if distribution else "?",
        )
