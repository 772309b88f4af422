"""A check tells what is the same and what is not, by content, and its status says which."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import AccessDenied, DownloadFailed, NotFound, ScanFailed, UsageError
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Metadata
from skycap.core.storage.memory import Memory
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.transfer.check import Checked, CheckResult, Finding, check
from skycap.core.transfer.compare import Compare
from skycap.core.transfer.options import TransferOptions
from tests.core.transfer.conftest import Runner, local, make_tree

TREE = {"a": b"1", "d/b": b"22", "l": "a", "empty": None}
Findings = dict[str, Finding]


def checked(first: Location, second: Location, **more: Any) -> tuple[CheckResult, Findings]:
    told: list[Checked] = []
    result = check(first, second, more.pop("options", None), on_checked=told.append, **more)
    assert sum(result.counts.values()) == len(told)
    return result, {found.path: found.finding for found in told}


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return make_tree(tmp_path / "first", TREE), make_tree(tmp_path / "second", TREE)


def test_equal_trees_are_equal(pair: tuple[Path, Path]) -> None:
    result, found = checked(local(pair[0]), local(pair[1]))
    assert result.exit_status == 0
    assert found == dict.fromkeys(["a", "d", "d/b", "l", "empty"], Finding.SAME)
    assert result.bytes == 3


Change = Callable[[Path, Path], object]


@pytest.mark.parametrize(
    ("change", "path", "finding"),
    [
        (lambda a, b: make_tree(b, {"d/b": b"2X"}), "d/b", Finding.DIFFERENT),
        (lambda a, b: make_tree(b, {"d/b": b"223"}), "d/b", Finding.DIFFERENT),
        (lambda a, b: make_tree(a, {"new": b""}), "new", Finding.MISSING),
        (lambda a, b: make_tree(a, {"new": None}), "new", Finding.MISSING),
        (lambda a, b: make_tree(a, {"new": "x"}), "new", Finding.MISSING),
        (lambda a, b: make_tree(b, {"new": b""}), "new", Finding.EXTRA),
        (lambda a, b: (os.unlink(b / "l"), make_tree(b, {"l": "d"})), "l", Finding.DIFFERENT),
        (lambda a, b: (os.unlink(b / "l"), make_tree(b, {"l": b"a"})), "l", Finding.DIFFERENT),
        (lambda a, b: (os.unlink(b / "a"), make_tree(b, {"a": "l"})), "a", Finding.DIFFERENT),
    ],
)
def test_every_difference_is_found(
    pair: tuple[Path, Path], change: Change, path: str, finding: Finding
) -> None:
    change(*pair)
    result, found = checked(local(pair[0]), local(pair[1]))
    assert result.exit_status == 3
    assert {p: f for p, f in found.items() if f is not Finding.SAME} == {path: finding}


def test_a_file_where_a_directory_is_differs_on_both_sides(pair: tuple[Path, Path]) -> None:
    (pair[1] / "empty").rmdir()
    make_tree(pair[1], {"empty": b""})
    result, found = checked(local(pair[0]), local(pair[1]))
    assert result.exit_status == 3
    assert found["empty"] in {Finding.MISSING, Finding.EXTRA}


def test_what_only_the_second_has_is_no_difference_if_so_asked(pair: tuple[Path, Path]) -> None:
    make_tree(pair[1], {"new": b""})
    result, found = checked(local(pair[0]), local(pair[1]), extra=False)
    assert result.exit_status == 0
    assert "new" not in found


def test_what_cannot_be_read_is_told_and_is_no_equality(pair: tuple[Path, Path]) -> None:
    second = Faulty(local(pair[1]).storage)
    second.on("read", Fault(AccessDenied("no")), path="a", times=9)
    result, found = checked(local(pair[0]), Location(second))
    assert result.exit_status == 14
    assert found["a"] is Finding.UNREADABLE
    assert found["d/b"] is Finding.SAME


def test_a_folder_that_cannot_be_listed_is_no_equality(pair: tuple[Path, Path]) -> None:
    second = Faulty(local(pair[1]).storage)
    second.on("scan", Fault(ScanFailed("no")), path="d", times=9)
    result, _ = checked(local(pair[0]), Location(second))
    assert result.exit_status == 14
    assert result.counts[Finding.UNREADABLE] == 1


def test_a_place_that_is_not_there_is_no_equality(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    for places in ((pair[0], tmp_path / "none"), (tmp_path / "none", pair[0])):
        with pytest.raises(NotFound):
            checked(*map(local, places))


def test_a_hash_that_one_side_knows_saves_reading_it() -> None:
    first = Faulty(Memory())
    second = Faulty(Memory(facts=_without_hashes()))
    for storage in (first, second):
        storage.inner.write("a", b"content")
    result, _ = checked(Location(first), Location(second))
    assert result.exit_status == 0
    assert (first.count("read"), second.count("read")) == (0, 1)


def _without_hashes() -> Any:
    from dataclasses import replace

    return replace(Memory.facts, hashes=frozenset())


@pytest.mark.parametrize(
    ("options", "content", "status"),
    [
        (TransferOptions(), True, 3),
        (TransferOptions(), False, 0),
        (TransferOptions(compare=Compare.SIZE), True, 0),
        (TransferOptions(compare=Compare.CHECKSUM), False, 3),
    ],
)
def test_less_can_be_asked_for(
    pair: tuple[Path, Path], options: TransferOptions, content: bool, status: int
) -> None:
    make_tree(pair[1], {"d/b": b"2X"})
    result, _ = checked(local(pair[0]), local(pair[1]), options=options, content=content)
    assert result.exit_status == status


def test_another_time_differs_where_time_decides(pair: tuple[Path, Path]) -> None:
    os.utime(pair[1] / "a", ns=(1, 1))
    assert checked(local(pair[0]), local(pair[1]))[0].exit_status == 0
    result, found = checked(local(pair[0]), local(pair[1]), content=False)
    assert result.exit_status == 3
    assert found["a"] is Finding.DIFFERENT


def test_times_that_no_listing_tells_are_asked_for() -> None:
    from tests.core.transfer.stores import Untimed

    first, second = Memory(), Untimed()
    for name, mtime_ns in {"same": 5, "other": 6}.items():
        first.write(name, b"1", metadata=Metadata(mtime_ns=5))
        second.inner.write(name, b"1", metadata=Metadata(mtime_ns=mtime_ns))
    _, found = checked(Location(first), Location(second), content=False)
    assert found == {"same": Finding.SAME, "other": Finding.DIFFERENT}


@pytest.mark.parametrize(("content", "status"), [(b"1", 0), (b"2", 3)])
def test_two_files_are_compared_by_themselves(content: bytes, status: int) -> None:
    store = Memory()
    store.write("a", b"1")
    store.write("other/b", content)
    result, _ = checked(Location(store, "a"), Location(store, "other/b"), single=True)
    assert result.exit_status == status


def test_a_copy_is_equal_to_its_source(tmp_path: Path, pair: tuple[Path, Path], transfer: Runner) -> None:
    there = Location(Memory())
    transfer(local(pair[0]), there).copy()
    assert checked(local(pair[0]), there)[0].exit_status == 0


def test_pipes_are_left_out(pair: tuple[Path, Path]) -> None:
    os.mkfifo(pair[0] / "pipe")
    assert checked(local(pair[0]), local(pair[1]))[0].exit_status == 0


def test_cancelled_in_mid_file_it_ends_soon(pair: tuple[Path, Path]) -> None:
    make_tree(pair[0], {"big": b"x" * (8 << 20)})
    make_tree(pair[1], {"big": b"x" * (8 << 20)})
    cancel = threading.Event()
    second = Faulty(local(pair[1]).storage)
    second.on("read", Fault(wait=cancel.set), path="big")
    result, found = checked(local(pair[0]), Location(second), cancel=cancel)
    assert result.interrupted
    assert result.exit_status == 130
    assert "big" not in found


def test_ctrl_c_while_it_lists_ends_it(pair: tuple[Path, Path]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    first = Faulty(Memory())
    first.on("scan_all", Fault(wait=interrupt))
    result, _ = checked(Location(first), local(pair[1]))
    assert result.exit_status == 130


def test_a_bug_surfaces_and_hangs_nobody() -> None:
    class Buggy(Memory):
        capabilities = Memory.capabilities - {Capability.READ_FILE}

        def stat(self, path: str) -> Any:
            raise ZeroDivisionError("a bug")

    first, second = Buggy(), Memory()
    for number in range(200):
        first.write(f"{number}", b"1")
        second.write(f"{number}", b"1")
    with pytest.raises(ZeroDivisionError):
        checked(Location(first), Location(second))

    def listener(found: Checked) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        check(Location(Memory()), Location(second), on_checked=listener)


def test_fewer_than_one_at_a_time_is_refused() -> None:
    with pytest.raises(UsageError):
        checked(Location(Memory()), Location(Memory()), options=TransferOptions(transfers=0))


def test_a_read_that_breaks_off_is_unreadable() -> None:
    first, second = Faulty(Memory(facts=_without_hashes())), Memory(facts=_without_hashes())
    first.inner.write("a", b"123")
    second.write("a", b"123")
    first.on("read", Fault(DownloadFailed("reset"), after_bytes=1), times=9)
    assert checked(Location(first), Location(second))[0].exit_status == 14
