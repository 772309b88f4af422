"""Large files go in parts, and go on where they stopped: in this process or in another one, tomorrow."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import (
    AccessDenied,
    AuthExpired,
    DownloadFailed,
    NotFound,
    OutOfSpace,
    RateLimited,
    StateWriteFailed,
    TransferFailed,
    UploadFailed,
)
from skycap.core.location import Location
from skycap.core.retry import Caller
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.limit import Bandwidth, Limited
from skycap.core.storage.overlays.retry import Retrying
from skycap.core.storage.pieces import Budget
from skycap.core.storage.upload import Upload
from skycap.core.testing.clock import ManualClock
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.transfer.events import Event, EventType
from tests.core.transfer.conftest import Runner, Told, local, make_tree
from tests.core.transfer.stores import PART, InParts, local_in_parts

COUNT = 16
BIG = random.Random(1).randbytes(COUNT * PART - 100)


@pytest.fixture
def source(tmp_path: Path) -> Location:
    return local(make_tree(tmp_path / "source", {"big": BIG}))


def hidden(root: Path) -> list[str]:
    return [name for name in os.listdir(root) if name.startswith(".skycap-")]


def test_every_part_is_sent_once_and_nothing_is_left_beside(
    tmp_path: Path, source: Location, transfer: Runner, told: Told
) -> None:
    there = local_in_parts(tmp_path / "target")
    result = transfer(source, Location(there)).copy()
    assert result.exit_status == 0, result.failures
    assert (tmp_path / "target/big").read_bytes() == BIG
    assert sorted(there.parts) == list(range(COUNT))
    assert told.strategies() == {"parts"}
    assert result.counts.bytes == len(BIG)
    assert hidden(tmp_path / "target") == []
    info = (tmp_path / "target/big").stat()
    assert info.st_mtime_ns == (tmp_path / "source/big").stat().st_mtime_ns


def test_a_source_that_is_no_local_file_is_read_in_ranges(tmp_path: Path, transfer: Runner) -> None:
    here = Memory()
    here.write("big", BIG)
    there = local_in_parts(tmp_path / "target")
    assert transfer(Location(here), Location(there)).copy().exit_status == 0
    assert (tmp_path / "target/big").read_bytes() == BIG


def test_where_order_matters_parts_come_one_after_the_other(
    tmp_path: Path, source: Location, transfer: Runner
) -> None:
    there = local_in_parts(tmp_path / "target", ordered=True)
    assert transfer(source, Location(there)).copy().exit_status == 0
    assert there.parts == list(range(COUNT))
    assert (tmp_path / "target/big").read_bytes() == BIG


class Watched(InParts):
    """Knows how many parts are at work at once."""

    inside = most = 0

    def _uploading(self, upload: Upload) -> Upload:
        found, lock = super()._uploading(upload), threading.Lock()
        put = found.put_part

        def put_part(index: int, data: bytes | memoryview, *, last: bool = False) -> None:
            with lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
            put(index, data, last=last)
            with lock:
                self.inside -= 1

        found.put_part = put_part  # type: ignore[method-assign]
        return found


def test_less_memory_than_one_part_is_enough_for_one_at_a_time(
    tmp_path: Path, source: Location, transfer: Runner
) -> None:
    there = Watched(local_in_parts(tmp_path / "target").inner)
    assert transfer(source, Location(there), {"parts_in_flight": 10}).copy().exit_status == 0
    assert there.most == 1


def test_parts_travel_at_once(tmp_path: Path, source: Location, transfer: Runner) -> None:
    there = Watched(local_in_parts(tmp_path / "target").inner)
    both = threading.Barrier(2)
    there.on("put_part", Fault(wait=lambda: both.wait(60)), times=2)
    assert transfer(source, Location(there)).copy().exit_status == 0
    assert there.most >= 2


def test_memory_for_parts_is_bounded_and_one_part_always_fits() -> None:
    budget = Budget(100)
    budget.take(60)
    waiting = threading.Event()
    done = threading.Event()

    def second() -> None:
        waiting.set()
        budget.take(60)
        done.set()

    thread = threading.Thread(target=second)
    thread.start()
    waiting.wait()
    assert not done.wait(0.05)
    budget.give(60)
    assert done.wait(30)
    thread.join()
    budget.give(60)
    budget.take(1000)


def test_a_limit_tells_of_the_bytes_of_a_part_and_gives_back_those_that_wait(
    tmp_path: Path, source: Location, transfer: Runner
) -> None:
    # A part takes a quarter of an hour: this ends in time only if none of them is waited for.
    there = Limited(local_in_parts(tmp_path / "target"), up=Bandwidth(PART / 900))
    cancel, moved = threading.Event(), []

    def listener(event: Event) -> None:
        if event.type is EventType.MOVED:
            moved.append(event.bytes)
            cancel.set()

    run = transfer(source, Location(there), listener=listener, cancel=cancel)
    result = run.copy()
    assert result.interrupted
    assert 0 < moved[0] < PART
    assert run.in_flight == 0
    assert result.counts.failed == 0
    assert transfer(source, Location(there.inner)).copy().exit_status == 0
    assert (tmp_path / "target/big").read_bytes() == BIG


def test_each_byte_of_a_limited_part_is_told_of_once(
    tmp_path: Path, source: Location, transfer: Runner
) -> None:
    there = Limited(local_in_parts(tmp_path / "target"), up=Bandwidth(len(BIG) * 4))
    result = transfer(source, Location(there)).copy()
    assert (result.exit_status, result.counts.bytes) == (0, len(BIG))


def test_the_parts_that_are_being_sent_are_known(tmp_path: Path, source: Location, transfer: Runner) -> None:
    there = local_in_parts(tmp_path / "target")
    run = transfer(source, Location(there))
    seen: list[int] = []
    there.on("put_part", Fault(wait=lambda: seen.append(run.in_flight)), nth=3)
    run.copy()
    assert seen[0] >= PART
    assert run.in_flight == 0


# Stopped, and gone on with

KILLED = """
import os, signal, sys
from skycap.core.location import Location
from skycap.core.storage.local import Local
from skycap.core.testing.faults import Fault
from skycap.core.transfer.engine import Transfer
sys.path.insert(0, sys.argv[1])
from tests.core.transfer.stores import local_in_parts

there = local_in_parts(sys.argv[3])
there.on(sys.argv[5], Fault(wait=lambda: os.kill(os.getpid(), signal.SIGKILL)), nth=int(sys.argv[6]))
Transfer(Location(Local(sys.argv[2])), Location(there), state_folder=sys.argv[4]).copy()
"""


def kill_at(tmp_path: Path, state_folder: str, verb: str, nth: int) -> None:
    root = str(Path(__file__).parents[3])
    folders = [root, str(tmp_path / "source"), str(tmp_path / "target"), state_folder]
    done = subprocess.run([sys.executable, "-c", KILLED, *folders, verb, str(nth)], timeout=60)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("nth", "least"), [(1, 0), (10, 6), (COUNT, COUNT - 4)])
def test_a_killed_run_costs_no_more_than_the_parts_in_flight(
    tmp_path: Path, source: Location, transfer: Runner, told: Told, state_folder: str, nth: int, least: int
) -> None:
    kill_at(tmp_path, state_folder, "put_part", nth)
    assert not (tmp_path / "target/big").exists()
    there = local_in_parts(tmp_path / "target")
    result = transfer(source, Location(there)).copy()
    assert result.exit_status == 0, result.failures
    assert (tmp_path / "target/big").read_bytes() == BIG
    assert len(there.parts) == len(set(there.parts)) <= COUNT - least
    assert result.counts.resumed == 1
    (resumed,) = [event for event in told if event.type is EventType.RESUMED]
    assert resumed.bytes == len(BIG) - sum(min(PART, len(BIG) - i * PART) for i in there.parts)
    assert hidden(tmp_path / "target") == []
    assert os.listdir(os.path.join(state_folder, "runs")) == []


def test_a_run_killed_before_the_last_step_sends_no_part_again(
    tmp_path: Path, source: Location, transfer: Runner, state_folder: str
) -> None:
    kill_at(tmp_path, state_folder, "complete", 1)
    there = local_in_parts(tmp_path / "target")
    assert transfer(source, Location(there)).copy().exit_status == 0
    assert there.parts == []
    assert (tmp_path / "target/big").read_bytes() == BIG


def test_parts_that_the_disk_lost_are_sent_again(
    tmp_path: Path, source: Location, transfer: Runner, state_folder: str
) -> None:
    kill_at(tmp_path, state_folder, "complete", 1)
    (name,) = hidden(tmp_path / "target")
    with open(tmp_path / "target" / name, "r+b") as file:
        file.seek(3 * PART)
        file.write(b"\0" * 10)
    there = local_in_parts(tmp_path / "target")
    assert transfer(source, Location(there)).copy().exit_status == 0
    assert there.parts == [3]
    assert (tmp_path / "target/big").read_bytes() == BIG


def test_a_source_that_changed_meanwhile_begins_anew(
    tmp_path: Path, source: Location, transfer: Runner, state_folder: str
) -> None:
    kill_at(tmp_path, state_folder, "put_part", 10)
    other = bytes(reversed(BIG))
    make_tree(tmp_path / "source", {"big": other})
    there = local_in_parts(tmp_path / "target")
    result = transfer(source, Location(there)).copy()
    assert result.exit_status == 0, result.failures
    assert result.counts.resumed == 0
    assert (tmp_path / "target/big").read_bytes() == other
    assert sorted(there.parts) == list(range(COUNT))
    assert hidden(tmp_path / "target") == []


def test_an_upload_that_the_store_forgot_begins_anew(
    tmp_path: Path, source: Location, transfer: Runner, state_folder: str
) -> None:
    kill_at(tmp_path, state_folder, "put_part", 10)
    (name,) = hidden(tmp_path / "target")
    (tmp_path / "target" / name).unlink()
    there = local_in_parts(tmp_path / "target")
    result = transfer(source, Location(there)).copy()
    assert result.exit_status == 0, result.failures
    assert result.counts.resumed == 0
    assert sorted(there.parts) == list(range(COUNT))


def test_cancelled_between_parts_it_says_what_is_unfinished_and_goes_on(
    tmp_path: Path, source: Location, transfer: Runner
) -> None:
    there = local_in_parts(tmp_path / "target", connections=1)
    first = transfer(source, Location(there, "sub"))
    there.on("put_part", Fault(wait=first.cancel.set), nth=5)
    result = first.copy()
    assert result.interrupted
    assert result.exit_status == 130
    assert result.unfinished == ["big"]
    sent = list(there.parts)
    assert 5 <= len(sent) < COUNT
    again = local_in_parts(tmp_path / "target")
    result = transfer(source, Location(again, "sub")).copy()
    assert result.exit_status == 0
    assert result.unfinished == []
    assert sorted(sent + again.parts) == list(range(COUNT))
    assert (tmp_path / "target/sub/big").read_bytes() == BIG


def test_an_upload_of_a_living_run_is_left_to_it(
    tmp_path: Path, source: Location, transfer: Runner, state_folder: str
) -> None:
    first = local_in_parts(tmp_path / "target")
    second = local_in_parts(tmp_path / "target")
    results = []

    def other() -> None:
        results.append(transfer(source, Location(second)).copy())

    first.on("put_part", Fault(wait=other), nth=8)
    results.append(transfer(source, Location(first)).copy())
    assert [result.exit_status for result in results] == [0, 0]
    assert [result.counts.resumed for result in results] == [0, 0]
    assert sorted(first.parts) == sorted(second.parts) == list(range(COUNT))
    assert (tmp_path / "target/big").read_bytes() == BIG
    assert hidden(tmp_path / "target") == []


# What goes wrong


@pytest.mark.parametrize("verb", ["put_part", "complete"])
def test_a_failed_try_is_gone_on_with_in_the_same_run(
    tmp_path: Path, source: Location, transfer: Runner, verb: str
) -> None:
    there = local_in_parts(tmp_path / "target")
    there.on(verb, Fault(UploadFailed("reset")), nth=1 if verb == "complete" else 7)
    result = transfer(source, Location(there)).copy()
    assert result.exit_status == 0, result.failures
    assert sorted(there.parts) == list(range(COUNT))
    assert (result.counts.retries, result.counts.resumed) == (1, 0)
    assert result.counts.bytes == len(BIG)
    assert (tmp_path / "target/big").read_bytes() == BIG


def test_only_the_part_is_tried_again_and_never_sooner_than_the_store_asked(
    tmp_path: Path, source: Location, transfer: Runner, told: Told, caller: Any, clock: ManualClock
) -> None:
    there = local_in_parts(tmp_path / "target")
    there.on("put_part", Fault(RateLimited("slow down", retry_after=17)), nth=3, times=2)
    retrying = Retrying(there, caller=caller)
    result = transfer(source, Location(retrying)).copy()
    assert result.exit_status == 0, result.failures
    assert sorted(there.parts) == list(range(COUNT))
    assert clock.slept_s == [17, 17]
    assert [(e.path, type(e.error)) for e in told if e.type is EventType.RETRY] == [("big", RateLimited)] * 2
    assert result.counts.retries == 2


@pytest.mark.parametrize("error", [OutOfSpace("full", hint="free some"), AccessDenied("no")])
def test_what_cannot_get_better_leaves_no_parts_behind(
    tmp_path: Path, source: Location, transfer: Runner, error: Any
) -> None:
    there = local_in_parts(tmp_path / "target")
    there.on("put_part", Fault(error), nth=5, times=99)
    result = transfer(source, Location(there)).copy()
    assert [type(failure.error) for failure in result.failures] == [type(error)]
    assert hidden(tmp_path / "target") == []


def test_credentials_that_expire_cost_no_part_that_is_there(
    tmp_path: Path, source: Location, transfer: Runner
) -> None:
    there = local_in_parts(tmp_path / "target")
    there.on("put_part", Fault(AuthExpired("expired")), nth=10, times=99)
    assert transfer(source, Location(there)).copy().exit_status == AuthExpired.exit_status
    again = local_in_parts(tmp_path / "target")
    assert transfer(source, Location(again)).copy().exit_status == 0
    assert sorted(there.parts + again.parts) == list(range(COUNT))


def test_an_upload_that_cannot_be_aborted_is_not_forgotten(
    tmp_path: Path, source: Location, transfer: Runner
) -> None:
    there = local_in_parts(tmp_path / "target")
    there.on("put_part", Fault(OutOfSpace("full")), nth=5, times=99)
    there.on("abort", Fault(TransferFailed("reset")))
    result = transfer(source, Location(there)).copy()
    assert [type(failure.error) for failure in result.failures] == [OutOfSpace]
    again = local_in_parts(tmp_path / "target")
    assert transfer(source, Location(again)).copy().exit_status == 0
    assert hidden(tmp_path / "target") == []


def test_a_source_that_ends_early_is_not_made_whole_with_nothing(tmp_path: Path, transfer: Runner) -> None:
    here = Faulty(Memory())
    here.inner.write("big", BIG)

    class Short(Faulty):
        def read(self, path: str, *, offset: int = 0, length: int | None = None, **more: Any) -> Any:
            return super().read(path, offset=offset, length=None if length is None else length - 1, **more)

    there = local_in_parts(tmp_path / "target")
    result = transfer(Location(Short(here.inner)), Location(there)).copy()
    assert [type(failure.error) for failure in result.failures] == [UploadFailed]
    assert not (tmp_path / "target/big").exists()


def test_a_file_that_changes_while_its_parts_are_read_is_sent_anew(
    tmp_path: Path, source: Location, transfer: Runner
) -> None:
    other = bytes(reversed(BIG))
    there = local_in_parts(tmp_path / "target")
    there.on(
        "put_part", Fault(wait=lambda: make_tree(tmp_path / "source", {"big": other}, mtime_ns=77)), nth=9
    )
    result = transfer(source, Location(there)).copy()
    assert result.exit_status == 0, result.failures
    assert (tmp_path / "target/big").read_bytes() == other
    assert hidden(tmp_path / "target") == []


def test_a_source_that_vanishes_in_mid_file_leaves_nothing(tmp_path: Path, transfer: Runner) -> None:
    here = Faulty(Memory())
    here.inner.write("big", BIG)
    here.on("read", Fault(NotFound("gone")), nth=5, times=99)
    there = local_in_parts(tmp_path / "target")
    result = transfer(Location(here), Location(there)).copy()
    assert [type(failure.error) for failure in result.failures] == [NotFound]
    assert hidden(tmp_path / "target") == []


def test_a_source_that_cannot_be_read_fails_in_the_words_of_its_storage(
    tmp_path: Path, transfer: Runner
) -> None:
    here = Faulty(Memory())
    here.inner.write("big", BIG)
    here.on("read", Fault(DownloadFailed("checksum", retryable=False)), times=99)
    there = local_in_parts(tmp_path / "target")
    result = transfer(Location(here), Location(there)).copy()
    assert [str(failure.error) for failure in result.failures] == ["checksum"]


def test_a_journal_that_cannot_be_written_ends_the_run_with_a_hint(
    tmp_path: Path, source: Location, transfer: Runner
) -> None:
    (tmp_path / "state").write_bytes(b"a file, and no folder")
    run = transfer(source, Location(local_in_parts(tmp_path / "target")))
    with pytest.raises(StateWriteFailed) as caught:
        run.copy()
    assert caught.value.hint
    assert not (tmp_path / "target").exists()


def test_a_bug_in_a_part_surfaces(tmp_path: Path, source: Location, transfer: Runner) -> None:
    class Buggy(InParts):
        def begin(self, verb: str, path: str) -> Fault | None:
            if verb == "put_part":
                raise ZeroDivisionError("a bug")
            return super().begin(verb, path)

    there = Buggy(local_in_parts(tmp_path / "target").inner)
    with pytest.raises(ZeroDivisionError):
        transfer(source, Location(there)).copy()


def test_a_caller_that_waits_is_stopped_by_cancel(tmp_path: Path, source: Location, transfer: Runner) -> None:
    there = local_in_parts(tmp_path / "target")
    run: Any = None

    def caller(*args: Any, **kwargs: Any) -> Caller:
        def wait(seconds: float) -> bool:
            run.cancel.set()
            return True

        return Caller(*args, **{**kwargs, "wait": wait})

    there.on("put_part", Fault(UploadFailed("reset")), nth=2)
    run = transfer(source, Location(there), caller=caller)
    result = run.copy()
    assert result.interrupted
    assert result.unfinished == ["big"]
    assert result.counts.failed == 0


def test_a_large_file_is_fetched_into_the_file_it_becomes(tmp_path: Path, transfer: Runner) -> None:
    here = Memory()
    here.write("big", BIG)
    here.read = None  # type: ignore[method-assign,assignment] # its bytes do not come through this process
    there = local_in_parts(tmp_path / "target").inner  # itself: nothing around it leads to its file
    result = transfer(Location(here), Location(there)).copy()
    assert result.exit_status == 0, result.failures
    assert result.counts.strategies == {"parts": 1}
    assert (tmp_path / "target" / "big").read_bytes() == BIG
