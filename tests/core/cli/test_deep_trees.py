"""Trees of a thousand levels: as quick as others; and what is too long for a path is told and stays."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.core.cli.conftest import Skycap

LEVELS = 1000


def files_of(top: Path) -> int:
    """How many files lie in a tree of one folder a level, however deep."""
    count, folder = 0, os.open(top, os.O_RDONLY)
    while True:
        names = set(os.listdir(folder))
        count += "f" in names
        deeper = names - {"f"}
        if not deeper:
            os.close(folder)
            return count
        above, folder = folder, os.open(deeper.pop(), os.O_RDONLY, dir_fd=folder)
        os.close(above)


def plant(top: Path, name: str) -> None:
    """A folder in a folder, a thousand times, with a file in each."""
    top.mkdir()
    folder = os.open(top, os.O_RDONLY)
    for _ in range(LEVELS):
        os.close(os.open("f", os.O_WRONLY | os.O_CREAT, dir_fd=folder))
        os.mkdir(name, dir_fd=folder)
        above, folder = folder, os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(above)
    os.close(folder)


def clear(top: Path) -> None:
    """Remove such a tree; what removes others recurses too deep, or asks for a path that is too long."""
    moved = itertools.count()
    while names := os.listdir(top):
        for name in names:
            if name == "f":
                os.unlink(top / name)
                continue
            for below in os.listdir(top / name):
                os.replace(top / name / below, top / ("f" if below == "f" else str(next(moved))))
            os.rmdir(top / name)
    top.rmdir()


@pytest.fixture
def planted(home: Path) -> Iterator[Callable[[str], Path]]:
    """Makes the folder `deep`, its folders called so; all is removed again, `deep` and `out`."""

    def make(name: str) -> Path:
        plant(home / "deep", name)
        return home / "deep"

    yield make
    for top in ("deep", "out"):
        if (home / top).exists():
            clear(home / top)


def test_a_thousand_levels_are_copied_compared_and_shown(
    planted: Callable[[str], Path], home: Path, skycap: Skycap
) -> None:
    deep = planted("d")
    assert skycap("copy", deep, home / "out").status == 0
    assert files_of(home / "out") == LEVELS
    assert skycap("check", deep, home / "out").status == 0
    tree = skycap("tree", home / "out")
    assert tree.status == 0
    assert len(tree.out.splitlines()) == 1 + 2 * LEVELS
    assert len(skycap("ls", "-R", deep).out.splitlines()) == 2 * LEVELS
    assert skycap("remove", "-r", "--yes", home / "out").status == 0
    assert not (home / "out").exists() or not os.listdir(home / "out")


@pytest.mark.parametrize("command", ["copy", "move"])
def test_what_is_too_long_for_a_path_is_told_and_stays(
    command: str, planted: Callable[[str], Path], home: Path, skycap: Skycap
) -> None:
    deep = planted("d" * 10)
    outcome = skycap(command, deep, home / "out")
    assert outcome.status == 3
    assert "too long" in outcome.err
    there, here = files_of(home / "out"), files_of(deep)
    assert there > 300
    assert here == (LEVELS if command == "copy" else LEVELS - there)
    for one in ("tree", "du", "ls"):
        told = skycap(one, *(["-R"] if one == "ls" else []), deep)
        assert told.status != 0
        assert "too long" in told.err
