"""Small files are copied by child processes; whatever happens to those, every file arrives and none stays."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import AccessDenied, DownloadFailed
from skycap.core.forking import supported
from skycap.core.location import Location
from skycap.core.storage.entry import Metadata
from skycap.core.storage.memory import Memory
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.transfer.events import EventType
from tests.core.transfer.conftest import Runner, Told, local, make_tree, tree_of

pytestmark = pytest.mark.skipif(
    not supported() or (os.cpu_count() or 1) < 2, reason="small files are copied here without children"
)

TREE = {f"d{n % 9}/f{n:04}": b"%d" % n for n in range(1500)}


class Forked(list[int]):
    """The processes that this one forked, in their order."""

    def are_gone(self) -> bool:
        """Whether all were waited for, so that not even a zombie is left."""
        for pid in self:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue
            return False
        return True


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> Forked:
    pids, fork = Forked(), os.fork

    def remembered() -> int:
        pid = fork()
        if pid:
            pids.append(pid)
        return pid

    monkeypatch.setattr(os, "fork", remembered)
    return pids


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "source", TREE)


def test_all_are_copied_and_no_child_is_left(
    tmp_path: Path, source: Path, transfer: Runner, told: Told, forked: Forked
) -> None:
    result = transfer(local(source), local(tmp_path / "target")).copy()
    assert result.exit_status == 0
    assert result.counts.strategies == {"batch": 1500, "directory": 9}
    assert tree_of(tmp_path / "target") == tree_of(source)
    assert len(forked) >= 2
    assert forked.are_gone()


@pytest.mark.parametrize("victims", [1, 99])
def test_a_child_that_dies_costs_no_file(
    tmp_path: Path, source: Path, transfer: Runner, victims: int, forked: Forked
) -> None:
    killed: list[int] = []
    lock = threading.Lock()

    def listener(event: Any) -> None:
        if event.type is EventType.COPIED and event.strategy == "batch":
            with lock:
                if not killed:
                    for pid in forked[:victims]:
                        killed.append(pid)
                        os.kill(pid, signal.SIGKILL)

    result = transfer(local(source), local(tmp_path / "target"), listener=listener).copy()
    assert killed
    assert result.exit_status == 0, result.failures[:3]
    assert result.counts.copied == 1509
    found = {name: value for name, value in tree_of(tmp_path / "target").items() if ".skycap-" not in name}
    assert found == tree_of(source)
    assert forked.are_gone()


PARENT = """
import os, sys, threading
from skycap.core.location import Location
from skycap.core.storage.local import Local
from skycap.core.transfer.engine import Transfer
from skycap.core.transfer.events import EventType

pids, fork = [], os.fork
def remembered():
    pid = fork()
    if pid:
        pids.append(pid)
    return pid
os.fork = remembered

def listener(event):
    if event.type is EventType.COPIED and event.strategy == "batch":
        print(*pids, flush=True)
        threading.Event().wait()

source = Location(Local(sys.argv[1]))
Transfer(source, Location(Local(sys.argv[2])), state_folder=sys.argv[3], listener=listener).copy()
"""


def test_children_of_a_killed_parent_end_by_themselves(tmp_path: Path, source: Path) -> None:
    arguments = [str(source), str(tmp_path / "target"), str(tmp_path / "state")]
    waiting = select.poll()
    with (
        contextlib.ExitStack() as opened,
        subprocess.Popen([sys.executable, "-c", PARENT, *arguments], stdout=subprocess.PIPE) as parent,
    ):
        try:
            assert parent.stdout is not None
            pids = [int(pid) for pid in parent.stdout.readline().split()]
            for pid in pids:
                handle = os.pidfd_open(pid)
                opened.callback(os.close, handle)
                waiting.register(handle, select.POLLIN)
        finally:
            parent.kill()
        assert len(pids) >= 2
        for _ in pids:
            gone = waiting.poll(60_000)
            assert gone, "a child outlives its parent"
            waiting.unregister(gone[0][0])


def test_two_transfers_at_once_do_not_wait_for_each_others_children(
    tmp_path: Path, source: Path, transfer: Runner, forked: Forked
) -> None:
    """The first ends while the second, which was forked while the first had its pipes open, still runs."""
    first_runs, first_done, second_runs = threading.Event(), threading.Event(), threading.Event()
    results: list[Any] = []

    def first_listener(event: Any) -> None:
        if event.type is EventType.COPIED and event.strategy == "batch":
            first_runs.set()
            assert second_runs.wait(60)

    def second_listener(event: Any) -> None:
        if event.type is EventType.COPIED and event.strategy == "batch":
            second_runs.set()
            assert first_done.wait(60)

    def first() -> None:
        results.append(transfer(local(source), local(tmp_path / "one"), listener=first_listener).copy())
        first_done.set()

    def second() -> None:
        assert first_runs.wait(60)
        results.append(transfer(local(source), local(tmp_path / "two"), listener=second_listener).copy())

    threads = [threading.Thread(target=run) for run in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.exit_status for result in results] == [0, 0]
    assert first_done.is_set()
    assert forked.are_gone()


def test_a_folder_that_became_a_link_to_elsewhere_fails_by_itself(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"d/a": b"1", "d/b": b"2", "e": b"3"})
    make_tree(tmp_path / "secret", {"a": b"secret", "b": b"secret"})

    def listener(event: Any) -> None:
        if event.type is EventType.PLANNED and event.path == "d/b":
            (source / "d").rename(tmp_path / "moved")
            (source / "d").symlink_to(tmp_path / "secret")

    result = transfer(local(source), local(tmp_path / "target"), listener=listener).copy()
    assert sorted(failure.path for failure in result.failures) == ["d/a", "d/b"]
    assert (tmp_path / "target/e").read_bytes() == b"3"
    assert not (tmp_path / "target/d/a").exists()


def test_tiny_files_of_a_store_are_written_together_and_one_that_fails_alone(
    tmp_path: Path, transfer: Runner
) -> None:
    inner = Memory()
    contents = {f"d{n % 3}/f{n:03}": b"%d" % n * n for n in range(400)}
    for path, content in contents.items():
        inner.write(path, content, metadata=Metadata(mtime_ns=10**18 + len(content)))
    here = Faulty(inner)
    here.on("read", Fault(DownloadFailed("broke off")), nth=57)
    here.on("read", Fault(AccessDenied("no")), path="d0/f399", times=9)
    target = tmp_path / "target"
    (target / "d1" / "f010").mkdir(parents=True)  # a folder stands in the way
    result = transfer(Location(here), local(target)).copy()
    assert {failure.path for failure in result.failures} == {"d0/f399", "d1/f010"}
    for path, content in contents.items():
        if path not in {"d0/f399", "d1/f010"}:
            assert (target / path).read_bytes() == content
            assert (target / path).stat().st_mtime_ns == 10**18 + len(content)
    assert result.counts.copied - result.counts.directories == 398
