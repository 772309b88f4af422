"""What a filter leaves out by size or age is left alone on both sides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from skycap.core.errors import Unsupported
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.storage.memory import Memory
from skycap.core.testing.faults import Faulty
from skycap.core.transfer import TransferOptions
from skycap.core.transfer.check import Checked, Finding, check
from skycap.core.transfer.filter import Filter
from tests.core.transfer.conftest import Runner, local, make_tree, tree_of


def test_sync_removes_nothing_for_a_source_that_is_too_large(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"grown": b"x" * 100, "new": b"1"})
    target = make_tree(tmp_path / "target", {"grown": b"x", "gone": b"2", "large and gone": b"x" * 100})
    options = TransferOptions(select=Filter.build(max_size=10))
    result = transfer(local(source), local(target), options).sync()
    assert result.exit_status == 0, result.failures
    assert set(tree_of(target)) == {"grown", "new", "large and gone"}
    assert (target / "grown").read_bytes() == b"x"


def test_a_move_keeps_the_folder_of_what_stays(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"a/large": b"x" * 100, "b/small": b"1"})
    target = tmp_path / "target"
    options = TransferOptions(select=Filter.build(exclude=["large"]))
    result = transfer(local(source), local(target), options).move()
    assert result.exit_status == 0, result.failures
    assert set(tree_of(source)) == {"a", "a/large"}


def test_the_clock_of_a_store_tells_the_age_where_nobody_else_does() -> None:
    store = Memory()
    store.write("a", b"1")
    entry = next(iter(store.scan("")))
    found = Filter.build(max_age_s=3600)
    assert entry.stored_at_ns is not None
    assert found.fits(1, entry.stored_at_ns)


def test_check_says_nothing_of_what_a_filter_leaves_out(tmp_path: Path) -> None:
    first = make_tree(tmp_path / "first", {"large": b"x" * 100, "small": b"1"})
    second = make_tree(tmp_path / "second", {"small": b"1"})
    told: list[Checked] = []
    options = TransferOptions(select=Filter.build(max_size=10))
    result = check(local(first), local(second), options, on_checked=told.append)
    assert result.exit_status == 0
    assert [item.finding for item in told] == [Finding.SAME]


def test_check_misses_no_link_where_none_can_be_kept(tmp_path: Path) -> None:
    first = make_tree(tmp_path / "first", {"link": "small", "small": b"1"})
    store = Memory(capabilities=Memory.capabilities - {Capability.MAKE_SYMLINK})
    store.write("small", b"1")
    result = check(local(first), Location(store), on_checked=lambda item: None)
    assert result.exit_status == 0


@pytest.mark.parametrize("verb", ["copy", "sync", "move"])
@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("single", [False, True])
def test_what_is_larger_than_the_target_takes_is_not_sent(
    verb: str, dry_run: bool, single: bool, transfer: Runner
) -> None:
    source, store = Memory(), Faulty(Memory(facts=replace(Memory.facts, max_size=10)))
    source.write("large", b"x" * 11)
    source.write("most", b"x" * 10)
    pair = [Location(one, "large" if single else "") for one in (source, store)]
    result = getattr(transfer(*pair, {"dry_run": dry_run}, single=single), verb)()
    (failure,) = result.failures
    assert (failure.path, type(failure.error)) == ("large", Unsupported)
    assert "11 B" in failure.error.message
    assert not any(call.path == "large" and call.verb != "stat" for call in store.calls)
    assert source.stat("large").size == 11
    assert result.counts.copied == (0 if single else 1)
