"""How fast a backup looks through its source: a million tiny files, and the table of those of the last time.

    uv run python -m benchmarks.scanning                  # a million files, which take minutes to make
    uv run python -m benchmarks.scanning --files 50000
    uv run python -m benchmarks.scanning --source DIR     # what is there already

Each round runs all of them one after the other, each in a process of its own; the ratio is that of the plain
walk in the same round. Processor time is of use where other programs run too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

OWNER = bytes(32)
PER_FOLDER = 100


def generate(top: bytes, count: int) -> None:
    """`count` files of a few bytes, a hundred in a directory."""
    for start in range(0, count, PER_FOLDER):
        number = start // PER_FOLDER
        folder = top + b"/%03d/%04d" % (number // 100, number)
        os.makedirs(folder)
        handle = os.open(folder, os.O_RDONLY)
        for at in range(start, min(start + PER_FOLDER, count)):
            file = os.open(b"file-%07d.txt" % at, os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=handle)
            os.write(file, b"%d" % at)
            os.close(file)
        os.close(handle)


def plain(top: bytes, _: str) -> int:
    """os.scandir and a stat of each: what any walk in Python costs."""
    count, waiting = 0, [top]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
                    count += 1
    return count


def scan(top: bytes, _: str) -> int:
    """The scan alone: sorted, with what it tells of each file."""
    from skycap.backup.scan.events import Batch
    from skycap.backup.scan.walking import Scanner

    return sum(len(event.items) for event in Scanner([top]) if isinstance(event, Batch))


def scan_and_write(top: bytes, table: str) -> int:
    """The scan of a first backup: each file goes into the table."""
    from skycap.backup.scan.changes import fingerprint
    from skycap.backup.scan.events import Batch
    from skycap.backup.scan.table import Row
    from skycap.backup.scan.table_writer import TableWriter
    from skycap.backup.scan.walking import Scanner

    count = 0
    with TableWriter(table, OWNER, time.time_ns() + 10**10) as writer:
        for event in Scanner([top]):
            if isinstance(event, Batch):
                rows = [Row(item.name, fingerprint(item.info), bytes(40)) for item in event.items]
                writer.add(event.number, event.directory.path, rows)
                count += len(rows)
        writer.commit()
    return count


def scan_and_join(top: bytes, table: str) -> int:
    """The scan of an unchanged source: each file is found in the table."""
    from skycap.backup.scan.changes import Comparison
    from skycap.backup.scan.events import Batch
    from skycap.backup.scan.table_reader import FileTable
    from skycap.backup.scan.walking import Scanner

    count = 0
    with FileTable.open(table, OWNER) as found:
        for event in Scanner([top]):
            if isinstance(event, Batch):
                values = found.values(event, Comparison())
                count += len(values) - values.count(None)
    return count


WAYS: dict[str, Callable[[bytes, str], int]] = {
    "os.scandir and stat": plain,
    "scan": scan,
    "scan, table written": scan_and_write,
    "scan, table joined": scan_and_join,
}


def one(way: str, top: str, table: str) -> None:
    """Run one way here, and print what it cost."""
    wall, processor = time.perf_counter(), time.process_time()
    count = WAYS[way](os.fsencode(top), table)
    costs = {
        "files": count,
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(costs))


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--source")
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--table", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one, arguments.source, arguments.table)
        return 0
    with tempfile.TemporaryDirectory(prefix="skycap-scan-") as work:
        source = arguments.source or work + "/source"
        if not arguments.source:
            generate(os.fsencode(source), arguments.files)
        costs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(arguments.rounds):
            for way in WAYS:
                command = [sys.executable, "-m", "benchmarks.scanning", "--one", way, "--source", source]
                command += ["--table", work + "/table"]
                done = subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[1])
                costs[way].append(json.loads(done.stdout))
        print(f"| {int(costs['scan'][0]['files']):,} files | files/s | processor, s | ratio | peak MiB |")
        print("|---|---|---|---|---|")
        for way, rounds in costs.items():
            rate = statistics.median(found["files"] / found["wall"] for found in rounds)
            spent = statistics.median(found["processor"] for found in rounds)
            ratio = statistics.median(
                base["processor"] / found["processor"]
                for base, found in zip(costs["os.scandir and stat"], rounds, strict=True)
            )
            peak = max(found["peak_mib"] for found in rounds)
            print(f"| {way} | {rate:,.0f} | {spent:.2f} | {ratio:.2f} | {peak:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
