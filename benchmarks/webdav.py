"""The WebDAV server beside `rclone serve webdav`, on the same folder, in one run.

    uv run --group bench python -m benchmarks.webdav                  # some minutes on two cores
    uv run --group bench python -m benchmarks.webdav --only 'PROPFIND' --rounds 3
    uv run --group bench python -m benchmarks.webdav --json FILE

Both servers run all the time; each round asks one after the other, and every other round begins with the
other one, so that what the machine does meanwhile hits both. The client is a process of its own that knows
nothing but sockets. A ratio is rclone's median time over ours; that of memory is rclone's peak over ours.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import report
from skycap.core.testing.servers import free_ports, wait_for_port

MiB = 1 << 20
LARGE, MIDDLE, SMALL = 256 * MiB, 16 * MiB, 4096
_TAKEN = 128 << 10
"""Bytes that the client takes at once. More would leave the cache, and the client would be measured."""
ENTRIES, PARALLEL, REPEATS, LISTINGS = 1000, 20, 2000, 20
PROPERTIES = (
    '<?xml version="1.0"?><d:propfind xmlns:d="DAV:"><d:prop><d:displayname/><d:getlastmodified/>'
    "<d:getcontentlength/><d:resourcetype/><d:getcontenttype/></d:prop></d:propfind>"
)


# The client


class Connection:
    """A connection that is kept, and just enough of HTTP."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._held = b""
        self._buffer = memoryview(bytearray(_TAKEN))

    def ask(self, method: str, path: str, headers: str = "", body: bytes = b"", size: int = -1) -> int:
        """Send a request, take the answer; how many bytes its body had. `size`: so many zeros are sent."""
        length = len(body) if size < 0 else size
        said = f"Content-Length: {length}\r\n" if length or method in {"PUT", "PROPFIND"} else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{said}\r\n".encode()
        self._socket.sendall(head + body)
        for start in range(0, max(0, size), MiB):
            self._socket.sendall(self._zeros[: min(MiB, size - start)])
        return self._answer()

    _zeros = memoryview(bytes(MiB))

    def _answer(self) -> int:
        while b"\r\n\r\n" not in self._held:
            self._more()
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        status = int(head[9:12])
        if status >= 300:
            raise RuntimeError(head.decode("latin-1"))
        if found := re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head):
            return self._exactly(int(found[1]))
        return self._chunks() if re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head) else 0

    def _more(self) -> None:
        data = self._socket.recv(1 << 16)
        if not data:
            raise RuntimeError("the server closed the connection")
        self._held += data

    def _exactly(self, size: int) -> int:
        left = size - len(self._held)
        self._held = self._held[size:] if left < 0 else b""
        while left > 0:
            got = self._socket.recv_into(self._buffer[: min(left, _TAKEN)])
            if not got:
                raise RuntimeError("the answer was cut")
            left -= got
        return size

    def _chunks(self) -> int:
        total = 0
        while True:
            while b"\r\n" not in self._held:
                self._more()
            line, _, self._held = self._held.partition(b"\r\n")
            size = int(line, 16)
            self._exactly(size + 2)
            total += size
            if not size:
                return total


def _get_large(port: int) -> None:
    assert Connection(port).ask("GET", "/large") == LARGE


def _put_large(port: int) -> None:
    Connection(port).ask("PUT", "/written", size=LARGE)


def _get_parallel(port: int) -> None:
    threads = [
        threading.Thread(target=lambda: Connection(port).ask("GET", "/middle")) for _ in range(PARALLEL)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _get_small(port: int) -> None:
    connection = Connection(port)
    for _ in range(REPEATS):
        assert connection.ask("GET", "/small") == SMALL


def _put_small(port: int) -> None:
    # New names: ext4 walks past each inode that was freed a moment ago before it gives out another one.
    connection, body = Connection(port), os.urandom(SMALL)
    for number in range(REPEATS // 2):
        connection.ask("PUT", f"/small-{os.getpid()}-{number}", body=body)


def _list(port: int) -> None:
    connection = Connection(port)
    for _ in range(LISTINGS):
        connection.ask("PROPFIND", "/folder/", "Depth: 1\r\n", PROPERTIES.encode())


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked, and the ratio that it shall reach."""

    ask: Callable[[int], None]
    goal: float


TASKS = {
    "GET 256 MiB": Task(_get_large, 1.2),
    "PUT 256 MiB": Task(_put_large, 1.2),
    "GET 16 MiB, 20 at once": Task(_get_parallel, 1.0),
    "GET 4 KiB": Task(_get_small, 0.5),
    "PUT 4 KiB": Task(_put_small, 0.5),
    "PROPFIND of 1,000 entries": Task(_list, 1.0),
}


# The servers


def serve(folder: str, port: int) -> None:
    """Our server without its command line, until this process is ended."""
    from skycap.core.location import Location
    from skycap.core.server.locks import open_lock_store
    from skycap.core.storage.local import Local
    from skycap.core.webdav.app import DavApp
    from skycap.core.webdav.books import Books
    from skycap.core.webdav.serving import bind
    from skycap.core.webdav.shares import Share, Shares

    state = tempfile.mkdtemp(dir=Path(folder).parent)
    books = Books(f"{state}/webdav.db")
    locks = open_lock_store(f"sqlite:///{state}/locks.db")
    app = DavApp(Shares([Share("", Location(Local(folder)))]), books, locks)
    bind("cheroot", app, "127.0.0.1", port).serve()


@contextmanager
def running(argv: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server on a port, for as long as the block runs."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, process=process)
        yield process
    finally:
        process.kill()
        process.wait()


def _fill(folder: Path) -> None:
    (folder / "folder").mkdir(parents=True)
    for number in range(ENTRIES):
        (folder / "folder" / f"file number {number:04}.txt").write_bytes(b"x" * number)
    for name, size in (("large", LARGE), ("middle", MIDDLE), ("small", SMALL)):
        with (folder / name).open("wb") as stream:
            for start in range(0, size, MiB):
                stream.write(os.urandom(min(MiB, size - start)))


def _timed(task: str, port: int) -> float:
    argv = [sys.executable, "-m", "benchmarks.webdav", "--client", task, "--port", str(port)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=600)
    return float(done.stdout)


def _peak(process: subprocess.Popen[bytes]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def compare(only: str, rounds: int, work: Path) -> dict[str, dict[str, float]]:
    """The median times in seconds of each task, ours and rclone's, the peaks in bytes, and the ratios."""
    folder = work / "served"
    _fill(folder)
    port, peer = free_ports(2)
    ours = [sys.executable, "-m", "benchmarks.webdav", "--serve", str(folder), "--port", str(port)]
    rclone = str(Path(sys.executable).parent / "rclone")
    theirs = [rclone, "serve", "webdav", str(folder), "--addr", f"127.0.0.1:{peer}"]
    found: dict[str, dict[str, float]] = {}
    print(f"load of the machine at the beginning: {os.getloadavg()[0]:.1f}", flush=True)
    with ExitStack() as stack:
        processes = {
            "skycap": stack.enter_context(running(ours, port)),
            "rclone": stack.enter_context(running(theirs, peer)),
        }
        for name, task in TASKS.items():
            if not re.search(only, name):
                continue
            times: dict[str, list[float]] = {"skycap": [], "rclone": []}
            try:
                for number in range(rounds):
                    pairs = [("skycap", port), ("rclone", peer)]
                    for who, where in pairs if number % 2 else reversed(pairs):
                        times[who].append(_timed(name, where))
            except subprocess.CalledProcessError as error:
                print(f"{name}: {error.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                continue
            middle = {who: statistics.median(each) for who, each in times.items()}
            best = {f"{who} at best": min(each) for who, each in times.items()}
            ratio = middle["rclone"] / middle["skycap"]
            found[name] = {**middle, **best, "ratio": ratio, "goal": task.goal}
            _show(name, found[name], "s")
        peaks = {who: float(_peak(process)) for who, process in processes.items()}
        found["peak memory"] = {**peaks, "ratio": peaks["rclone"] / peaks["skycap"], "goal": 1.0}
        _show(
            "peak memory", {**found["peak memory"], **{who: peak / MiB for who, peak in peaks.items()}}, "MiB"
        )
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")
    return found


def _show(name: str, row: dict[str, float], unit: str) -> None:
    met = "" if row["ratio"] >= row["goal"] else "  MISSED"
    print(
        f"{name:28} skycap {row['skycap']:8.3f} {unit:3}  rclone {row['rclone']:8.3f} {unit:3}"
        f"  ratio {row['ratio']:5.2f}  goal {row['goal']:.1f}{met}",
        flush=True,
    )


def main() -> int:
    """Compare, or be one of the processes that it takes; 1 where `--strict` misses a goal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="a pattern of the tasks to do")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, help="where to write what was measured")
    parser.add_argument("--strict", action="store_true", help="fail where a goal is missed")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.port)
        return 0
    if arguments.client:
        began = time.perf_counter()
        TASKS[arguments.client].ask(arguments.port)
        print(time.perf_counter() - began)
        return 0
    work = Path(tempfile.mkdtemp(prefix="skycap-webdav-"))
    try:
        found = compare(arguments.only, arguments.rounds, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": report.machine(), "tasks": found}, indent=2) + "\n")
    met = all(row["ratio"] >= row["goal"] for row in found.values())
    return 0 if met or not arguments.strict else 1


if __name__ == "__main__":
    sys.exit(main())
