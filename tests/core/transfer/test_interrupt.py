"""Stopped in the middle: what is at work ends well, what is done is kept, and the next run does the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from skycap.core.errors import Interrupted, UploadFailed
from skycap.core.location import Location
from skycap.core.storage.memory import Memory
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.transfer.events import EventType
from tests.core.transfer.conftest import Runner, Told, contents, local, make_tree, tree_of


def many(count: int = 300) -> Memory:
    store = Memory()
    for number in range(count):
        store.write(f"f{number:03}", b"%d" % number)
    return store


def test_cancelled_it_finishes_what_is_at_work_and_the_next_run_does_the_rest(
    transfer: Runner, told: Told
) -> None:
    here, there = many(), Faulty(Memory())
    run = transfer(Location(here), Location(there))
    there.on("write", Fault(wait=run.cancel.set), nth=20)
    result = run.copy()
    assert result.interrupted
    assert result.exit_status == 130
    done = contents(Location(there.inner))
    assert 20 <= len(done) < 300
    assert result.counts.copied == len(done)
    assert result.counts.failed == 0
    result = transfer(Location(here), Location(there)).copy()
    assert (result.counts.copied, result.counts.unchanged) == (300 - len(done), len(done))
    assert contents(Location(there.inner)) == contents(Location(here))


def test_cancelled_before_it_begins_it_does_nothing(transfer: Runner, told: Told) -> None:
    cancel = threading.Event()
    cancel.set()
    there = Memory()
    for verb in ("copy", "sync", "move"):
        result = getattr(transfer(Location(many(5)), Location(there), cancel=cancel), verb)()
        assert result.exit_status == 130
    assert told == []


def test_cancelled_a_sync_removes_nothing_more(transfer: Runner) -> None:
    here, there = Memory(), Faulty(many())
    run = transfer(Location(here), Location(there), {"allow_empty_source": True})
    run._target_hole = None  # type: ignore[method-assign,assignment]
    there.capabilities = there.capabilities - {"remove_many"}  # type: ignore[operator]
    there.on("remove", Fault(wait=run.cancel.set), nth=5)
    result = run.sync()
    assert result.interrupted
    assert result.counts.removed == 5
    assert len(contents(Location(there.inner))) == 295


def test_a_large_file_in_mid_stream_is_dropped_and_the_old_one_stays(transfer: Runner) -> None:
    here, there = Memory(), Memory()
    here.write("a", b"new" * (1 << 20))
    there.write("a", b"old")
    cancel = threading.Event()

    def listener(event: Any) -> None:
        if event.type is EventType.MOVED:
            cancel.set()

    result = transfer(Location(here), Location(there), listener=listener, cancel=cancel).copy()
    assert result.exit_status == 130
    assert contents(Location(there)) == {"a": b"old"}


def test_ctrl_c_in_the_main_thread_is_the_same(transfer: Runner) -> None:
    here, there = many(), Memory()
    main = threading.main_thread()

    def listener(event: Any) -> None:
        if event.type is EventType.PLANNED and event.path == "f100":
            assert threading.current_thread() is main
            raise KeyboardInterrupt

    result = transfer(Location(here), Location(there), listener=listener).copy()
    assert result.interrupted
    done = contents(Location(there))
    assert len(done) < 300
    assert transfer(Location(here), Location(there)).copy().counts.copied == 300 - len(done)


def test_ctrl_c_does_not_wait_for_what_is_queued(transfer: Runner) -> None:
    here, there = many(), Faulty(Memory())
    held, interrupted = threading.Event(), threading.Event()
    there.on("write", Fault(wait=lambda: interrupted.wait(60)), nth=1)

    def listener(event: Any) -> None:
        if event.type is EventType.PLANNED and event.path == "f003":
            held.set()
            raise KeyboardInterrupt

    run = transfer(Location(here), Location(there), {"transfers": 1}, listener=listener)
    there.on("write", Fault(), nth=1)
    thread = threading.Thread(target=lambda: (run.cancel.wait(60), interrupted.set()))
    thread.start()
    result = run.copy()
    thread.join()
    assert held.is_set()
    assert result.counts.copied <= 1


def test_a_storage_that_stops_waiting_interrupts_the_run(transfer: Runner) -> None:
    here = Faulty(many(3))
    here.on("scan_all", Fault(Interrupted("stopped while it waited")))
    result = transfer(Location(here), Location(Memory())).sync()
    assert result.exit_status == 130
    assert result.counts.failed == 0


def test_directories_of_a_stopped_run_get_their_time_from_the_next(tmp_path: Path, transfer: Runner) -> None:
    source = make_tree(tmp_path / "source", {"d/e/a": b"1", "d/b": b"2"})
    for path in (source / "d/e", source / "d"):
        os.utime(path, ns=(10**18, 10**18))
        path.chmod(0o750)
    cancel = threading.Event()

    def listener(event: Any) -> None:
        if event.type is EventType.COPIED and event.path == "d":
            cancel.set()

    target = tmp_path / "target"
    assert transfer(local(source), local(target), listener=listener, cancel=cancel).copy().interrupted
    assert transfer(local(source), local(target)).copy().exit_status == 0
    assert tree_of(target) == tree_of(source)
    for name in ("d", "d/e"):
        info = (target / name).stat()
        assert (info.st_mtime_ns, info.st_mode & 0o777) == (10**18, 0o750)


KILLED = """
import os, signal, sys
from skycap.core.location import Location
from skycap.core.storage.local import Local
from skycap.core.transfer.engine import Transfer
from skycap.core.transfer.events import EventType

left = int(sys.argv[4])
def listener(event):
    global left
    if event.type is EventType.COPIED:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

target = Location(Local(sys.argv[2]))
Transfer(Location(Local(sys.argv[1])), target, state_folder=sys.argv[3], listener=listener).sync()
"""


def test_killed_at_any_moment_the_target_has_old_or_new_files_and_the_next_run_ends_it(
    tmp_path: Path, transfer: Runner
) -> None:
    new = {f"d{n % 7}/f{n:04}": b"new %d" % n * (1 + 5000 * (n % 9 == 0)) for n in range(1500)}
    source = make_tree(tmp_path / "source", new)
    target = make_tree(tmp_path / "target", dict.fromkeys(new, b"old"), mtime_ns=5)
    for left in (1, 70, 200):
        arguments = [str(source), str(target), str(tmp_path / "state"), str(left)]
        done = subprocess.run([sys.executable, "-c", KILLED, *arguments], timeout=60)
        assert done.returncode == -signal.SIGKILL
        for name, content in new.items():
            assert (target / name).read_bytes() in {b"old", content}
    assert transfer(local(source), local(target)).sync().exit_status == 0
    assert {n: v for n, v in tree_of(target).items() if ".skycap-" not in n} == tree_of(source)


def test_waiting_to_try_again_ends_with_the_run(transfer: Runner) -> None:
    here, there = many(1), Faulty(Memory())
    there.on("write", Fault(UploadFailed("reset")), times=9)
    cancel = threading.Event()

    def listener(event: Any) -> None:
        if event.type is EventType.RETRY:
            cancel.set()

    from skycap.core.retry import Caller

    run = transfer(Location(here), Location(there), listener=listener, cancel=cancel, caller=Caller)
    result = run.copy()
    assert result.exit_status == 130
    assert there.count("write") == 1
