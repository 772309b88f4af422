"""A million entries cost no more memory than a thousand: everything is a stream, or waits on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no resource usage there")

SCRIPT = """
import json, os, random, resource, sys
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Kind
from skycap.core.storage.facts import Facts
from skycap.core.storage.interface import Storage
from skycap.core.transfer.engine import Transfer
from skycap.core.transfer.events import EventType

class Synthetic(Storage):
    capabilities = frozenset({
        Capability.LIST, Capability.READ, Capability.WRITE, Capability.REMOVE, Capability.SCAN_ALL,
        Capability.REMOVE_MANY,
    })
    facts = Facts(scan_all_ordered=True)

    def __init__(self, name, count, deep=1000, timed=True):
        self.name, self.count, self.deep = name, count, deep
        if not timed:
            self.facts = Facts(scan_all_ordered=True, scan_fields=frozenset({"size", "version"}))
        self.mtime_ns = 5 if timed else None
        self.removed = 0

    @property
    def identity(self):
        return self.name

    def scan_all(self, path):
        for folder in range(-(-self.count // self.deep)):
            yield Entry(f"folder-{folder:07}", Kind.DIRECTORY)
            for number in range(min(self.deep, self.count - folder * self.deep)):
                path = f"folder-{folder:07}/a-file-with-some-name-{number:07}"
                yield Entry(path, Kind.FILE, number, self.mtime_ns, 5, "v")

    def stat(self, path):
        return Entry(path, Kind.FILE, int(path[-7:]), 5, 5, "v")

    def remove_many(self, paths):
        for path in paths:
            self.removed += 1
            yield path, None

    def remove(self, path, *, condition=None):
        self.removed += 1

case, count, state = sys.argv[1], int(sys.argv[2]), sys.argv[3]
source = Synthetic("source", 1 if case.startswith("removals") else count)
target = Synthetic("target", count, deep=1 if case == "removals of folders" else 1000, timed=case != "table")
for _ in range(2 if case == "table" else 1):
    transfer = Transfer(Location(source), Location(target), state_folder=state)
    result = transfer.sync(lambda removals: sum(1 for _ in removals.paths()) == removals.count)
assert result.exit_status == 0, result.failures[:3]
try:  # the other counter begins, after a fork, with the memory of whoever started this process
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps([peak, result.counts.unchanged, target.removed]))
"""
MIB = 1 << 20


def run(case: str, count: int, tmp_path: Path) -> tuple[int, int, int]:
    """Peak memory in bytes, files that were the same, and what was removed."""
    state = str(tmp_path / f"state-{count}")
    arguments = [sys.executable, "-c", SCRIPT, case, str(count), state]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, timeout=900, check=True)
    peak, unchanged, removed = json.loads(done.stdout)
    return peak, unchanged, removed


@pytest.mark.parametrize(
    ("case", "unchanged", "removed"),
    [
        ("both sides", 60_000, 0),
        ("table", 60_000, 0),
        ("removals", 1, 60_000 + 60 - 2),
        ("removals of folders", 1, 2 * 60_000 - 2),
    ],
)
def test_many_entries_cost_what_few_cost(tmp_path: Path, case: str, unchanged: int, removed: int) -> None:
    few, _, _ = run(case, 2_000, tmp_path)
    many, *found = run(case, 60_000, tmp_path)
    assert found == [unchanged, removed]
    assert many - few < 8 * MIB, f"{few / MIB:.0f} MiB for few, {many / MIB:.0f} MiB for many"


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", ["both sides", "table", "removals", "removals of folders"])
def test_a_million_entries_on_both_sides_stay_far_below_300_mib(tmp_path: Path, case: str) -> None:
    peak, _, _ = run(case, 1_000_000, tmp_path)
    assert peak < 150 * MIB, f"{peak / MIB:.0f} MiB"
