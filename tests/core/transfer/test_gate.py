"""The gate lets fewer in when the store says slow down, more when it goes well, and never nobody."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.core.errors import AccessDenied, Error, NotFound, RateLimited, Timeout
from skycap.core.location import Location
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.retry import Retrying
from skycap.core.testing.clock import ManualClock
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.transfer import crew as crew_module
from skycap.core.transfer.events import EventType
from skycap.core.transfer.gate import Gate
from tests.core.transfer.conftest import Runner, Told


@pytest.mark.parametrize("error", [RateLimited("slow"), Timeout("late")])
def test_it_is_halved_for_load_and_never_below_one(error: Error) -> None:
    gate = Gate(16)
    limits = []
    for _ in range(6):
        with gate:
            gate.slow_down(error)
        limits.append(gate.limit)
    assert limits == [8, 4, 2, 1, 1, 1]


@pytest.mark.parametrize("error", [NotFound("x"), AccessDenied("x"), Error("x")])
def test_other_errors_are_not_about_load(error: Error) -> None:
    gate = Gate(16)
    gate.slow_down(error)
    assert gate.limit == 16


def test_it_grows_again_by_one_after_many_clean_ones_up_to_where_it_was() -> None:
    gate = Gate(4)
    gate.slow_down(RateLimited("slow"))
    limits = []
    for _ in range(32 * 3):
        with gate:
            pass
        limits.append(gate.limit)
    assert limits[30] == 2
    assert limits[31] == 3
    assert limits[-1] == 4


def test_one_jam_halves_it_once_however_many_complain() -> None:
    gate = Gate(8)
    both = [gate.__enter__() for _ in range(8)]
    for _ in both:
        gate.slow_down(RateLimited("slow"))
    assert gate.limit == 4
    for _ in both:
        gate.__exit__(None, None, None)
    gate.slow_down(RateLimited("slow"))
    assert gate.limit == 2


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.lists(st.booleans(), min_size=1, max_size=60))
def test_nobody_waits_for_ever_and_never_are_too_many_inside(ceiling: int, slow: list[bool]) -> None:
    gate = Gate(ceiling)
    lock = threading.Lock()
    inside = most = 0

    def work(complains: bool) -> None:
        nonlocal inside, most
        with gate:
            with lock:
                inside += 1
                most = max(most, inside)
            if complains:
                gate.slow_down(RateLimited("slow"))
            with lock:
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(work, complains) for complains in slow]:
            future.result(timeout=60)
    assert most <= ceiling
    assert 1 <= gate.limit <= ceiling


def test_what_raises_inside_gives_its_place_back() -> None:
    gate = Gate(1)
    with pytest.raises(ZeroDivisionError), gate:
        raise ZeroDivisionError
    with gate:
        pass


def test_a_storage_that_retries_by_itself_slows_the_run_down_and_tells_of_it(
    tmp_path: Path, transfer: Runner, told: Told, caller: Any, clock: ManualClock, monkeypatch: Any
) -> None:
    gates: list[Gate] = []

    class Kept(Gate):
        def __init__(self, ceiling: int) -> None:
            super().__init__(ceiling)
            gates.append(self)

    monkeypatch.setattr(crew_module, "Gate", Kept)
    here, there = Memory(), Faulty(Memory())
    for number in range(20):
        here.write(f"f{number:02}", b"1")
    there.on("write", Fault(RateLimited("slow down", retry_after=3)), path="f00", times=2)
    there.on("write", Fault(RateLimited("slow down", retry_after=3)), path="f10", times=1)
    storage = Retrying(there, caller=caller)
    result = transfer(Location(here), Location(storage), {"transfers": 8}).copy()
    assert result.exit_status == 0, result.failures
    assert gates[0].limit < 8
    assert result.counts.retries == 3
    retries = [event for event in told if event.type is EventType.RETRY]
    assert sorted(event.path for event in retries) == ["f00", "f00", "f10"]
    assert all(isinstance(event.error, RateLimited) and event.seconds == 3 for event in retries)
    assert clock.slept_s == [3, 3, 3]


def test_retries_of_a_listing_are_told_as_well(transfer: Runner, told: Told, caller: Any) -> None:
    here = Faulty(Memory())
    here.inner.write("a", b"1")
    here.on("scan_all", Fault(RateLimited("slow down"), after_bytes=0))
    result = transfer(Location(Retrying(here, caller=caller)), Location(Memory())).copy()
    assert result.exit_status == 0
    assert result.counts.retries == 1
    assert [event.path for event in told if event.type is EventType.RETRY] == [""]
