"""The command line in this process, a folder to serve, and nothing that runs on afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from skycap.core.cli.app import run
from skycap.core.server import running, stop
from tests.core.cli.conftest import Outcome, Skycap


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file."""
    found = tmp_path / "files"
    found.mkdir()
    (found / "a.txt").write_text("alpha")
    return found


@pytest.fixture
def skycap(capsys: pytest.CaptureFixture[str]) -> Skycap:
    """Runs a command in this process."""

    def call(*args: str | Path) -> Outcome:
        capsys.readouterr()
        status = run([str(arg) for arg in args])
        found = capsys.readouterr()
        return Outcome(status, found.out, found.err)

    return call


@pytest.fixture
def password(tmp_path: Path) -> Path:
    """A file with a password, for its owner only."""
    path = tmp_path / "password"
    path.touch(0o600)
    path.write_text("correct horse\n")
    os.chmod(path, 0o600)
    return path


@pytest.fixture(autouse=True)
def _nothing_runs_on() -> Iterator[None]:
    yield
    for one in running():
        if one.pid != os.getpid():
            stop(one.name, timeout_s=0, force=True)
