"""Memory for large pieces: how much there may be at once, who gets it first, and that it goes back."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skycap.core.storage.pieces import SMALL, Budget, read_at, read_piece
from skycap.core.units import MiB

SIZES = [0, 1, SMALL, SMALL + 1, 2 * MiB + 1, 5 * MiB]


def test_who_came_first_is_served_first_though_less_would_fit() -> None:
    budget = Budget(100)
    budget.take(60)
    order: list[str] = []

    def take(name: str, size: int) -> None:
        with budget.hold(size):
            order.append(name)

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(take, "large", 100)]
        while not budget._waiting:
            assert not jobs[0].done()
        jobs.append(pool.submit(take, "small", 10))
        while len(budget._waiting) < 2:
            assert not jobs[1].done()
        budget.give(60)
        for job in jobs:
            job.result(30)
    assert order[0] == "large"
    budget.take(100)  # all of it came back


def test_small_pieces_never_wait() -> None:
    budget = Budget(100, ignored=10)
    with budget.hold(1000), budget.hold(10):
        pass


def test_who_gives_up_waiting_takes_nothing_and_lets_others_through(monkeypatch: pytest.MonkeyPatch) -> None:
    class GivesUp(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    budget = Budget(100)
    budget.take(60)
    with monkeypatch.context() as patched:
        patched.setattr("threading.Event", GivesUp)
        with pytest.raises(KeyboardInterrupt):
            budget.take(50)
    budget.take(40)  # nobody stands before us
    budget.give(40)
    budget.give(60)
    budget.take(100)


@pytest.mark.parametrize("size", SIZES)
def test_a_piece_of_a_file_is_what_is_there(tmp_path: Path, size: int) -> None:
    content = os.urandom(size + 10)
    (tmp_path / "f").write_bytes(content)
    descriptor = os.open(tmp_path / "f", os.O_RDONLY)
    try:
        assert read_at(descriptor, size, 7) == content[7 : size + 7]
        assert read_at(descriptor, size + 100, 7) == content[7:]
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("size", SIZES)
def test_a_piece_of_a_stream_is_what_is_there(size: int) -> None:
    content = os.urandom(size + 10)
    reader = io.BytesIO(content)
    assert read_piece(reader, size) == content[:size]
    assert read_piece(reader, size + 100) == content[size:]
    assert len(read_piece(reader, size)) == 0


_THREADS = """
import os, sys, threading
from skycap.core.storage.pieces import read_at, read_piece

def rss():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

here = threading.Barrier(8)
def work():
    here.wait()  # so that each thread has memory of its own
    for mib in (16, 9, 12, 15):
        descriptor = os.open(sys.argv[1], os.O_RDONLY)
        read_at(descriptor, mib << 20, 0)
        os.close(descriptor)
        with open(sys.argv[1], "rb") as file:
            read_piece(file, mib << 20)
    here.wait()

before = rss()
threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
print(rss() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_large_pieces_goes_back_to_the_system(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(16 * MiB))
    command = [sys.executable, "-c", _THREADS, str(tmp_path / "f")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 32 * MiB
