"""Nothing that may be the only copy is removed on a doubt."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.core.errors import AccessDenied, UsageError
from skycap.core.location import Location
from skycap.core.storage import Capability, Condition, Entry
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.crypt import Crypt
from skycap.core.storage.overlays.crypt.credentials import KeyFile
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.transfer import TransferOptions
from skycap.core.transfer.check import Checked, Finding, check
from skycap.core.transfer.events import Event, EventType
from skycap.core.transfer.guards import refuse_overlap
from tests.core.transfer.conftest import Runner, local, make_tree, tree_of


def test_nothing_is_removed_when_a_copy_failed(tmp_path: Path, transfer: Runner) -> None:
    """What a rename left behind at the target may be the only copy until the new name has arrived."""
    source = make_tree(tmp_path / "source", {"renamed": b"1"})
    store = Memory()
    store.write("old name", b"1")
    target = Faulty(store)
    target.on("write", Fault(AccessDenied("no")), times=9)
    result = transfer(local(source), Location(target)).sync()
    assert result.exit_status != 0
    assert [entry.path for entry in store.scan("")] == ["old name"]


def test_nothing_is_removed_for_a_source_that_was_swapped(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1", "b": b"2"})
    target = make_tree(tmp_path / "target", {"a": b"1", "b": b"2", "c": b"3"})

    def swap(event: Event) -> None:
        if event.type is EventType.UNCHANGED and event.path == "a":
            source.rename(tmp_path / "away")
            source.mkdir()

    result = transfer(local(source), local(target), listener=swap).sync()
    assert result.exit_status != 0
    assert set(tree_of(target)) == {"a", "b", "c"}


def test_a_folder_that_vanishes_while_it_is_listed_is_a_hole(tmp_path: Path, transfer: Runner) -> None:
    names = [f"d/{number:04}" for number in range(1000)]  # more than are looked at in one go
    source = make_tree(tmp_path / "source", dict.fromkeys(["a", *names], b"1"))
    target = make_tree(tmp_path / "target", dict.fromkeys(["a", *names], b"1"))

    def vanish(event: Event) -> None:
        if event.path == names[0] and (source / "d").exists():
            shutil.rmtree(source / "d")

    result = transfer(local(source), local(target), listener=vanish).sync()
    assert result.exit_status != 0
    assert set(tree_of(target)) == {"a", "d", *names}


def test_a_move_keeps_a_source_that_only_seems_to_be_there_already(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"f": b"AAAA"})
    target = make_tree(tmp_path / "target", {"f": b"BBBB"})
    for path in (source / "f", target / "f"):
        os.utime(path, ns=(1, 1))
    result = transfer(local(source), local(target)).move()
    assert result.exit_status != 0
    assert len(result.failures) == 1
    assert result.counts.unchanged == 1
    assert (source / "f").read_bytes() == b"AAAA"
    assert (target / "f").read_bytes() == b"BBBB"


def test_a_move_takes_all_names_of_a_file(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1"})
    os.link(source / "a", source / "b")
    result = transfer(local(source), local(tmp_path / "target")).move()
    assert result.exit_status == 0, result.failures
    assert set(tree_of(tmp_path / "target")) == {"a", "b"}
    assert tree_of(source) == {}


def test_a_move_that_follows_links_is_refused(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1"})
    with pytest.raises(UsageError, match="links"):
        transfer(local(source), local(tmp_path / "target"), TransferOptions(links="follow")).move()


def test_a_pipe_is_not_the_same_as_a_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first", make_tree(tmp_path / "second", {"a": b"p"})
    first.mkdir()
    os.mkfifo(first / "a")
    told: list[Checked] = []
    assert check(local(first), local(second), on_checked=told.append).exit_status == 3
    assert [item.finding for item in told] == [Finding.DIFFERENT]


def test_a_vault_and_the_folder_it_lies_in_are_one_place(tmp_path: Path) -> None:
    store = tmp_path / "store"
    vault = Location(Crypt(local(store).storage, KeyFile(bytes(32)), base="vault"))
    for there in (store, store / "vault", tmp_path):
        with pytest.raises(UsageError):
            refuse_overlap(vault, local(there))
    refuse_overlap(vault, local(store / "beside"))


def _lies(target: Memory) -> None:
    """Nothing is stored at all."""


def _truncates(target: Memory) -> None:
    target.write("f", b"12")


def _garbles(target: Memory) -> None:
    target.write("f", b"54321")


def _makes_a_folder(target: Memory) -> None:
    target.make_dir("f")


@pytest.mark.parametrize("verb", ["copy", "move"])
@pytest.mark.parametrize("does", [_lies, _truncates, _garbles, _makes_a_folder])
@pytest.mark.parametrize("word", [Entry("f"), Entry("f", size=5), Entry("f", size=4), Entry("elsewhere")])
def test_the_word_of_a_plugin_is_no_reason_to_remove_the_source(
    does: Callable[[Memory], None], word: Entry, verb: str, transfer: Runner
) -> None:
    here, there = Memory(), Memory()
    here.write("f", b"12345")

    def strategy() -> Entry:
        does(there)
        return word

    job = transfer(Location(here), Location(there), hook=lambda *_: strategy)
    result = getattr(job, verb)()
    assert result.exit_status != 0
    assert result.counts.copied == 0
    with here.read("f") as reader:
        assert reader.read() == b"12345"


def test_a_move_by_a_plugin_that_tells_the_truth_removes_the_source(transfer: Runner) -> None:
    here, there = Memory(), Memory()
    here.write("f", b"12345")
    hook = lambda *_: lambda: there.write("f", b"12345")  # noqa: E731
    result = transfer(Location(here), Location(there), hook=hook).move()
    assert result.exit_status == 0, result.failures
    assert (list(here.scan("")), there.stat("f").size) == ([], 5)


def test_what_a_server_copied_is_looked_at_before_the_source_goes(transfer: Runner) -> None:
    class HalfCopies(Memory):
        def copy(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
            return self.write(target, b"12")

    store = HalfCopies(capabilities=Memory.capabilities - {Capability.RENAME})
    store.write("a/f", b"12345")
    result = transfer(Location(store, "a"), Location(store, "b")).move()
    assert result.exit_status != 0
    assert store.stat("a/f").size == 5
