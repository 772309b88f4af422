"""Run one command and say what it cost: time on the wall, processor time, peak memory of its process tree."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_S = 0.02
_GiB = 1 << 30


class CommandFailed(RuntimeError):
    """A command that is measured has to succeed."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run. Memory is resident bytes, of all processes of the tree together."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def run(argv: Sequence[str], env: Mapping[str, str], timeout_s: float = 1800) -> Cost:
    """Run to the end; `CommandFailed` with the end of its output when it says no."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            argv, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        watch = _Watch(process.pid, timeout_s)
        watch.start()
        # wait4 tells what this child used, itself and what it waited for; nobody else's children.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
        if process.returncode:
            output.seek(max(0, output.seek(0, os.SEEK_END) - 3000))
            said = output.read().decode(errors="replace")
            raise CommandFailed(f"{' '.join(argv)}\nended with {process.returncode}:\n{said}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, watch.peak)


def touch_memory() -> None:
    """Use most of the free memory once: in a virtual machine the first to touch a page pays for it."""
    if not hasattr(os, "sysconf"):
        return
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    held = [b"\1" * _GiB for _ in range(available * 9 // 10 // _GiB)]
    held.clear()


class _Watch(threading.Thread):
    """Adds up the memory of a process tree, again and again; ends the tree when its time is up.

    Not by `ru_maxrss`, which after a fork begins with the memory of the parent, so ours. The kernel's own
    high-water mark of each process catches what falls between two looks.
    """

    def __init__(self, pid: int, timeout_s: float) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid = pid
        self._deadline = time.monotonic() + timeout_s
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_SAMPLE_S):
            pids = _tree(self._pid)
            now, marks = zip(*map(_memory, pids), strict=True)
            self.peak = max(self.peak, sum(now), *marks)
            if time.monotonic() > self._deadline:
                for pid in pids:
                    _kill(pid)

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            for task in Path(f"/proc/{one}/task").glob("*/children"):
                found += map(int, task.read_text().split())
        except OSError:  # it ended while we looked
            continue
    return found


def _memory(pid: int) -> tuple[int, int]:
    """Resident bytes now, and the most there ever were; zeros when it has ended."""
    now = mark = 0
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("VmRSS:"):
                    now = int(line.split()[1]) * 1024
                elif line.startswith("VmHWM:"):
                    mark = int(line.split()[1]) * 1024
    except OSError:
        return 0, 0
    return now, mark


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return
