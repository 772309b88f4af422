"""`--overwrite rename`: what is there is kept beside the new file, and nothing is lost on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.errors import Conflict, Unsupported, UploadFailed, UsageError
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry
from skycap.core.storage.memory import Memory
from skycap.core.transfer.aside import set_aside
from tests.core.transfer.conftest import Runner, local, make_tree

RENAME = {"overwrite": "rename"}


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def two(tmp_path: Path) -> tuple[Location, Location]:
    source = make_tree(
        tmp_path / "a", {"x.txt": b"new", "sub/.rc": b"new", "sub/same": b"same", "added": b"1"}
    )
    target = make_tree(tmp_path / "b", {"x.txt": b"older", "sub/.rc": b"older", "sub/same": b"same"})
    (target / "x (1).txt").write_bytes(b"oldest")
    return local(source), local(target)


def test_what_differs_is_kept_beside_the_new_file(transfer: Runner, tmp_path: Path) -> None:
    result = transfer(*two(tmp_path), RENAME).copy()
    assert result.exit_status == 0
    assert contents(tmp_path / "b") == {
        "x.txt": b"new",
        "x (1).txt": b"oldest",
        "x (2).txt": b"older",
        "sub/.rc": b"new",
        "sub/.rc (1)": b"older",
        "sub/same": b"same",
        "added": b"1",
    }


def test_a_second_run_has_nothing_to_do(transfer: Runner, tmp_path: Path) -> None:
    transfer(*two(tmp_path), RENAME).copy()
    before = contents(tmp_path / "b")
    result = transfer(local(tmp_path / "a"), local(tmp_path / "b"), RENAME).copy()
    assert result.counts.copied == 0
    assert contents(tmp_path / "b") == before


def test_a_move_keeps_both_too(transfer: Runner, tmp_path: Path) -> None:
    result = transfer(*two(tmp_path), RENAME).move()
    assert result.exit_status == 0
    assert contents(tmp_path / "a") == {}
    assert contents(tmp_path / "b")["x (2).txt"] == b"older"


def test_one_file_by_itself_keeps_both(transfer: Runner, tmp_path: Path) -> None:
    make_tree(tmp_path, {"a/x.txt": b"new", "b/x.txt": b"older"})
    source = Location(local(tmp_path / "a").storage, "x.txt", "a/x.txt")
    target = Location(local(tmp_path / "b").storage, "x.txt", "b/x.txt")
    transfer(source, target, RENAME, single=True).copy()
    assert contents(tmp_path / "b") == {"x.txt": b"new", "x (1).txt": b"older"}


def test_what_fails_leaves_the_old_file_under_its_name(transfer: Runner) -> None:
    class Full(Memory):
        def write(self, path: str, source: Any, **more: Any) -> Entry:
            raise UploadFailed("there is no room", where=path, retryable=False)

    ours, theirs = Memory(), Full()
    ours.write("x", b"new")
    Memory.write(theirs, "x", b"older")
    result = transfer(Location(ours), Location(theirs), RENAME).copy()
    assert result.counts.failed == 1
    assert [entry.path for entry in theirs.scan("")] == ["x"]
    with theirs.read("x") as reader:
        assert reader.read() == b"older"


def test_a_sync_refuses_it_before_anything_happens(transfer: Runner, tmp_path: Path) -> None:
    pair = two(tmp_path)
    before = contents(tmp_path / "b")
    with pytest.raises(UsageError, match="sync would remove"):
        transfer(*pair, RENAME).sync()
    assert contents(tmp_path / "b") == before


def test_a_target_that_cannot_rename_is_refused(transfer: Runner) -> None:
    class Fixed(Memory):
        capabilities = Memory.capabilities - {Capability.RENAME, Capability.RENAME_IF_ABSENT}

    ours = Memory()
    ours.write("x", b"new")
    with pytest.raises(Unsupported) as told:
        transfer(Location(ours), Location(Fixed(), "", "fixed:"), RENAME).copy()
    assert "--overwrite" in (told.value.hint or "")


@given(st.sampled_from(["a", "a.txt", ".rc", "a.", "a.b.c", "é.文", "a (1).txt"]), st.integers(1, 3))
def test_any_name_gets_free_names_in_a_row(name: str, times: int) -> None:
    storage = Memory()
    kept = []
    for number in range(times):
        storage.write(f"d/{name}", b"%d" % number)
        kept.append(set_aside(storage, f"d/{name}"))
    assert len(set(kept)) == times
    for number, path in enumerate(kept):
        assert path is not None
        with storage.read(path) as reader:
            assert reader.read() == b"%d" % number
    assert set_aside(storage, f"d/{name}") is None


def test_a_name_that_is_taken_meanwhile_is_passed_over() -> None:
    class Racing(Memory):
        tries = 0

        def rename(self, source: str, target: str, **more: Any) -> Entry:
            self.tries += 1
            if self.tries < 3:
                raise Conflict("it exists already", where=target)
            return super().rename(source, target, **more)

    storage = Racing()
    storage.write("a.txt", b"1")
    assert set_aside(storage, "a.txt") == "a (3).txt"
