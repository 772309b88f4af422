"""The ways a file takes, and what goes wrong on them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import (
    ConfirmationRequired,
    DownloadFailed,
    IntegrityError,
    OutOfSpace,
    ScanFailed,
    UploadFailed,
    UsageError,
)
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.memory import Memory
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.transfer.events import EventType
from skycap.core.transfer.options import TransferOptions
from tests.core.transfer.conftest import Runner, Told, contents, local, make_tree

TREE = {
    "a": b"alpha",
    "a-b": b"",
    "dir/b": b"beta" * 1000,
    "dir/deep/er/c": b"gamma",
    "empty": None,
    "link": "a",
    "broken": "nowhere",
    os.fsdecode(b"not-\xff-text"): b"bytes",
    "é": b"composed",
    "e\u0301": b"decomposed",
}


def memory(**more: Any) -> Location:
    return Location(Memory(**more), "", "memory:")


# Strategies


@pytest.mark.parametrize("verb", ["copy", "sync", "move"])
def test_every_event_tells_of_which_transfer_it_is_and_the_whole_has_a_beginning_and_an_end(
    verb: str, transfer: Runner
) -> None:
    here, events = Memory(), list[Any]()
    here.write("a", b"1")
    source, target = Location(here, "", "here:"), Location(Memory(), "", "there:")
    getattr(transfer(source, target, listener=events.append), verb)()
    assert {event[-3:] for event in events} == {("here:", "there:", verb)}
    assert (events[0].type, events[-1].type) == (EventType.BEGUN, EventType.FINISHED)
    assert events[-1].error is None
    assert [event.type for event in events].count(EventType.FINISHED) == 1


def test_what_ended_a_transfer_early_is_told_at_its_end(tmp_path: Path, transfer: Runner) -> None:
    events, source = list[Any](), make_tree(tmp_path / "source", {"a": b"1"})
    target = make_tree(tmp_path / "target", {"b": b"1"})
    with pytest.raises(ConfirmationRequired) as caught:
        transfer(local(source), local(target), {"max_delete": 0}, listener=events.append).sync()
    assert (events[-1].type, events[-1].error) == (EventType.FINISHED, caught.value)


def test_what_a_plugin_offers_comes_first(transfer: Runner, told: Told) -> None:
    here, there = Memory(), Memory()
    here.write("a", b"1")
    here.write("b", b"2")

    def hook(source: Location, target: Location, entry: Entry) -> Any:
        return (lambda: target.storage.write("a", b"1")) if entry.path == "a" else None

    result = transfer(Location(here), Location(there), hook=hook).copy()
    assert contents(Location(there)) == {"a": b"1", "b": b"2"}
    assert result.counts.strategies == {"plugin": 1, "stream": 1}


@pytest.mark.parametrize("verb", ["rename", "copy"])
def test_a_fast_path_that_cannot_after_all_gives_way_to_the_next(
    transfer: Runner, told: Told, verb: str
) -> None:
    from skycap.core.errors import Unsupported

    store = Faulty(Memory())
    store.inner.write("from/a", b"1")
    store.on(verb, Fault(Unsupported("another file system")), times=9)
    run = transfer(Location(store, "from"), Location(store, "to"))
    result = run.move() if verb == "rename" else run.copy()
    assert result.exit_status == 0, result.failures
    assert contents(Location(store.inner, "to")) == {"a": b"1"}
    assert store.count(verb) == 1


def test_one_storage_copies_by_itself(transfer: Runner, told: Told) -> None:
    store = Memory()
    store.write("from/a", b"1")
    transfer(Location(store, "from"), Location(store, "to")).copy()
    assert told.strategies() - {"directory"} == {"server copy"}
    assert contents(Location(store)) == {"from/a": b"1", "to/a": b"1"}


def test_a_large_file_from_a_store_is_put_into_a_local_one_by_its_own_means(
    tmp_path: Path, transfer: Runner, told: Told
) -> None:
    here = Memory()
    here.write("a", b"x" * (3 << 20), metadata=Metadata(mtime_ns=123))
    assert transfer(Location(here), local(tmp_path / "target")).copy().exit_status == 0
    assert told.strategies() == {"native read"}
    assert (tmp_path / "target/a").stat().st_mtime_ns == 123


@pytest.mark.parametrize("size", [0, 10, 3 << 20])
def test_bytes_stream_through_where_there_is_no_other_way(transfer: Runner, told: Told, size: int) -> None:
    here, there = Memory(), Memory()
    here.write("a", b"x" * size, metadata=Metadata(mtime_ns=123, mode=0o600))
    result = transfer(Location(here), Location(there)).copy()
    assert told.strategies() == {"stream"}
    assert result.counts.bytes == size
    entry = there.stat("a")
    assert (entry.size, entry.metadata and entry.metadata.mode, entry.mtime_ns) == (size, 0o600, 123)


def test_without_metadata_only_the_time_is_kept(transfer: Runner) -> None:
    here, there = Memory(), Memory()
    here.write("a", b"x", metadata=Metadata(mtime_ns=123, mode=0o600))
    transfer(Location(here), Location(there), {"metadata": False}).copy()
    entry = there.stat("a")
    assert entry.mtime_ns == 123
    assert entry.metadata is not None
    assert entry.metadata.mode is None


def test_all_bytes_are_counted_however_they_travel(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"big": b"x" * (3 << 20), "small": b"1", "none": b""})
    for target in (local(tmp_path / "target"), memory()):
        assert transfer(local(source), target).copy().counts.bytes == (3 << 20) + 1


# What goes wrong


def test_what_arrives_broken_is_found_and_sent_again(transfer: Runner, told: Told) -> None:
    here, there = Memory(), Faulty(Memory())
    here.write("a", b"precious")
    there.on("write", Fault(flip_byte=3))
    result = transfer(Location(here), Location(there), {"verify": True}).copy()
    assert result.exit_status == 0, result.failures
    assert contents(Location(there.inner)) == {"a": b"precious"}
    assert result.counts.retries == 1
    assert [type(e.error) for e in told if e.type is EventType.RETRY] == [IntegrityError]


def test_what_stays_broken_fails_after_three_tries(transfer: Runner) -> None:
    here, there = Memory(), Faulty(Memory())
    here.write("a", b"precious")
    there.on("write", Fault(flip_byte=3), times=99)
    result = transfer(Location(here), Location(there), {"verify": True}).copy()
    assert [type(failure.error) for failure in result.failures] == [IntegrityError]
    assert there.count("write") == 3
    assert result.counts.copied == 0
    assert result.exit_status == 15


def test_a_store_that_lost_what_it_took_is_found_out(transfer: Runner) -> None:
    here, there = Memory(), Faulty(Memory())
    here.write("a", b"precious")
    there.on("write", Fault(lose=True), times=99)
    result = transfer(Location(here), Location(there), {"verify": True}).copy()
    assert [failure.path for failure in result.failures] == ["a"]


def test_a_file_that_grew_since_it_was_listed_is_copied_as_it_is_now(
    tmp_path: Path, transfer: Runner
) -> None:
    source = make_tree(tmp_path / "source", {"log": b"one"})
    there = memory()

    def grow(event: Any) -> None:
        if event.type is EventType.STARTED and event.path == "log":
            with open(source / "log", "ab") as file:
                file.write(b" two")

    result = transfer(local(source), there, listener=grow).copy()
    assert result.exit_status == 0, result.failures
    assert contents(there) == {"log": b"one two"}


def test_a_file_that_never_stands_still_fails_with_a_hint(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"log": b"one" * (1 << 20), "b": b"1"})
    here = Faulty(local(source).storage)  # so that its bytes pass through here
    there = memory()

    def grow(event: Any) -> None:
        if event.type is EventType.MOVED and event.path == "log":
            with open(source / "log", "ab") as file:
                file.write(b"more")

    result = transfer(Location(here), there, listener=grow).copy()
    assert [failure.path for failure in result.failures] == ["log"]
    assert isinstance(result.failures[0].error, UploadFailed)
    assert result.failures[0].error.hint
    assert contents(there) == {"b": b"1"}


def test_a_full_target_fails_each_file_that_does_not_fit(transfer: Runner) -> None:
    here = Memory()
    here.write("big", b"x" * 100)
    here.write("small", b"x")
    there = Memory(quota=50)
    result = transfer(Location(here), Location(there)).copy()
    assert [(f.path, type(f.error)) for f in result.failures] == [("big", OutOfSpace)]
    assert contents(Location(there)) == {"small": b"x"}
    assert result.exit_status == OutOfSpace.exit_status


def test_a_break_of_the_source_in_mid_file_leaves_the_old_one(transfer: Runner) -> None:
    here, there = Faulty(Memory()), Memory()
    here.inner.write("a", b"new" * (1 << 20))
    there.write("a", b"old")
    here.on("read", Fault(DownloadFailed("reset", retryable=False), after_bytes=1000), times=99)
    result = transfer(Location(here), Location(there)).copy()
    assert [type(failure.error) for failure in result.failures] == [DownloadFailed]
    assert contents(Location(there)) == {"a": b"old"}


def test_a_listing_that_breaks_off_copies_what_it_told_and_removes_nothing(transfer: Runner) -> None:
    here, there = Faulty(Memory()), Memory()
    for name in "abc":
        here.inner.write(name, b"1")
    there.write("c", b"1")
    there.write("old", b"1")
    here.on("scan_all", Fault(ScanFailed("gone"), after_bytes=2))
    result = transfer(Location(here), Location(there)).sync()
    assert sorted(contents(Location(there))) == ["a", "b", "c", "old"]
    assert result.counts.removed == 0
    assert ScanFailed in {type(failure.error) for failure in result.failures}


def test_a_bug_ends_the_run_as_what_it_is_and_hangs_nobody(transfer: Runner) -> None:
    class Buggy(Memory):
        def write(self, path: str, source: Any, **more: Any) -> Entry:
            raise ZeroDivisionError("a bug")

    here = Memory()
    for number in range(500):
        here.write(f"f{number}", b"1")
    run = transfer(Location(here), Location(Buggy()))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run.copy()
    assert run.cancel.is_set()
    assert not run.result.interrupted


def test_a_listener_that_raises_ends_the_run_too(transfer: Runner) -> None:
    here = Memory()
    for number in range(100):
        here.write(f"f{number}", b"1")

    def listener(event: Any) -> None:
        if event.type is EventType.COPIED:
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        transfer(Location(here), Location(Memory()), listener=listener).copy()


@pytest.mark.parametrize("transfers", [0, -1])
def test_fewer_than_one_transfer_is_refused(transfer: Runner, transfers: int) -> None:
    with pytest.raises(UsageError, match="at least one"):
        transfer(memory(), memory(), {"transfers": transfers}).copy()


def test_events_of_a_file_come_in_order(transfer: Runner, told: Told) -> None:
    here = Memory()
    here.write("a", b"12345")
    transfer(Location(here), memory()).copy()
    assert [(e.type, e.bytes) for e in told] == [
        (EventType.PLANNED, 0),
        (EventType.STARTED, 0),
        (EventType.MOVED, 5),
        (EventType.COPIED, 0),
    ]


# Links


def test_links_are_followed_but_never_round_in_circles(tmp_path: Path, transfer: Runner, told: Told) -> None:
    source = make_tree(
        tmp_path / "source", {"d/a": b"1", "d/up": "..", "to-a": "d/a", "to-d": "d", "gone": "none"}
    )
    result = transfer(local(source, links="follow"), memory(), {"links": "follow"}).copy()
    assert result.exit_status == 0
    copied = set(told.paths(EventType.COPIED))
    assert {"d/a", "to-a", "to-d/a"} <= copied
    assert "gone" in told.paths(EventType.SKIPPED)
    assert not any(path.count("up") > 1 for path in copied)


def test_links_that_the_target_cannot_keep_are_told(tmp_path: Path, transfer: Runner, told: Told) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1", "l": "a"})
    there = memory(capabilities=Memory.capabilities - {Capability.MAKE_SYMLINK})
    assert transfer(local(source), there).copy().exit_status == 0
    (skipped,) = [event for event in told if event.type is EventType.SKIPPED]
    assert skipped.path == "l"
    assert skipped.reason


def test_pipes_are_skipped_and_told(tmp_path: Path, transfer: Runner, told: Told) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1"})
    os.mkfifo(source / "pipe")
    assert transfer(local(source), local(tmp_path / "target")).copy().exit_status == 0
    assert told.paths(EventType.SKIPPED) == ["pipe"]


# Overwriting


def test_never_leaves_all_that_is_there(tmp_path: Path, transfer: Runner, told: Told) -> None:
    source = make_tree(tmp_path / "source", {"a": b"new", "l": "new", "b": b"new"})
    target = make_tree(tmp_path / "target", {"a": b"old.", "l": "old"})
    result = transfer(local(source), local(target), TransferOptions(overwrite="never")).copy()
    assert result.exit_status == 0
    assert (target / "a").read_bytes() == b"old."
    assert os.readlink(target / "l") == "old"
    assert (target / "b").read_bytes() == b"new"
    assert told.paths(EventType.SKIPPED) == ["a", "l"]
