"""webdav-tck, a suite in Python that asks what litmus does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.webdav.places import NEAR, Served, both_servers

CHECKS = 67
EXPLAINED: dict[str, str] = {}
"""Checks that fail, each with the fault of the suite that makes it fail. None is left."""
_VERDICT = re.compile(r"^ *(test_\w+): (\w+)", re.MULTILINE)


def _try(url: str, folder: Path, *, large: bool) -> None:
    program = Path(sys.executable).with_name("dav-tck")
    run = subprocess.run(
        [program, "--no-colour", url, "user", "password"],
        cwd=folder,
        env={**os.environ, "WEBDAV_TCK_TEST_MODE": "0" if large else "1"},  # 2 GiB or 8 MiB
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    verdicts = _VERDICT.findall(run.stdout)
    assert {name for name, verdict in verdicts if verdict != "PASS"} == set(EXPLAINED), run.stdout
    assert len(verdicts) == CHECKS, run.stdout + run.stderr


@both_servers
@pytest.mark.parametrize("kind", NEAR)
def test_just_the_failures_that_are_explained_are_left(served: Served, tmp_path: Path) -> None:
    _try(served.url, tmp_path, large=False)


@pytest.mark.long
@both_servers
def test_nor_with_a_file_of_two_gibibytes(served: Served, tmp_path: Path) -> None:
    _try(served.url, tmp_path, large=True)
