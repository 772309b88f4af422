"""What a run says of itself: whole counts, whole sizes, and hints where they help."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from skycap.core.cli.progress import Silent, Tally
from skycap.core.cli.session import begin
from skycap.core.cli.showing import Show, event_record, stopped, summary
from skycap.core.errors import NotFound
from skycap.core.transfer.events import Event, EventType
from skycap.core.transfer.result import Result
from tests.core.cli.conftest import Skycap


def result_of(*events: Event) -> Result:
    found = Result()
    for event in events:
        found(event)
    return found


def test_files_and_folders_are_counted_apart(skycap: Skycap, tree: Path, home: Path) -> None:
    outcome = skycap("copy", "--json", tree, home / "out")
    assert "Copied 3 files, 3 folders (" in outcome.err
    assert (outcome.records[-1]["copied"], outcome.records[-1]["directories"]) == (6, 3)


def test_folders_alone_have_no_size(skycap: Skycap, home: Path) -> None:
    (home / "empty" / "in").mkdir(parents=True)
    assert "Copied 1 folder in" in skycap("copy", home / "empty", home / "out").err


@pytest.mark.parametrize("verb", ["copy", "move"])
def test_a_summary_tells_the_size_of_what_was_moved(verb: str, skycap: Skycap, home: Path) -> None:
    (home / "two").write_text("ab")
    assert "1 file (2 B)" in skycap(verb, home / "two", home / "new").err


def test_a_sync_that_only_removes_says_what_it_removed(skycap: Skycap, tree: Path, home: Path) -> None:
    skycap("copy", tree, home / "out")
    (home / "out" / "extra").write_text("x")
    assert skycap("sync", "--yes", tree, home / "out").err.startswith("Removed 1 item, ")


@pytest.mark.parametrize(("failed", "hints"), [(2, 2), (5, 3)])
def test_the_hints_of_the_first_failures_are_told_at_once(
    failed: int, hints: int, skycap: Skycap, tree: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show = Show(begin(), Silent(), "copy", dry_run=False, single=False)
    for number in range(failed):
        error = NotFound("gone", where=f"f{number}", hint=f"Look for {number}.")
        show(Event(EventType.FAILED, f"f{number}", error=error))
    assert capsys.readouterr().err.count("hint: ") == hints
    (home / "out" / "a.txt" / "full").mkdir(parents=True)
    outcome = skycap("copy", tree, home / "out")
    assert outcome.status != 0
    assert "-v shows" not in outcome.err
    assert len(set(outcome.err.splitlines())) == len(outcome.err.splitlines())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_left_alone_is_named_and_many_are_counted(skycap: Skycap, tree: Path, home: Path) -> None:
    os.mkfifo(tree / "pipe0")
    outcome = skycap("copy", tree, home / "one")
    assert "pipe0: left alone (neither a file, a directory nor a link)" in outcome.err
    for number in range(1, 5):
        os.mkfifo(tree / f"pipe{number}")
    outcome = skycap("copy", tree, home / "two")
    assert outcome.err.count("left alone (neither") == 3
    assert "2 more were left alone; -v names them." in outcome.err
    assert "left alone (" not in skycap("copy", "-q", tree, home / "three").err


def test_what_a_flag_leaves_alone_is_not_told_one_by_one(skycap: Skycap, tree: Path, home: Path) -> None:
    assert "left alone (" not in skycap("copy", "--max-size", "2B", tree, home / "out").err


@pytest.mark.parametrize("verb", ["copy", "move"])
def test_only_sync_offers_the_flags_of_removing(verb: str, skycap: Skycap) -> None:
    shown = skycap(verb, "--help").out
    assert "--yes" not in shown
    assert "--max-delete" not in shown
    assert "--max-delete" in skycap("sync", "--help").out


def test_a_run_that_was_stopped_says_what_remains_and_only_if_something_does() -> None:
    done = (Event(EventType.PLANNED, "a", 5), Event(EventType.COPIED, "a", 5, strategy="stream"))
    folder = Event(EventType.COPIED, "d", strategy="directory")
    link = Event(EventType.COPIED, "l", strategy="link")
    assert stopped(result_of(*done, folder, link)) == "stopped: 2 files are done"
    planned = Event(EventType.PLANNED, "b", 5)
    assert stopped(result_of(*done, folder, planned)).endswith(
        "1 file is done, 1 of those found so far remains"
    )
    assert "Nothing to do" in summary("copy", result_of())


def test_the_bar_counts_files_and_ends_where_it_planned_to() -> None:
    tally = Tally()
    for event in (
        Event(EventType.COPIED, "d", strategy="directory"),
        Event(EventType.PLANNED, "kernel", 100),
        Event(EventType.STARTED, "kernel", 100),
        Event(EventType.COPIED, "kernel", 100, strategy="clone"),
        Event(EventType.PLANNED, "twice", 10),
        Event(EventType.STARTED, "twice", 10),
        Event(EventType.MOVED, "twice", bytes=15),
        Event(EventType.COPIED, "twice", 10, strategy="stream"),
        Event(EventType.PLANNED, "resumed", 50),
        Event(EventType.STARTED, "resumed", 50),
        Event(EventType.RESUMED, "resumed", 50, bytes=40),
        Event(EventType.MOVED, "resumed", bytes=10),
        Event(EventType.COPIED, "resumed", 50, strategy="parts"),
    ):
        tally.count(event)
    assert (tally.files, tally.files_planned) == (3, 3)
    assert (tally.bytes, tally.bytes_planned) == (160, 160)


def test_a_resumed_file_says_what_was_there_already(skycap: Skycap, tree: Path, home: Path) -> None:
    event = Event(EventType.RESUMED, "large", 400, bytes=300)
    assert event_record(event, dry_run=False)["bytes"] == 300
    skycap("copy", "--report", home / "report.json", tree, home / "out")
    assert json.loads((home / "report.json").read_text())["counts"]["copied"] == 6
