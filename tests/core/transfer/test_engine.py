"""Copy, sync and move between real places: what is there afterwards, and what was told of it."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import (
    AccessDenied,
    ConfirmationRequired,
    Conflict,
    Error,
    NotFound,
    Unsupported,
)
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.memory import Memory
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.testing.unprivileged import as_nobody
from skycap.core.transfer.engine import Transfer
from skycap.core.transfer.events import EventType
from tests.core.transfer.conftest import Runner, Told, contents, local, make_tree, tree_of

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


# Copy


def test_a_copy_has_all_that_the_source_has(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", TREE)
    (source / "a").chmod(0o640)
    (source / "dir").chmod(0o750)
    os.utime(source / "dir", ns=(5 * 10**9, 7 * 10**9))
    result = transfer(local(source), local(tmp_path / "target")).copy()
    assert result.exit_status == 0, result.failures
    assert tree_of(tmp_path / "target") == tree_of(source)
    made = (tmp_path / "target" / "dir").stat()
    assert (stat.S_IMODE(made.st_mode), made.st_mtime_ns) == (0o750, 7 * 10**9)
    assert result.counts.copied == 13
    assert result.counts.bytes == sum(len(v) for v in TREE.values() if isinstance(v, bytes))


def test_a_second_copy_does_nothing(tmp_path: Path, transfer: Runner, told: Told) -> None:
    source = make_tree(tmp_path / "source", TREE)
    transfer(local(source), local(tmp_path / "target")).copy()
    told.clear()
    result = transfer(local(source), local(tmp_path / "target")).copy()
    assert {event.type for event in told} == {EventType.UNCHANGED}
    assert result.counts.unchanged == 9
    assert result.exit_status == 0


def test_a_round_trip_through_memory_keeps_all_that_both_can_keep(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", TREE)
    (source / "a").chmod(0o600)
    there = memory()
    assert transfer(local(source), there).copy().exit_status == 0
    assert transfer(there, local(tmp_path / "back")).copy().exit_status == 0
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_a_single_file_goes_to_the_name_that_was_given(tmp_path: Path, transfer: Runner, told: Told) -> None:
    source = make_tree(tmp_path / "source", {"a": b"alpha"})
    there = memory()
    result = transfer(
        Location(local(source).storage, "a"), Location(there.storage, "x/y"), single=True
    ).copy()
    assert result.exit_status == 0
    assert contents(there) == {"x/y": b"alpha"}
    assert {event.path for event in told} == {"a"}


def test_a_single_file_that_is_not_there_is_told(tmp_path: Path, transfer: Runner) -> None:
    there = memory()
    result = transfer(Location(there.storage, "none"), Location(memory().storage, "x"), single=True).copy()
    assert result.counts.copied == 0


def test_a_source_that_is_not_there_fails_and_nothing_is_removed(tmp_path: Path, transfer: Runner) -> None:
    target = make_tree(tmp_path / "target", {"a": b"1"})
    result = transfer(local(tmp_path / "none"), local(target)).sync()
    assert result.exit_status == NotFound.exit_status
    assert (target / "a").exists()


def test_an_empty_listing_of_prefixes_is_a_name_that_does_not_exist(tmp_path: Path, transfer: Runner) -> None:
    target = make_tree(tmp_path / "target", {"a": b"1"})
    prefixes = Memory(facts=_without_dirs())
    result = transfer(Location(prefixes, "typo", "s3:typo"), local(target)).sync()
    assert result.exit_status == NotFound.exit_status
    assert (target / "a").exists()
    with pytest.raises(ConfirmationRequired):
        transfer(Location(prefixes, "", "s3:"), local(target)).sync()
    assert (target / "a").exists()


def test_an_unreadable_file_is_told_and_all_others_are_copied(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1", "b": b"2", "c": b"3" * (2 << 20)})
    for name in ("b", "c"):
        (source / name).chmod(0)
    target = tmp_path / "target"
    target.mkdir()
    target.chmod(0o777)
    _open_up(tmp_path, target)

    def run() -> tuple[int, int, list[tuple[str, Error]]]:
        state = str(target / "state")
        result = Transfer(local(source), local(target / "copy"), state_folder=state).copy()
        return result.exit_status, result.counts.copied, [(f.path, f.error) for f in result.failures]

    codecs.lookup("ascii")  # nobody may not read the library of this Python
    status, copied, failures = as_nobody(run)
    assert status == 3
    assert copied == 1
    assert sorted(path for path, _ in failures) == ["b", "c"]
    assert all(isinstance(error, AccessDenied) and error.hint for _, error in failures)
    assert sorted(os.listdir(target / "copy")) == ["a"]


def test_a_folder_that_cannot_be_listed_keeps_everything_at_the_target(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "source", {"closed/b": b"2", "a": b"1"})
    target = tmp_path / "top" / "target"
    make_tree(target, {"closed/b": b"2", "closed/c": b"3", "old": b"4"})
    for path in (tmp_path / "top", target, target / "closed"):
        path.chmod(0o777)
    (source / "closed").chmod(0)
    _open_up(tmp_path, tmp_path / "top")

    def run() -> tuple[int, int, list[str]]:
        state = str(tmp_path / "top" / "state")
        result = Transfer(local(source), local(target), state_folder=state).sync()
        return result.exit_status, result.counts.removed, [str(f.error) for f in result.failures]

    codecs.lookup("ascii")
    status, removed, failures = as_nobody(run)
    assert status == 3
    assert removed == 0
    assert (target / "closed" / "b").exists()
    assert (target / "old").exists()
    assert any("left alone" in text for text in failures)


def test_a_read_only_directory_is_copied_with_all_that_is_in_it(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "source", {"ro/in/a": b"1"})
    for path in (source / "ro" / "in", source / "ro"):
        path.chmod(0o555)
    target = tmp_path / "target"
    target.mkdir()
    target.chmod(0o777)
    _open_up(tmp_path, target)

    def run() -> int:
        return (
            Transfer(local(source), local(target / "copy"), state_folder=str(target / "state"))
            .copy()
            .exit_status
        )

    codecs.lookup("ascii")
    assert as_nobody(run) == 0
    assert stat.S_IMODE((target / "copy" / "ro").stat().st_mode) == 0o555
    assert (target / "copy" / "ro" / "in" / "a").read_bytes() == b"1"


def _open_up(top: Path, end: Path) -> None:
    """Let anybody come this far: the folders of tests are private."""
    path = end
    while path != Path("/tmp") and path.stat().st_uid == os.getuid() and path != path.parent:
        path.chmod(path.stat().st_mode | 0o755)
        path = path.parent


def test_a_source_file_that_vanishes_fails_by_itself(tmp_path: Path, transfer: Runner, told: Told) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1", "b": b"2" * (2 << 20), "c": b"3"})
    there = memory()

    def vanish(event: Any) -> None:
        if event.type is EventType.PLANNED and event.path in {"a", "b"}:
            (source / event.path).unlink()

    result = transfer(local(source), there, {"transfers": 1}, listener=vanish).copy()
    assert sorted(failure.path for failure in result.failures) == ["a", "b"]
    assert contents(there) == {"c": b"3"}
    assert result.exit_status == 3


# Sync


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"a": b"1"}, {"a": None, "a/b/c": b"2", "a/d": None}),
        ({"a/b": b"1", "a-b": b"2"}, {"a": b"3", "a-b": None}),
        ({"a/b": b"1", "b/x": b"2"}, {"a": "b", "b/x": b"2", "b/b": b"old"}),
        ({"a": "b", "b": b""}, {"a/x": b"1", "b": b""}),
        ({"a": b"1"}, {"a": "elsewhere"}),
        ({"a": "x"}, {"a": b"1"}),
        ({"a": "x"}, {"a": "y"}),
        ({}, {"a/b/c/d": None, "a/b/e": b"1"}),
    ],
)
def test_after_a_sync_both_are_equal_whatever_stood_where(
    tmp_path: Path, transfer: Runner, told: Told, ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    source, target = make_tree(tmp_path / "source", ours), make_tree(tmp_path / "target", theirs)
    result = transfer(local(source), local(target), {"allow_empty_source": True}).sync()
    assert result.exit_status == 0, result.failures
    assert tree_of(target) == tree_of(source)
    told.clear()
    transfer(local(source), local(target)).sync()
    assert {event.type for event in told} <= {EventType.UNCHANGED}


def test_no_byte_goes_through_a_link_at_the_target(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"a/x": b"for a", "b/x": b"for b"})
    target = make_tree(tmp_path / "target", {"a": "b", "b/x": b"for b"})
    result = transfer(local(source), local(target)).copy()
    assert sorted(failure.path for failure in result.failures) == ["a", "a/x"]
    assert all(isinstance(failure.error, Conflict) and failure.error.hint for failure in result.failures)
    assert (target / "b/x").read_bytes() == b"for b"


def test_where_directories_are_only_prefixes_a_sync_clears_what_stands_in_the_way(
    tmp_path: Path, transfer: Runner
) -> None:
    store = Memory(facts=_without_dirs())
    store.write("a", b"object")
    store.write("keep/x", b"1")
    target = make_tree(tmp_path / "target", {"a/b/c": b"old", "keep/x": b"1", "keep/y/z": b"old"})
    result = transfer(Location(store), local(target)).sync()
    assert result.exit_status == 0, result.failures
    assert (target / "a").read_bytes() == b"object"
    assert not (target / "keep/y/z").exists()


def _without_dirs() -> Any:
    from dataclasses import replace

    return replace(Memory.facts, empty_dirs=False)


def test_a_copy_over_another_kind_fails_with_a_clear_error_and_leaves_it(
    tmp_path: Path, transfer: Runner
) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1", "b/c": b"2", "d": b"3"})
    target = make_tree(tmp_path / "target", {"a/x": b"old", "b": b"old"})
    result = transfer(local(source), local(target)).copy()
    assert sorted(failure.path for failure in result.failures) == ["a", "b", "b/c"]
    assert all(isinstance(failure.error, Conflict) for failure in result.failures)
    assert result.exit_status == 3
    assert (target / "a/x").read_bytes() == b"old"
    assert (target / "d").read_bytes() == b"3"


def test_a_sync_removes_only_what_is_not_at_the_source(tmp_path: Path, transfer: Runner, told: Told) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1"})
    target = make_tree(tmp_path / "target", {"a": b"1", "old/b": b"2", "c": b"3"})
    result = transfer(local(source), local(target)).sync()
    assert told.paths(EventType.REMOVED) == ["c", "old", "old/b"]
    assert result.counts.removed == 3
    assert tree_of(target) == tree_of(source)


def test_without_a_yes_nothing_is_removed_and_all_else_is_done(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1", "was-a-dir": b"2"})
    target = make_tree(tmp_path / "target", {"old/b": b"22", "was-a-dir/x": b"3"})
    asked: list[tuple[int, int, list[str]]] = []

    def no(removals: Any) -> bool:
        asked.append((removals.count, removals.bytes, list(removals.paths())))
        return False

    run = transfer(local(source), local(target))
    with pytest.raises(ConfirmationRequired) as caught:
        run.sync(no)
    assert caught.value.hint
    assert asked == [(4, 3, ["old/b", "was-a-dir/x", "was-a-dir", "old"])]
    assert (target / "a").exists()
    assert (target / "old/b").exists()
    assert [failure.path for failure in run.result.failures] == ["was-a-dir"]


@pytest.mark.parametrize("dry_run", [False, True])
def test_more_removals_than_allowed_and_none_happens(tmp_path: Path, transfer: Runner, dry_run: bool) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1"})
    target = make_tree(tmp_path / "target", {"b": b"2", "c": b"3"})
    for limit, allowed in ((1, False), (2, True)):
        run = transfer(local(source), local(target), {"max_delete": limit, "dry_run": dry_run})
        if allowed:
            assert run.sync().counts.removed == 2
        else:
            with pytest.raises(ConfirmationRequired, match="nothing was removed"):
                run.sync()
        assert (target / "b").exists() == (dry_run or not allowed)


def test_a_removal_that_fails_is_told_and_the_others_go(tmp_path: Path, transfer: Runner) -> None:
    there = Faulty(Memory(capabilities=Memory.capabilities - {Capability.REMOVE_MANY}))
    for name in "abc":
        there.inner.write(name, b"1")
    there.on("remove", Fault(AccessDenied("no", hint="ask")), path="b")
    source = make_tree(tmp_path / "source", {"kept": b"1"})
    result = transfer(local(source), Location(there)).sync()
    assert result.counts.removed == 2
    assert [(f.path, type(f.error).__name__, f.error.hint) for f in result.failures] == [
        ("b", "DeleteFailed", "ask")
    ]
    assert result.exit_status == 16


def test_a_request_to_remove_many_that_fails_is_told_for_each(tmp_path: Path, transfer: Runner) -> None:
    class Broken(Memory):
        def remove_many(self, paths: Any) -> Any:
            yield next(iter(paths)), None
            raise AccessDenied("no")

    there = Broken()
    for name in "abc":
        there.write(name, b"1")
    result = transfer(local(make_tree(tmp_path / "source", {"kept": b"1"})), Location(there)).sync()
    assert result.counts.removed == 1
    assert [failure.path for failure in result.failures] == ["b", "c"]


def test_the_time_of_a_directory_is_that_of_the_source_after_every_sync(
    tmp_path: Path, transfer: Runner, told: Told
) -> None:
    source = make_tree(tmp_path / "source", {"d/a": b"1", "d/b": b"1", "d/e/f": b"1"})
    target = tmp_path / "target"
    for path in (source / "d/e", source / "d"):
        os.utime(path, ns=(10**18, 10**18))
    transfer(local(source), local(target)).sync()
    assert (target / "d").stat().st_mtime_ns == 10**18
    # A file is written anew in place: the directory at the source has not changed, that at the target would.
    (source / "d/a").write_bytes(b"22")
    (source / "d/e/f").write_bytes(b"22")
    (target / "d/gone").write_bytes(b"x")
    os.utime(target / "d", ns=(10**18, 10**18))
    assert transfer(local(source), local(target)).sync().counts.removed == 1
    assert (target / "d").stat().st_mtime_ns == 10**18
    assert (target / "d/e").stat().st_mtime_ns == 10**18
    os.utime(source / "d", ns=(10**18, 2 * 10**18))
    (source / "d").chmod(0o700)
    told.clear()
    assert transfer(local(source), local(target)).sync().counts.updated == 1
    assert told.paths(EventType.UPDATED) == ["d"]
    assert (target / "d").stat().st_mtime_ns == 2 * 10**18
    assert stat.S_IMODE((target / "d").stat().st_mode) == 0o700


@pytest.mark.parametrize("refusal", [Unsupported, Conflict])
def test_a_store_that_keeps_no_metadata_of_directories_fails_no_transfer(
    refusal: type[Error], tmp_path: Path, transfer: Runner, told: Told
) -> None:
    class FilesOnly(Memory):
        def set_metadata(self, path: str, metadata: Metadata) -> Entry:
            if self.stat(path).is_dir:
                raise refusal("only files have metadata here", where=path)
            return super().set_metadata(path, metadata)

    target = FilesOnly()
    source = make_tree(tmp_path / "source", {"d/a": b"1", "d/e/f": b"1"})
    for _ in range(2):  # the second time the directories are there, and of another time
        result = transfer(local(source), Location(target)).copy()
        assert (result.exit_status, result.failures) == (0, [])
        os.utime(source / "d", ns=(10**18, 10**18))
    assert told.paths(EventType.UPDATED) == []


def test_a_directory_that_may_not_be_changed_is_still_a_failure(tmp_path: Path, transfer: Runner) -> None:
    class Denying(Memory):
        def set_metadata(self, path: str, metadata: Metadata) -> Entry:
            raise AccessDenied("no", where=path)

    source = make_tree(tmp_path / "source", {"d/a": b"1"})
    result = transfer(local(source), Location(Denying())).copy()
    assert [failure.path for failure in result.failures] == ["d"]


def test_a_dry_run_tells_and_changes_nothing(
    tmp_path: Path, transfer: Runner, told: Told, state_folder: str
) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1", "d/b": b"2", "l": "a", "same": b"3"})
    target = make_tree(tmp_path / "target", {"old": b"4", "same": b"3"})
    before = tree_of(target)
    result = transfer(local(source), local(target), {"dry_run": True}).sync()
    assert tree_of(target) == before
    assert told.paths(EventType.COPIED) == ["a", "d", "d/b", "l"]
    assert told.paths(EventType.REMOVED) == ["old"]
    assert told.paths(EventType.UNCHANGED) == ["same"]
    assert result.dry_run
    assert not os.path.exists(state_folder)


# Move


def test_a_move_leaves_nothing_behind(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1", "d/b": b"2" * (2 << 20), "l": "a", "same": b"3"})
    target = make_tree(tmp_path / "target", {"same": b"3"})
    before = {k: v for k, v in tree_of(source).items() if v is not None}
    result = transfer(local(source), local(target)).move()
    assert result.exit_status == 0, result.failures
    assert tree_of(source) == {}
    assert {k: v for k, v in tree_of(target).items() if v is not None} == before


def test_a_move_within_one_storage_renames(transfer: Runner, told: Told) -> None:
    store = Memory()
    store.write("from/a", b"1")
    result = transfer(Location(store, "from"), Location(store, "to")).move()
    assert result.exit_status == 0
    assert told.strategies() == {"directory", "rename"} - {"directory"}
    assert contents(Location(store)) == {"to/a": b"1"}


def test_a_source_that_changed_after_it_was_copied_stays_and_is_told(transfer: Runner) -> None:
    here = Memory()
    here.write("a", b"old", metadata=Metadata(mtime_ns=5))

    class Changes(Memory):
        def write(self, path: str, source: Any, **more: Any) -> Entry:
            entry = super().write(path, source, **more)
            here.write("a", b"new", metadata=Metadata(mtime_ns=6))
            return entry

    result = transfer(Location(here, "", "here:"), Location(Changes())).move()
    assert [(f.path, type(f.error)) for f in result.failures] == [("a", Conflict)]
    assert contents(Location(here)) == {"a": b"new"}
    assert result.counts.removed == 0


def test_what_cannot_be_removed_at_the_source_is_told_and_not_copied_again(transfer: Runner) -> None:
    here = Faulty(Memory())
    here.inner.write("a", b"1")
    here.on("remove", Fault(AccessDenied("no")), times=9)
    there = Faulty(Memory())
    result = transfer(Location(here), Location(there)).move()
    assert result.counts.copied == 1
    assert there.count("write") == 1
    assert [type(failure.error) for failure in result.failures] == [AccessDenied]


def test_a_move_that_meets_another_kind_keeps_the_source(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"a": b"1", "b": b"2"})
    target = make_tree(tmp_path / "target", {"a/x": b"old"})
    result = transfer(local(source), local(target)).move()
    assert [failure.path for failure in result.failures] == ["a"]
    assert tree_of(source).keys() == {"a"}
