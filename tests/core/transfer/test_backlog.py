"""What waits for workers is shared fairly, bounded, and let go of when a run ends."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from skycap.core.transfer.backlog import Backlog


def filled(count: int, *, takers: int = 1, share: int = 8) -> Backlog[int]:
    backlog: Backlog[int] = Backlog(takers, most=1000, share=share)
    for number in range(count):
        backlog.put(number)
    return backlog


def test_a_worker_takes_a_share_in_order() -> None:
    assert filled(20).take() == list(range(8))


def test_what_is_left_is_shared_among_all_workers() -> None:
    backlog = filled(8, takers=4)
    assert [backlog.take() for _ in range(5)] == [[0, 1], [2, 3], [4], [5], [6]]


def test_nothing_waits_behind_what_is_large() -> None:
    backlog: Backlog[str] = Backlog(1, most=100, share=8)
    for name in ("small", "Large", "last", "least"):
        backlog.put(name, alone=name.istitle())
    assert [backlog.take() for _ in range(3)] == [["small"], ["Large"], ["last", "least"]]


def test_it_says_whether_somebody_is_free() -> None:
    backlog: Backlog[int] = Backlog(1, most=10, share=1)
    assert not backlog.put(1)
    assert backlog.take() == [1]


def test_at_its_end_workers_get_what_is_left_and_then_nothing() -> None:
    backlog = filled(3)
    backlog.end()
    assert (backlog.take(), backlog.take(), backlog.take()) == ([0, 1, 2], [], [])


def test_what_is_dropped_nobody_gets() -> None:
    backlog = filled(3)
    backlog.end(drop=True)
    assert backlog.take() == []


def test_whoever_waits_is_woken_by_the_end() -> None:
    full: Backlog[int] = Backlog(1, most=1, share=1)
    full.put(1)
    empty: Backlog[int] = Backlog(1, most=1, share=1)
    with ThreadPoolExecutor() as pool:
        putting, taking = pool.submit(full.put, 2), pool.submit(empty.take)
        full.end(drop=True)
        empty.end()
        assert taking.result(timeout=30) == []
        putting.result(timeout=30)


def test_everything_arrives_once_and_no_more_than_allowed_waits() -> None:
    backlog: Backlog[int] = Backlog(4, most=16, share=4)
    taken: list[int] = []
    lock = threading.Lock()

    def work() -> None:
        while numbers := backlog.take():
            with lock:
                taken.extend(numbers)

    with ThreadPoolExecutor() as pool:
        workers = [pool.submit(work) for _ in range(4)]
        for number in range(5000):
            backlog.put(number)
            assert len(backlog) <= 16
        backlog.end()
        for worker in workers:
            worker.result(timeout=60)
    assert sorted(taken) == list(range(5000))
