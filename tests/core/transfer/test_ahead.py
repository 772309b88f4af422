"""A long listing is read ahead by another process, and nobody can tell but by the clock."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from skycap.core import forking
from skycap.core.errors import AccessDenied, Error
from skycap.core.storage.entry import Entry, Kind
from skycap.core.testing.unprivileged import as_nobody
from skycap.core.transfer.ahead import Relay, read_ahead
from tests.core.transfer.conftest import Runner, local, make_tree, tree_of

LONG = 2000


def entries(count: int) -> Iterator[Entry]:
    for number in range(count):
        yield Entry(f"{number:06}", Kind.FILE, number, 1, 2, "v", hashes={"md5": "0"})
    yield Entry("link", Kind.SYMLINK, target="\udcff")


def refuse(path: str, error: Error) -> None:
    raise AssertionError(path)


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 756, LONG])
def test_it_gives_the_same_entries(count: int) -> None:
    found = list(read_ahead(entries(count), Relay(refuse)))
    assert found == list(entries(count))
    assert {type(entry) for entry in found} == {Entry}


def test_an_error_reaches_who_listens_in_this_process() -> None:
    told: list[tuple[int, str, str]] = []
    relay = Relay(lambda path, error: told.append((os.getpid(), path, error.message)))

    def broken() -> Iterator[Entry]:
        yield from entries(LONG)
        relay("closed", AccessDenied("no", where="closed"))

    assert len(list(read_ahead(broken(), relay))) == LONG + 1
    assert told == [(os.getpid(), "closed", "no")]


@pytest.mark.skipif(not forking.supported(), reason="nothing is read ahead where no process can fork")
def test_whoever_stops_in_the_middle_leaves_no_process_behind() -> None:
    before = children()
    reading = read_ahead(entries(1_000_000), Relay(refuse))
    for _ in range(LONG):
        next(reading)
    assert children() - before
    reading.close()  # type: ignore[attr-defined]
    assert children() <= before


def children() -> set[str]:
    tasks = Path("/proc/self/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}


def test_a_child_that_dies_takes_nothing_with_it() -> None:
    here = os.getpid()

    def deadly() -> Iterator[Entry]:
        for number, entry in enumerate(entries(LONG)):
            if number == LONG - 1 and os.getpid() != here:
                os._exit(9)
            yield entry

    assert list(read_ahead(deadly(), Relay(refuse))) == list(entries(LONG))


def test_a_folder_at_the_target_that_cannot_be_listed_is_a_hole(transfer: Runner) -> None:
    with tempfile.TemporaryDirectory() as name:  # not below a folder that only root may enter
        top = Path(name)
        top.chmod(0o755)
        files = [f"a/{number:04}" for number in range(LONG)]
        source = make_tree(top / "source", {"b": b"1"})
        target = make_tree(top / "target", dict.fromkeys([*files, "z/closed/x"], b"1"))
        (target / "z" / "closed").chmod(0)
        (top / "state").mkdir(mode=0o777)

        def sync() -> tuple[int, list[str]]:
            options = {"state_folder": str(top / "state")}
            result = transfer(local(source), local(target), **options).sync()
            return result.exit_status, [failure.path for failure in result.failures]

        status, failed = as_nobody(sync)
        (target / "z" / "closed").chmod(0o755)
        assert status != 0
        assert "z/closed" in failed
        assert set(files) <= set(tree_of(target))
