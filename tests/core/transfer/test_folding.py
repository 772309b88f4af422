"""Where capital and small letters are one, no file takes the place of another, and none is removed for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skycap.core.errors import Conflict, Unsupported, UsageError
from skycap.core.location import Location
from skycap.core.storage import Condition, Entry, Metadata, Source
from skycap.core.storage.memory import Memory
from skycap.core.transfer.events import EventType
from tests.core.transfer.conftest import Runner, Told, contents

FOLDING = replace(Memory.facts, case_sensitive=False)
CHOOSING = replace(Memory.facts, names_on_write=True)


class Choosing(Memory):
    """A store that gives its files names of its own."""

    facts = CHOOSING

    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        return super().write(f"{path}.1", source, size=size, metadata=metadata, condition=condition)


def place(files: dict[str, bytes], folds: bool = False) -> Location:
    storage = Memory(facts=FOLDING if folds else None)
    for path, content in files.items():
        storage.write(path, content, metadata=Metadata(mtime_ns=10**18))
    return Location(storage, "", "memory:")


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_sync_does_not_remove_what_it_wrote_under_other_letters(
    dry_run: bool, transfer: Runner, told: Told
) -> None:
    source = place({"Readme": b"new", "Dir/X": b"1", "b": b"2"})
    target = place({"README": b"old", "dir/x": b"0", "dir/gone": b"3", "B": b"2"}, folds=True)
    result = transfer(source, target, {"dry_run": dry_run}).sync()
    assert result.exit_status == 0
    assert told.paths(EventType.REMOVED) == ["dir/gone"]
    if not dry_run:
        assert contents(target) == {"README": b"new", "dir/x": b"1", "B": b"2"}


@pytest.mark.parametrize("verb", ["copy", "move", "sync"])
@pytest.mark.parametrize("there", [{}, {"a": b"small"}, {"A": b"CAPITAL"}])
def test_the_second_of_two_names_that_are_one_at_the_target_is_refused(
    verb: str, there: dict[str, bytes], transfer: Runner
) -> None:
    source, target = place({"A": b"CAPITAL", "a": b"small"}), place(there, folds=True)
    result = getattr(transfer(source, target), verb)()
    (failure,) = result.failures
    assert (failure.path, type(failure.error)) == ("a", Conflict)
    assert list(contents(target).values()) == [b"CAPITAL"]
    assert contents(source)["a"] == b"small"
    assert ("A" in contents(source)) == (verb != "move")


def test_a_dry_run_tells_what_will_be_refused(transfer: Runner, told: Told) -> None:
    source, target = place({"A": b"CAPITAL", "a": b"small"}), place({}, folds=True)
    result = transfer(source, target, {"dry_run": True}).copy()
    assert (told.paths(EventType.COPIED), told.paths(EventType.FAILED)) == (["A"], ["a"])
    assert result.exit_status != 0


def test_many_names_are_removed_in_order_and_deepest_first(transfer: Runner) -> None:
    target = place({f"d{number}/e/f": b"1" for number in range(30)}, folds=True)
    result = transfer(place({"D7/E/F": b"1"}), target).sync()
    assert result.exit_status == 0, result.failures
    assert contents(target) == {"d7/e/f": b"1"}
    assert [entry.path for entry in target.storage.scan("")] == ["d7"]


@pytest.mark.parametrize(("here", "there"), [("Dir", "dir"), ("dir", "DIR/sub"), ("Dir/sub", "dir")])
def test_one_folder_in_two_spellings_is_one_folder(here: str, there: str, transfer: Runner) -> None:
    storage = place({"dir/sub/f": b"1"}, folds=True).storage
    with pytest.raises(UsageError):
        transfer(Location(storage, here), Location(storage, there)).move()
    assert contents(Location(storage)) == {"dir/sub/f": b"1"}


def test_a_sync_to_a_store_that_chooses_the_names_is_refused(transfer: Runner) -> None:
    target = Location(Choosing())
    with pytest.raises(Unsupported):
        transfer(place({"a": b"1"}), target).sync()
    result = transfer(place({"a": b"1"}), target).copy()
    assert (result.exit_status, contents(target)) == (0, {"a.1": b"1"})


def test_what_is_stored_under_another_name_is_no_success(transfer: Runner) -> None:
    class Mistaken(Choosing):
        facts = Memory.facts

    source = place({"a": b"1"})
    assert transfer(source, Location(Mistaken())).move().exit_status != 0
    assert contents(source) == {"a": b"1"}
