"""A source without any file may be a disk that is not mounted: nothing is removed because of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import ConfirmationRequired
from skycap.core.location import Location
from skycap.core.storage.memory import Memory
from skycap.core.testing.faults import Faulty
from skycap.core.transfer.events import EventType
from skycap.core.transfer.filter import Filter
from tests.core.transfer.conftest import Runner, Told, local, make_tree, tree_of

COPY = {"a": b"1", "sub/b": b"2"}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "target", COPY)


@pytest.mark.parametrize(
    ("tree", "options"),
    [
        ({}, {}),
        ({"void/deep": None}, {}),
        ({"x.tmp": b"1", "cache/x": b"2"}, {"select": Filter.build(exclude=["*.tmp", "cache/"])}),
        ({"x": b"1"}, {"select": Filter.build(include=["a", "sub/**"])}),
        ({"x": b"12345678"}, {"select": Filter.build(max_size=4)}),
        ({"x": "a link"}, {"links": "skip"}),
        ({"x": "a broken link"}, {"links": "follow"}),
    ],
    ids=["empty", "only folders", "left out", "not chosen", "too large", "links skipped", "links broken"],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_nothing_is_removed_because_of_an_empty_source(
    tmp_path: Path, target: Path, transfer: Runner, told: Told, tree: Any, options: Any, dry_run: bool
) -> None:
    source = local(make_tree(tmp_path / "source", tree))
    run = transfer(source, local(target), {**options, "dry_run": dry_run})
    with pytest.raises(ConfirmationRequired, match="no file is there") as caught:
        run.sync()
    assert caught.value.where == source.shown()
    assert "--allow-empty-source" in (caught.value.hint or "")
    assert {name: found[0] for name, found in tree_of(target).items() if found} == COPY
    assert (EventType.REMOVED in {event.type for event in told}) is dry_run


def test_who_allows_it_empties_the_target(tmp_path: Path, target: Path, transfer: Runner) -> None:
    source = local(make_tree(tmp_path / "source", {}))
    assert transfer(source, local(target), {"allow_empty_source": True}).sync().counts.removed == 3
    assert tree_of(target) == {}


@pytest.mark.parametrize("links", ["keep", "skip"])
def test_a_link_that_is_kept_is_enough(tmp_path: Path, target: Path, transfer: Runner, links: str) -> None:
    source = local(make_tree(tmp_path / "source", {"x": "elsewhere"}))
    run = transfer(source, local(target), {"links": links})
    if links == "skip":
        with pytest.raises(ConfirmationRequired):
            run.sync()
    else:
        assert run.sync().counts.removed == 3


def test_one_file_is_enough_also_where_it_is_left_alone(
    tmp_path: Path, target: Path, transfer: Runner
) -> None:
    source = local(make_tree(tmp_path / "source", {"a": b"other"}))
    assert transfer(source, local(target), {"overwrite": "never"}).sync().counts.removed == 2
    assert tree_of(target).keys() == {"a"}


def test_folders_without_files_go_unasked(tmp_path: Path, transfer: Runner) -> None:
    source = local(make_tree(tmp_path / "source", {}))
    target = make_tree(tmp_path / "target", {"void/deep": None})
    assert transfer(source, local(target)).sync().counts.removed == 2


def test_an_empty_source_and_an_empty_target_are_the_same(tmp_path: Path, transfer: Runner) -> None:
    source = local(make_tree(tmp_path / "source", {}))
    assert transfer(source, local(tmp_path / "target")).sync().exit_status == 0


def test_a_yes_counts_only_from_who_knows_that_the_source_is_empty(
    tmp_path: Path, target: Path, transfer: Runner
) -> None:
    source = local(make_tree(tmp_path / "source", {}))
    with pytest.raises(ConfirmationRequired, match="no file is there"):
        transfer(source, local(target)).sync(lambda removals: True)
    assert (target / "a").exists()

    def knows(removals: Any) -> bool:
        assert removals.emptying
        removals.allow_emptying()
        return True

    assert transfer(source, local(target)).sync(knows).counts.removed == 3


def test_who_is_asked_about_a_source_with_files_is_not_told_that_it_is_empty(
    tmp_path: Path, target: Path, transfer: Runner
) -> None:
    source = local(make_tree(tmp_path / "source", {"a": b"1"}))
    told = []

    def asked(removals: Any) -> bool:
        told.append(removals.emptying)
        return True

    assert transfer(source, local(target)).sync(asked).counts.removed == 2
    assert told == [False]


def test_it_is_seen_in_the_listing_that_is_there_anyway(transfer: Runner) -> None:
    here, there = Faulty(Memory()), Faulty(Memory())
    there.inner.write("a", b"1")
    with pytest.raises(ConfirmationRequired):
        transfer(Location(here), Location(there)).sync()
    assert [call.verb for call in here.calls] == ["scan_all"]
