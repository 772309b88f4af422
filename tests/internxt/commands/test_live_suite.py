"""The tests for those who have an account work: against the emulator they pass and leave nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.internxt.commands.conftest import Account
from tests.internxt.login.people import ADA

ROOT = Path(__file__).resolve().parents[3]


def live_suite(**variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "tests/internxt/live", "-m", "live", "-q", "-n", "0"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_live_suite_passes_at_the_emulator_and_leaves_nothing_behind(drive: Account) -> None:
    kept = drive.put("mine.txt")
    in_trash = drive.put("trashed.txt")
    drive.ix("trash", "put", in_trash)
    before = drive.emulator.state()
    done = live_suite(INXT_USER=ADA.email, INXT_PASSWORD=ADA.password)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 10
    assert "skipped" not in done.stdout
    after = drive.emulator.state()
    assert {name: after[name] for name in ("files", "folders", "trashed", "orphans")} == {
        name: before[name] for name in ("files", "folders", "trashed", "orphans")
    }
    assert drive.names() == ["mine.txt"]
    assert drive.id_of("mine.txt") == kept
    assert drive.trashed() == ["trashed.txt"]


def test_without_an_account_it_says_what_is_missing() -> None:
    environment = {name: "" for name in os.environ if name.startswith(("INXT_", "INTERNXT_"))}
    done = live_suite(**environment)
    assert done.returncode == 1
    assert "INXT_USER and INXT_PASSWORD" in done.stdout
