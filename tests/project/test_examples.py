"""The examples are distributions: what their authors copy builds, and the wheel holds a plugin."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/pyproject.toml"))


@pytest.fixture
def uv() -> str:
    """An uv that brings the build backend the examples name, so that no network is needed."""
    found = shutil.which("uv")
    if found is None:
        pytest.skip("there is no uv")
    told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"(\d+)\.(\d+)", told)
    if version is None or not (0, 8) <= (int(version[1]), int(version[2])) < (0, 14):
        pytest.skip(f"{told.strip()} does not bring the build backend that the examples name")
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_builds_and_installs(example: Path, uv: str, tmp_path: Path) -> None:
    copy = shutil.copytree(example, tmp_path / example.name, ignore=shutil.ignore_patterns("__pycache__"))
    built = subprocess.run(
        [uv, "build", "--wheel", "--offline", "--out-dir", str(tmp_path / "dist"), str(copy)],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = (tmp_path / "dist").glob("*.whl")
    name = f"skycap_{example.name}"
    # A wheel of Python alone is installed by unpacking it.
    with zipfile.ZipFile(wheel) as archive:
        assert f"{name}/__init__.py" in archive.namelist()
        points = archive.read(f"{name}-0.1.0.dist-info/entry_points.txt").decode()
    assert f"{example.name} = {name}" in points
