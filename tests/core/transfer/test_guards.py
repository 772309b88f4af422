"""No place is copied onto itself or into itself, however it is reached."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from skycap.core.errors import Conflict, UsageError
from skycap.core.location import Location
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.limit import Bandwidth, Limited
from skycap.core.transfer.guards import refuse_overlap
from tests.core.transfer.conftest import Runner, local, make_tree


def at(path: Path, inside: str = "") -> Location:
    return Location(Local(path), inside, str(path))


def limited(path: Path) -> Location:
    return Location(Limited(Local(path), up=Bandwidth(1e9)), "", str(path))


def refused(source: Location, target: Location, match: str) -> None:
    with pytest.raises(UsageError, match=match) as caught:
        refuse_overlap(source, target)
    assert caught.value.hint
    assert caught.value.where


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree", {"a/b/c": b"1", "a-b/c": b"2", "link": "a"})


def test_a_place_and_itself(tree: Path) -> None:
    refused(at(tree), at(tree), "the same")
    refused(at(tree, "a"), at(tree / "a"), "the same")
    refused(at(tree / "link"), at(tree, "a"), "the same")
    refused(at(tree, "a/b/c"), at(tree / "a", "b/c"), "the same")


def test_a_target_inside_the_source(tree: Path) -> None:
    refused(at(tree), at(tree, "a"), "target is inside")
    refused(at(tree, "a"), at(tree / "link", "new/deeper"), "target is inside")
    refused(at(Path("/")), at(tree), "target is inside")


def test_a_source_inside_the_target(tree: Path) -> None:
    refused(at(tree, "a"), at(tree), "source is inside")


def test_places_that_only_look_alike_are_fine(tree: Path, tmp_path: Path) -> None:
    refuse_overlap(at(tree, "a"), at(tree, "a-b"))
    refuse_overlap(at(tree, "a"), at(tree, "a.new"))
    refuse_overlap(at(tree), at(tmp_path / "tree2"))
    refuse_overlap(at(tmp_path / "none"), at(tmp_path / "nothing"))
    refused(at(tmp_path / "none"), at(tmp_path / "none/below"), "target is inside")


def test_two_names_of_one_file_are_one_file(tree: Path) -> None:
    os.link(tree / "a/b/c", tree / "hard")
    refused(at(tree, "a/b/c"), at(tree, "hard"), "the same")


def test_overlays_do_not_hide_the_place(tree: Path) -> None:
    refused(limited(tree), at(tree / "a"), "target is inside")
    refused(at(tree), limited(tree / "a"), "target is inside")
    refused(limited(tree), limited(tree), "the same")


def test_two_remotes_of_one_place_are_one_place() -> None:
    first, second = (Location(Memory("guards"), "", name) for name in ("one:", "two:"))
    refused(first, second, "the same")
    refused(first, Location(second.storage, "x", "two:x"), "target is inside")
    refused(
        Location(first.storage, "x/y", "one:x/y"), Location(second.storage, "x", "two:x"), "source is inside"
    )
    refuse_overlap(Location(first.storage, "x"), Location(second.storage, "xy"))
    refuse_overlap(first, Location(Memory("another"), "", "three:"))


def test_a_transfer_onto_itself_changes_nothing(tree: Path, transfer: Runner) -> None:
    with pytest.raises(UsageError):
        transfer(at(tree), at(tree)).sync()
    with pytest.raises(UsageError):
        transfer(at(tree, "a"), at(tree)).move()
    assert (tree / "a/b/c").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_what_is_no_file_is_neither_replaced_nor_removed(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1", "pipe": b"a file"})
    target = make_tree(tmp_path / "target", {"old": b"x"})
    for name in ("pipe", "only"):
        os.mkfifo(target / name)
    result = transfer(local(source), local(target)).sync()
    assert {failure.path for failure in result.failures} >= {"pipe"}
    assert stat.S_ISFIFO((target / "pipe").lstat().st_mode)
    assert stat.S_ISFIFO((target / "only").lstat().st_mode)
    assert (target / "a").read_bytes() == b"1"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
@pytest.mark.parametrize("name", ["pipe", "link"])
def test_a_single_file_does_not_take_the_place_of_a_pipe(tmp_path: Path, transfer: Runner, name: str) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1"})
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    here, there = local(source), local(tmp_path)
    result = transfer(replace(here, path="a"), replace(there, path=name), single=True).copy()
    assert [type(failure.error) for failure in result.failures] == [Conflict]
    assert stat.S_ISFIFO((tmp_path / "pipe").lstat().st_mode)
    assert (tmp_path / "link").is_symlink()
