"""What rclone uploads we download, and the other way round: sizes at every edge, and awkward names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.internxt.interop.gateway import Gateway, Rclone, gateway, rclone_of

pytestmark = pytest.mark.foreign

EMAIL, PASSWORD = "user@example.com", "Test-Passw0rd!"
SIZES = (0, 1, 15, 16, 17, 65_536, 1 << 20, 104_857_599, 104_857_600, 110_000_000)
# rclone takes both Unicode forms of a name for one, and writes another dot at the end of `a.`.
NAMES = (".bashrc", "plain", "a b.txt", "x.tar.gz", "null", "名前.txt", "cafe\u0301", "..x")


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("gateway"), [f"{EMAIL}:{PASSWORD}"]) as found:
        yield found


@pytest.fixture
def rclone(gate: Gateway) -> Rclone:
    gate.emulator.reset()
    return rclone_of(gate, EMAIL, PASSWORD)


def _skycap(gate: Gateway, folder: Path, *arguments: str | Path) -> None:
    config = folder / "config.toml"
    config.write_text(f'[remotes.drive]\ntype = "internxt"\nca_bundle = "{gate.ca}"\n')
    env = {
        **gate.env,
        "SKYCAP_CONFIG": str(config),
        "SKYCAP_STATE": str(folder / "state"),
        "INXT_USER": EMAIL,
        "INXT_PASSWORD": PASSWORD,
    }
    command = [*gate.inside, sys.executable, "-m", "skycap.core", *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, timeout=240, check=False)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)


def _tree(folder: Path) -> Path:
    for size in SIZES:
        (folder / "sizes").mkdir(parents=True, exist_ok=True)
        with (folder / "sizes" / f"{size}.bin").open("wb") as file:
            file.write(os.urandom(min(size, 1 << 20)))
            file.truncate(size)
    (folder / "names").mkdir()
    for name in NAMES:
        (folder / "names" / name).write_text(name)
    return folder


def _is_same(first: Path, second: Path) -> None:
    assert subprocess.run(["diff", "-r", first, second], check=False).returncode == 0


def test_what_rclone_uploads_we_download(gate: Gateway, rclone: Rclone, tmp_path: Path) -> None:
    source, back = _tree(tmp_path / "source"), tmp_path / "back"
    rclone("copy", source, "ix:there")
    _skycap(gate, tmp_path, "copy", "drive:there", back)
    _is_same(source, back)
    _skycap(gate, tmp_path, "check", source, "drive:there")


def test_what_we_upload_rclone_downloads(gate: Gateway, rclone: Rclone, tmp_path: Path) -> None:
    source, back = _tree(tmp_path / "source"), tmp_path / "back"
    (source / "names" / "a.").write_text("a dot at the end")
    _skycap(gate, tmp_path, "copy", source, "drive:there")
    rclone("copy", "ix:there", back, "--internxt-skip-hash-validation=false")
    _is_same(source, back)
    state = gate.emulator.state()
    assert (state["orphans"], state["uploads"]) == ([], 0)


def test_both_replace_what_the_other_one_wrote(gate: Gateway, rclone: Rclone, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        for name in NAMES:
            (folder / name).write_text(f"{folder.name} {name}")
    for turn in range(2):
        rclone("copy", theirs, f"ix:turn{turn}", "--ignore-times")
        _skycap(gate, tmp_path, "sync", ours, f"drive:turn{turn}", "--checksum", "--yes")
        rclone("copy", f"ix:turn{turn}", tmp_path / f"back{turn}")
        _is_same(ours, tmp_path / f"back{turn}")
        rclone("copy", theirs, f"ix:turn{turn}", "--ignore-times")
        _skycap(gate, tmp_path, "copy", f"drive:turn{turn}", tmp_path / f"again{turn}")
        _is_same(theirs, tmp_path / f"again{turn}")
