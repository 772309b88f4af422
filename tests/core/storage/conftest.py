"""Folders for the tests of local files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def open_root(tmp_path: Path) -> Path:
    """A folder that everybody may enter, all the way up."""
    for folder in [tmp_path, *tmp_path.parents[:-1]]:
        if folder.stat().st_uid == os.geteuid() and folder != Path(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    return folder
