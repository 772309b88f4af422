"""Servers in the background are ready when they say so, found while they run, and stopped by who they are."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.errors import (
    AccessDenied,
    DependencyMissing,
    Error,
    Locked,
    NotFound,
    StateReadFailed,
    StateWriteFailed,
    Timeout,
    UsageError,
)
from skycap.core.server import processes
from skycap.core.server.daemon import log_path, start, stop
from skycap.core.server.processes import birth, terminate
from skycap.core.server.registering import Running, find, registered, running, servers_folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="these servers stop by signals")

SERVER = """
import os, signal, sys, threading
from skycap.core.server.registering import registered
from skycap.core.server.stopping import stopping

name, manner = sys.argv[1:3]
print("hello from", name, flush=True)
if manner == "secret":
    print("length", len(sys.stdin.readline().strip()), flush=True)
if manner == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with registered(name, []):
        threading.Event().wait()
if manner == "fail":
    sys.exit("the port is taken")
ended = threading.Event()
if manner == "never":
    ended.wait()
with stopping(lambda: print("asked", flush=True) if manner == "deaf" else ended.set()):
    with registered(name, ["http://127.0.0.1:1/"], serves=["photos:2024"], facts={"tls": "no"}):
        ended.wait()
print("bye", flush=True)
"""


def argv(name: str, manner: str = "plain") -> list[str]:
    return [sys.executable, "-c", SERVER, name, manner]


def wait_until_said(word: str) -> None:
    while word not in Path(log_path("box")).read_text():
        continue


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    for one in running():
        stop(one.name, timeout_s=0, force=True)


def test_a_server_is_started_found_and_stopped() -> None:
    before = running()
    server = start("box", argv("box"))
    assert before == []
    assert server.urls == ["http://127.0.0.1:1/"]
    assert server.serves == ["photos:2024"]
    assert server.facts == {"tls": "no"}
    assert server.pid != os.getpid()
    assert os.getsid(server.pid) == server.pid, "Ctrl-C in the terminal does not reach it"
    assert running() == [server]
    assert find("box") == server
    assert find("other") is None
    assert stop("box") == server
    assert running() == []
    assert birth(server.pid) is None
    assert Path(log_path("box")).read_text() == "hello from box\nbye\n"
    assert os.listdir(servers_folder()) == [".lock"]


def test_what_is_written_is_for_its_owner_only() -> None:
    start("box", argv("box"))
    assert os.stat(log_path("box")).st_mode & 0o777 == 0o600
    assert os.stat(os.path.join(servers_folder(), "box.json")).st_mode & 0o777 == 0o600
    assert os.stat(servers_folder()).st_mode & 0o777 == 0o700


def test_a_secret_comes_on_standard_input_and_nowhere_else() -> None:
    server = start("box", argv("box", "secret"), secret=Secret("hunter2hunter2"))
    assert "length 14" in Path(log_path("box")).read_text()
    if os.path.exists("/proc/self/environ"):
        for name in ("cmdline", "environ"):
            assert b"hunter2" not in Path(f"/proc/{server.pid}/{name}").read_bytes()


def test_a_server_that_fails_is_told_with_what_it_said() -> None:
    Path(log_path("box")).parent.mkdir(parents=True)
    Path(log_path("box")).write_text("of another day\n")
    with pytest.raises(Error, match="ended with status 1") as caught:
        start("box", argv("box", "fail"), secret=Secret("unread"))
    assert "hello from box; the port is taken" in str(caught.value)
    assert "of another day" not in str(caught.value)
    assert log_path("box") in (caught.value.hint or "")


def test_a_server_that_is_never_ready_is_ended() -> None:
    def look(seconds: float) -> None:
        # It has begun for certain once it says so; then the time is over at once.
        wait_until_said("hello")

    with pytest.raises(Timeout, match="not ready after 0 s") as caught:
        start("box", argv("box", "never"), timeout_s=0, wait=look)
    assert running() == []
    assert caught.value.where == "box"


def test_two_of_one_name_do_not_run() -> None:
    server = start("box", argv("box"))
    with pytest.raises(Locked, match=f"as process {server.pid}"):
        start("box", argv("box"))
    with pytest.raises(Locked), registered("box", []):
        pytest.fail("it was let in")
    assert find("box") == server
    other = start("other", argv("other"))
    assert running() == [server, other]


@pytest.mark.parametrize("name", ["", ".x", "a/b", "..", "a b", "x" * 65, "ä"])
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        start(name, argv("box"))


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DependencyMissing, match="no program"):
        start("box", [str(tmp_path / "none")])
    (tmp_path / "text").write_text("")
    with pytest.raises(AccessDenied, match="cannot be started"):
        start("box", [str(tmp_path / "text")])


def test_a_log_that_cannot_be_written_is_told() -> None:
    os.makedirs(log_path("box"))
    with pytest.raises(StateWriteFailed, match="log"):
        start("box", argv("box"))


def test_a_long_log_is_put_aside() -> None:
    Path(log_path("box")).parent.mkdir(parents=True)
    with open(log_path("box"), "wb") as file:
        file.truncate(5 * 1024 * 1024)
    start("box", argv("box"))
    assert Path(log_path("box")).read_text() == "hello from box\n"
    assert os.path.getsize(log_path("box") + ".1") == 5 * 1024 * 1024


def test_it_gets_the_environment_that_it_is_given() -> None:
    code = "import os; raise SystemExit(os.environ['MARK'])"
    with pytest.raises(Error, match="the mark"):
        start("box", [sys.executable, "-c", code], environ={**os.environ, "MARK": "the mark"})


def test_a_server_that_takes_long_is_left_to_finish_and_ended_when_stopped_once_more() -> None:
    server = start("box", argv("box", "deaf"))
    with pytest.raises(Timeout, match="has not ended"):
        stop("box", timeout_s=0)
    assert find("box") == server
    wait_until_said("asked")  # two signals that nobody saw yet are one
    assert stop("box") == server
    assert running() == []


def test_a_server_that_does_not_listen_is_ended_by_force() -> None:
    server = start("box", argv("box", "stubborn"))
    with pytest.raises(Timeout, match="has not ended"):
        stop("box", timeout_s=0)
    assert stop("box", timeout_s=0, force=True) == server
    assert birth(server.pid) is None
    assert os.listdir(servers_folder()) == [".lock"]


def test_stopping_what_does_not_run_is_told() -> None:
    with pytest.raises(NotFound, match="no server of this name"):
        stop("box")


def test_what_a_crash_left_is_cleaned_up() -> None:
    server = start("box", argv("box"))
    os.kill(server.pid, signal.SIGKILL)
    while birth(server.pid) == server.born:
        continue
    assert "box.json" in os.listdir(servers_folder())
    assert running() == []
    assert os.listdir(servers_folder()) == [".lock"]
    start("box", argv("box"))


def change(name: str, **values: object) -> None:
    path = Path(servers_folder()) / f"{name}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_process_that_was_given_the_same_id_later_is_never_touched() -> None:
    with subprocess.Popen(["sleep", "600"]) as innocent:
        try:
            with registered("box", []):
                change("box", pid=innocent.pid)
                with pytest.raises(NotFound):
                    stop("box")
            assert not terminate(innocent.pid, "another birth", now=True)
            assert innocent.poll() is None
            born = birth(innocent.pid)
            assert born is not None
            assert terminate(innocent.pid, born)
            assert innocent.wait(30) == -signal.SIGTERM
            assert not terminate(innocent.pid, born)
        finally:
            innocent.kill()


def test_a_process_that_ended_and_was_not_waited_for_does_not_run() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read() == b""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert birth(process.pid) is None
    process.stdout.close()
    process.wait()
    assert birth(0) is None


def test_where_no_descriptor_names_a_process_its_birth_is_looked_at_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    server = start("box", argv("box"))
    assert not terminate(server.pid, "another birth", now=True)
    assert find("box") == server
    assert stop("box") == server


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps")
def test_where_there_is_no_proc_ps_tells() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        try:
            born = processes._birth_by_ps(process.pid)
            assert born
            assert processes._birth_by_ps(process.pid) == born
        finally:
            process.kill()
    assert processes._birth_by_ps(process.pid) is None


def test_a_server_of_another_machine_is_neither_shown_nor_removed() -> None:
    with registered("box", []):
        change("box", machine=socket.gethostname() + "-other")
        assert running() == []
        assert "box.json" in os.listdir(servers_folder())
    assert "box.json" in os.listdir(servers_folder()), "it is not ours any more"


def test_a_folder_that_cannot_be_read_is_told() -> None:
    os.makedirs(os.path.join(servers_folder(), "box.json"))
    with pytest.raises(StateReadFailed):
        running()
    os.rmdir(os.path.join(servers_folder(), "box.json"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"name": 1}', "\x00"])
def test_a_file_that_is_no_record_is_removed(content: str) -> None:
    os.makedirs(servers_folder())
    (Path(servers_folder()) / "box.json").write_text(content)
    assert running() == []
    assert find("box") is None
    assert os.listdir(servers_folder()) == [".lock"]


def test_in_the_foreground_it_is_known_as_well() -> None:
    with registered("box", ["http://127.0.0.1:1/"], log=None) as mine:
        assert mine == find("box")
        assert isinstance(mine, Running)
        assert mine.pid == os.getpid()
        assert mine.is_alive
    with pytest.raises(ZeroDivisionError), registered("box", []):
        raise ZeroDivisionError
    assert running() == []


def test_a_state_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(StateWriteFailed), registered("box", [], folder=str(tmp_path)):
        pytest.fail("it was let in")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be somebody else")
def test_a_server_of_somebody_else_is_refused() -> None:
    """Started by root, stopped by nobody, in a folder that both can write."""
    with subprocess.Popen(["sleep", "600"]) as process:
        born = birth(process.pid)
        code = f"""
import os
from skycap.core.server.processes import birth, terminate
birth(os.getpid())  # what it imports may be readable by root alone
os.setuid(65534)
try:
    terminate({process.pid}, {born!r})
except PermissionError:
    print("refused")
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        alive = process.poll() is None
        process.kill()
    assert done.stdout == "refused\n", done.stderr
    assert alive
