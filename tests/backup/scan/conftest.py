"""Places for trees of files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def top(tmp_path: Path) -> bytes:
    """The absolute path of an empty folder, as bytes."""
    folder = tmp_path / "source"
    folder.mkdir()
    return os.fsencode(folder)


@pytest.fixture
def open_top() -> Iterator[bytes]:
    """An empty folder that a user without rights can reach too."""
    folder = tempfile.mkdtemp(prefix="skycap-scan-")
    os.chmod(folder, 0o755)
    yield os.fsencode(folder)
    for here, dirs, _ in os.walk(folder):
        for name in dirs:
            os.chmod(os.path.join(here, name), 0o700)
    shutil.rmtree(folder)


@pytest.fixture(params=[True, False], ids=["handles", "paths"])
def by_handle(request: pytest.FixtureRequest) -> bool:
    """Both ways of looking at directories."""
    return bool(request.param)
