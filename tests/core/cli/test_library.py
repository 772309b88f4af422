"""Copy, sync, move and check from a script, as docs/how-to/library.md shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from skycap.core.errors import NotFound, UsageError
from skycap.core.library import check, copy, move, sync
from skycap.core.location import Location
from skycap.core.remotes import Opener
from skycap.core.storage.memory import Memory
from skycap.core.transfer import EventType, Transfer, TransferOptions
from skycap.core.transfer.check import Finding
from tests.core.cli.conftest import contents

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "library.md"
SCRIPTS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(script: str, home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=home, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_script_of_the_page_copies_syncs_and_checks(home: Path) -> None:
    for path, text in {"photos/a": "12345", "photos/d/b": "1", "backup/old": "2"}.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    assert len(SCRIPTS[0].splitlines()) <= 25
    out = run(SCRIPTS[0], home)
    assert contents(home / "backup") == contents(home / "photos")
    for told in (
        "copied a (",
        "removed old (",
        "same d/b",
        "Result(copied=3, ",
        "Result(unchanged=2, removed=1)",
    ):
        assert told in out, out


def test_the_script_of_the_page_opens_a_place(home: Path) -> None:
    (home / "photos").mkdir()
    (home / "photos" / "a").write_text("12345")
    assert run(SCRIPTS[1].replace("photos:2024", "photos"), home) == "a 5\n"


def test_a_file_is_taken_for_a_file_and_goes_into_a_folder(home: Path) -> None:
    (home / "a").write_text("1")
    (home / "out").mkdir()
    assert copy("a", "out").counts.copied == 1
    assert copy("a", "b").counts.copied == 1
    assert check("a", "out").counts[Finding.SAME] == 1
    assert move("b", "out").exit_status == 0
    assert contents(home / "out") == {"a": b"1", "b": b"1"}
    assert not (home / "b").exists()
    with pytest.raises(UsageError):
        sync("a", "out")


def test_locations_stay_open_and_an_opener_serves_many(home: Path) -> None:
    (home / "a").write_text("1")
    place = Location(Memory(), "", "memory:")
    with Opener() as opener:
        assert copy("a", place, opener=opener).counts.copied == 1
        assert check("a", place, opener=opener).exit_status == 0
    assert place.storage.stat("a").size == 1


def test_nothing_of_what_is_not_there_is_copied(home: Path) -> None:
    with pytest.raises(NotFound):
        copy("absent", "out")
    assert not (home / "out").exists()


def test_a_sync_shows_what_it_would_remove_to_whoever_wants_to_see(home: Path) -> None:
    source, target = Memory(), Memory()
    source.write("a", b"1")
    target.write("b", b"1")
    seen: list[str] = []

    def agree(removals: object) -> bool:
        seen.extend(removals.paths())  # type: ignore[attr-defined]
        return True

    result = sync(Location(source), Location(target), TransferOptions(max_delete=1), confirm=agree)
    assert (seen, result.counts.removed) == (["b"], 1)


def test_a_transfer_is_done_once(home: Path) -> None:
    source, target = Memory(), Memory()
    source.write("a", b"1")
    told: list[EventType] = []
    transfer = Transfer(Location(source), Location(target), listener=lambda event: told.append(event.type))
    transfer.copy()
    for verb in (transfer.copy, transfer.sync, transfer.move):
        with pytest.raises(UsageError):
            verb()
    assert told.count(EventType.COPIED) == 1
    assert repr(transfer.result) == "Result(copied=1, planned=1, bytes=1, bytes_copied=1, bytes_planned=1)"
