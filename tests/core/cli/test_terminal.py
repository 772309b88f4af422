"""What a person at a terminal gets: questions, bars, tables; and colours only where they are wanted."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.core.cli.conftest import Skycap, contents

pty = pytest.importorskip("pty", reason="needs pseudo terminals")


def at_terminal(
    *args: str | Path,
    typed: bytes = b"",
    env: dict[str, str] | None = None,
    interrupt_at: bytes = b"",
    program: tuple[str, ...] = ("-m", "skycap.core"),
) -> tuple[int, str]:
    """Run a command at a pseudo terminal; its status and all that was on the screen.

    `interrupt_at` is what the screen must show before Ctrl-C is pressed, once.
    """
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *program, *map(str, args)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"} | (env or {}),
        start_new_session=True,
    )
    os.close(slave)
    os.write(master, typed)
    screen = b""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if not select.select([master], [], [], 1)[0]:
            continue
        try:
            data = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        screen += data
        if interrupt_at and interrupt_at in screen:
            process.send_signal(signal.SIGINT)
            interrupt_at = b""
    os.close(master)
    return process.wait(timeout=10), screen.decode("utf-8", "replace").replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("typed", "status", "stays"), [(b"y\n", 0, False), (b"n\n", 31, True), (b"\n", 31, True)]
)
def test_sync_shows_what_goes_and_asks(
    typed: bytes, status: int, stays: bool, tree: Path, home: Path, skycap: Skycap
) -> None:
    skycap("copy", tree, home / "out")
    (home / "out" / "extra").write_text("x")
    found, screen = at_terminal("sync", "--progress", "none", tree, home / "out", typed=typed)
    assert (found, (home / "out" / "extra").exists()) == (status, stays)
    assert "remove extra" in screen
    assert "1 item (1 B) is only at the target" in screen
    assert "Remove it? [y/N] " in screen
    assert ("kept 1 item that only the target has" in screen) is stays


@pytest.mark.parametrize(("typed", "stays"), [(b"y\n", False), (b"n\n", True)])
def test_sync_says_that_the_source_is_empty_before_it_asks(
    typed: bytes, stays: bool, tree: Path, home: Path, skycap: Skycap
) -> None:
    skycap("copy", tree, home / "out")
    (home / "unmounted").mkdir()
    found, screen = at_terminal("sync", home / "unmounted", home / "out", typed=typed)
    assert found == (31 if stays else 0)
    assert "The source has no file at all: is it mounted? Remove them? [y/N] " in screen
    assert bool(contents(home / "out")) is stays


def test_what_was_declined_does_not_make_a_source_look_empty(home: Path) -> None:
    for name in ("here", "there"):
        (home / name).mkdir()
        (home / name / name).write_text("x")
    words = ("sync", "-i", "--progress", "none", home / "here", home / "there")
    found, _ = at_terminal(*words, typed=b"n\ny\n")
    assert found == 0
    assert contents(home / "there") == {}


def test_no_bar_is_painted_over_a_question(tree: Path, home: Path) -> None:
    (home / "out").mkdir()
    (home / "out" / "extra").write_text("x")
    status, screen = at_terminal("sync", tree, home / "out", typed=b"n\n")
    assert status == 31
    assert (
        "\x1b[?25h" in screen.partition("is only at the target")[0]
    )  # the bars are gone: the cursor is back
    answer = screen.partition("Remove it? [y/N] ")[2]
    assert "kept 1 item" in answer


def test_interactive_asks_for_each_file(tree: Path, home: Path, skycap: Skycap) -> None:
    status, screen = at_terminal(
        "copy", "-i", "--progress", "none", tree, home / "out", typed=b"y\n" + b"n\n" * 9
    )
    assert status == 0
    assert screen.count("[y/N/a/q]") >= 3
    assert list(contents(home / "out")) == ["a.txt"]


@pytest.mark.parametrize("verb", ["copy", "move", "sync"])
@pytest.mark.parametrize("way", ["q", "y, then q", "end of input", "Ctrl-C"])
def test_who_stops_at_a_question_changes_nothing(verb: str, way: str, tree: Path, home: Path) -> None:
    (home / "out").mkdir()
    (home / "out" / "extra").write_text("x")
    before = contents(home)
    typed = {"q": b"q\n", "y, then q": b"y\nq\n", "end of input": b"\x04", "Ctrl-C": b""}[way]
    words = (verb, "-i", "--progress", "none", tree, home / "out")
    interrupt_at = b"[y/N/a/q] " if way == "Ctrl-C" else b""
    status, screen = at_terminal(*words, typed=typed, interrupt_at=interrupt_at)
    assert status == 130
    assert contents(home) == before
    assert screen.endswith("skycap: stopped; nothing was changed\n")


@pytest.mark.parametrize("verb", ["remove", "sync"])
def test_ctrl_c_at_a_question_about_a_deletion_ends_at_once(
    verb: str, tree: Path, home: Path, skycap: Skycap
) -> None:
    skycap("copy", tree, home / "out")
    (home / "out" / "extra").write_text("x")
    before = contents(home)
    words = {"remove": ("remove", "-r", "out"), "sync": ("sync", "--progress", "none", "tree", "out")}[verb]
    status, screen = at_terminal(*words, interrupt_at=b"[y/N] ")
    assert status == 130
    assert contents(home) == before
    assert "skycap: stopped" in screen
    assert "in flight" not in screen


@pytest.mark.parametrize(
    ("typed", "status", "left"),
    [
        (b"y\nn\n", 0, {"b", "c"}),
        (b"n\na\n", 0, {"a"}),
        (b"y\nq\n", 130, {"a", "b", "c"}),
        (b"y\n\x04", 130, {"a", "b", "c"}),
    ],
)
def test_remove_asks_for_each_file_as_copy_does(
    typed: bytes, status: int, left: set[str], home: Path
) -> None:
    for name in "abc":
        (home / name).write_text("x")
    answers = typed + (b"n\n" if not status else b"")
    assert at_terminal("remove", "-i", *"abc", typed=answers)[0] == status
    assert set(contents(home)) == left


def test_remove_asks_about_all_places_before_it_removes_one(tree: Path, home: Path, skycap: Skycap) -> None:
    skycap("copy", tree, home / "out")
    before = contents(home)
    status, screen = at_terminal("remove", "-r", "tree", "out", typed=b"y\nn\n")
    assert (status, contents(home)) == (31, before)
    assert "nothing was changed" in screen


def test_ls_shows_sizes_and_times(tree: Path) -> None:
    screen = at_terminal("ls", tree)[1]
    line = next(line for line in screen.splitlines() if line.endswith("a.txt"))
    assert line.split()[:2] == ["5", "B"]


def test_control_characters_of_a_name_do_not_reach_the_terminal(home: Path) -> None:
    (home / "evil\x1b[2Jname").write_text("")
    screen = at_terminal("ls", home)[1]
    assert "\x1b[2J" not in screen
    assert "\\x1b[2Jname" in screen


def test_bars_are_drawn_and_leave_a_line_behind(tree: Path, home: Path) -> None:
    (tree / "big").write_bytes(os.urandom(300_000))
    status, screen = at_terminal("copy", "--limit-rate", "200KiB", tree, home / "out")
    assert status == 0
    assert "\x1b[" in screen
    assert "Copied" in screen.splitlines()[-1]


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_without_colours_there_are_none(env: dict[str, str], tree: Path, home: Path) -> None:
    (tree / "big").write_bytes(os.urandom(300_000))
    screen = at_terminal("copy", "--limit-rate", "200KiB", tree, home / "out", env=env)[1]
    assert "\x1b[3" not in screen  # 30 to 37 and 38 are colours
    if env.get("TERM") == "dumb":
        assert "\x1b" not in screen


def test_ctrl_c_stops_in_good_order_and_tells_how_to_go_on(tree: Path, home: Path) -> None:
    for number in range(20):
        (tree / f"file{number:02}").write_bytes(os.urandom(50_000))
    process = subprocess.Popen(
        [sys.executable, "-m", "skycap.core", "copy", "-v", "--transfers", "1", "--limit-rate", "100KiB",
         str(tree), str(home / "out")],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("copied: file"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 130
    assert "goes on where this one stopped" in rest
    assert "Nothing to do" not in rest
    assert " are done, " in rest or " is done, " in rest
    assert "of those found so far remain" in rest
    done = contents(home / "out")
    assert 0 < len(done) < 23
    assert all(done[name] == data for name, data in contents(tree).items() if name in done)


def test_the_question_about_a_version_says_that_the_file_goes_with_it(home: Path) -> None:
    program = """
from skycap.core.storage.memory import Memory
from skycap.core.cli.app import run
storage = Memory("one")
storage.write("old", b"1")
storage.write("old", b"22")
storage.write("only", b"1")
for path in ("old", "only"):
    name = next(storage.versions().list(path)).entry.version
    assert run(["versions", "--remove", name, f":memory,space=one:{path}"]) == 31
    assert storage.stat(path).size
"""
    status, screen = at_terminal(typed=b"n\nn\n", program=("-c", program))
    assert status == 0
    assert "It is the newest version: the one before takes its place. Forget version" in screen
    assert "It is the only version there is: the file itself goes. Forget version" in screen


def test_ctrl_c_twice_says_stopped_and_takes_the_bars_away(home: Path) -> None:
    program = """
import os, signal, threading
from skycap.core.cli.progress import make
from skycap.core.cli.stopping import stopping
cancel, told = threading.Event(), threading.Event()
progress = make("auto", quiet=False, environ=os.environ)
def say(text):
    progress.say(text)
    told.set()
with progress, stopping(cancel, say, in_flight=lambda: 3 << 20, clear=progress.clear):
    os.kill(os.getpid(), signal.SIGINT)
    told.wait(60)
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait(60)
"""
    status, screen = at_terminal(program=("-c", program))
    assert status == 130
    assert "Finishing what is in flight (3.0 MiB); once more stops now." in screen
    assert screen.endswith("skycap: stopped\n")
    assert screen.rindex("\x1b[?25h") > screen.rindex("\x1b[?25l")  # the cursor is there again


def test_a_check_shows_how_far_it_is(tree: Path, home: Path, skycap: Skycap) -> None:
    skycap("copy", tree, home / "out")
    (home / "out" / "a.txt").write_text("other")
    status, screen = at_terminal("check", tree, home / "out")
    assert status == 3
    assert "\x1b[?25l" in screen
    assert "different a.txt (another content)\n" in screen
