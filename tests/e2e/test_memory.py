"""What a copy takes of memory, with all its children: below 300 MiB, whatever is copied."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path

import pytest

from tests.e2e.lab import Lab, outcome_of
from tests.e2e.stores import Store
from tests.e2e.trees import KiB, MiB, write_file, write_tree

MOST = 300 * MiB
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def _group_bytes(group: int) -> int:
    """Resident memory of all processes of a group; shared pages count for each."""
    total = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total


def peak(lab: Lab, *args: str | Path) -> int:
    """The most that was seen while a command ran."""
    process = lab.start(*args)
    ended = threading.Event()
    seen = [0]

    def watch() -> None:
        while not ended.wait(0.03):
            seen.append(_group_bytes(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        outcome = outcome_of(process)
    finally:
        ended.set()
        watcher.join()
    assert outcome.status == 0, outcome.err
    print(f"{max(seen) / MiB:.0f} MiB for {args[0]} of {args[1]} to {args[2]}")
    return max(seen)


def copies(lab: Lab, source: Path, bucket: str, *, most: int = MOST) -> None:
    assert peak(lab, "copy", source, lab.folder / "local") < most
    assert peak(lab, "copy", source, f"t:{bucket}/x/") < most
    assert peak(lab, "copy", f"t:{bucket}/x", lab.folder / "back") < most


def test_a_file_of_many_parts_takes_little_memory(lab: Lab, bucket: str) -> None:
    source = lab.folder / "large"
    write_file(source / "large.bin", 120 * MiB, seed=51)
    copies(lab, source, bucket)


def test_files_just_too_small_for_parts_take_little_memory(lab: Lab, bucket: str, store: Store) -> None:
    source = lab.folder / "middling"
    for number in range(32):
        write_file(source / f"{number}.bin", 16 * MiB - number * 70 * KiB, seed=number)
    copies(lab, source, bucket, most=200 * MiB)
    assert peak(lab, "copy", f"t:{bucket}/x", f"t:{store.make_bucket()}/x") < 200 * MiB


@pytest.mark.long
def test_a_file_of_a_gibibyte_takes_little_memory(lab: Lab, bucket: str) -> None:
    source = lab.folder / "large"
    write_file(source / "large.bin", 1024 * MiB, seed=52)
    copies(lab, source, bucket)


@pytest.mark.long
def test_twenty_thousand_files_take_little_memory(lab: Lab, bucket: str) -> None:
    source = lab.folder / "many"
    write_tree(source, seed=53, files=20_000, largest=16 * KiB)
    copies(lab, source, bucket)
