"""SIGTERM and Ctrl-C stop a server in good order; the second one stops it now. In real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from skycap.core.server.stopping import stopping

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")

SERVER = """
import sys, threading
from skycap.core.server.stopping import stopping

ended = threading.Event()

def stop():
    print("stopping", flush=True)
    sys.stdin.readline()  # until the test lets it end
    ended.set()

with stopping(stop) as came:
    print("ready", flush=True)
    ended.wait()
print("stopped by", *map(int, came), flush=True)
"""


def server() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_finishes_what_runs(number: signal.Signals) -> None:
    with server() as process:
        assert said(process) == "ready"
        process.send_signal(number)
        assert said(process) == "stopping"
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        assert said(process) == f"stopped by {int(number)}"
        assert process.wait(30) == 0


def test_the_second_signal_stops_now() -> None:
    with server() as process:
        assert said(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert said(process) == "stopping"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 128 + signal.SIGINT


def test_what_handled_signals_before_does_so_again() -> None:
    def mine(number: int, frame: object) -> None: ...

    before = signal.signal(signal.SIGTERM, mine)
    try:
        with stopping(lambda: None) as came:
            assert signal.getsignal(signal.SIGTERM) is not mine
        assert signal.getsignal(signal.SIGTERM) is mine
        with pytest.raises(ZeroDivisionError), stopping(lambda: None):
            raise ZeroDivisionError
        assert signal.getsignal(signal.SIGTERM) is mine
        assert came == []
    finally:
        signal.signal(signal.SIGTERM, before)
    assert signal.set_wakeup_fd(-1) == -1


def test_it_waits_until_the_server_has_stopped() -> None:
    order: list[str] = []
    asked, leave = threading.Event(), threading.Event()

    def stop() -> None:
        asked.set()
        assert leave.wait(30)
        order.append("stopped")

    with stopping(stop) as came:
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked.wait(30)
        threading.Timer(0.05, leave.set).start()
    order.append("left")
    assert order == ["stopped", "left"]
    assert came == [signal.SIGTERM]


def test_outside_of_the_main_thread_nothing_is_caught() -> None:
    seen: list[object] = []
    handler = signal.getsignal(signal.SIGTERM)

    def run() -> None:
        with stopping(lambda: None) as came:
            seen.extend([came, signal.getsignal(signal.SIGTERM)])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [[], handler]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_tells_its_parent_of_no_signals() -> None:
    code = """
import os, signal
from skycap.core.server.stopping import stopping
with stopping(lambda: print("stopped")) as came:
    child = os.fork()
    if child == 0:
        signal.raise_signal(signal.SIGTERM)
        os._exit(0)
    os.waitpid(child, 0)
print(came)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "[]\n", done.stderr
