"""The reference reader, written from the page and knowing nothing of skycap, reads what the format writes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from skycap.backup.format.config import Settings
from skycap.backup.format.snapshots import State
from skycap.backup.format.suites import Suite
from tests.backup.format.writer import PASSPHRASE, Writer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="it restores links and modes")

READER = Path(__file__).resolve().parents[3] / "docs/backup/reader.py"
SMALL = Settings(chunker={"kind": "fastcdc", "min": 64, "avg": 256, "max": 1024, "normalization": 1})
FIXED = Settings(chunker={"kind": "fixed", "size": 1000})


def read(
    root: Path, *arguments: str, passphrase: str = PASSPHRASE.reveal()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(READER), str(root), *arguments],
        env={**os.environ, "PASSPHRASE": passphrase},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "sub/deep").mkdir(parents=True)
    (root / "empty dir").mkdir()
    (root / "empty").write_bytes(b"")
    (root / "text").write_bytes(b"some words, and again " * 20_000)
    (root / "random").write_bytes(os.urandom(300_000))
    (root / "sub/holes").write_bytes(
        bytes(200_000) + b"data" * 30_000 + bytes(150_000) + b"!" + bytes(131_072)
    )
    (root / "sub/deep/zeros").write_bytes(bytes(70_000))
    os.link(root / "random", root / "sub/same as random")
    os.symlink("../nowhere", root / "link")
    os.chmod(root / "text", 0o640)
    for number in range(900):
        (root / "sub/deep" / f"file {number:04}").write_bytes(f"{number}\n".encode() * 3)
    if sys.platform == "linux":
        with open(os.fsencode(root) + b"/not \xff UTF-8", "wb") as stream:
            stream.write(b"named in Latin-1")
    for path in (root / "text", root / "sub/deep", root / "sub"):
        os.utime(path, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))
    return root


def tree(root: Path) -> dict[str, object]:
    """All that a restore must bring back, by path."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        key = str(path.relative_to(root))
        if path.is_symlink():
            found[key] = os.readlink(path)
        else:
            content = None if path.is_dir() else path.read_bytes()
            found[key] = (
                status.st_mode,
                status.st_mtime_ns,
                content,
                status.st_nlink > 1 and content is not None,
            )
    return found


@pytest.mark.parametrize("settings", [Settings(), SMALL, FIXED], ids=["default", "small chunks", "fixed"])
@pytest.mark.parametrize("suite", list(Suite))
def test_what_was_stored_is_restored(tmp_path: Path, source: Path, suite: Suite, settings: Settings) -> None:
    name = Writer(tmp_path / "repository", suite=suite, settings=settings).backup(source)
    done = read(tmp_path / "repository", name[:12], str(tmp_path / "target"))
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "target") == tree(source)
    assert os.path.samefile(tmp_path / "target/random", tmp_path / "target/sub/same as random")


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="extended attributes of Linux")
def test_extended_attributes_are_restored_small_or_large(tmp_path: Path, source: Path) -> None:
    values = {"user.small": b"value", "user.large": os.urandom(1_000)}
    try:
        for name, value in values.items():
            os.setxattr(source / "text", name, value)
    except OSError:
        pytest.skip("this file system keeps none")
    snapshot = Writer(tmp_path / "repository").backup(source)
    done = read(tmp_path / "repository", snapshot, str(tmp_path / "target"))
    assert done.returncode == 0, done.stderr
    assert {name: os.getxattr(tmp_path / "target/text", name) for name in values} == values


def test_complete_snapshots_are_listed_by_time(tmp_path: Path, source: Path) -> None:
    writer = Writer(tmp_path / "repository")
    later = writer.backup(source, time="2026-11-25T12:00:00.000000000Z")
    writer.backup(source, state=State.INTENT, time="2026-11-25T09:00:00.000000000Z")
    (source / "text").write_bytes(b"changed")
    earlier = writer.backup(source, time="2026-11-25T10:00:00.000000000Z")
    done = read(tmp_path / "repository")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == [earlier[:16], later[:16]]


def test_a_wrong_passphrase_opens_nothing(tmp_path: Path, source: Path) -> None:
    Writer(tmp_path / "repository").backup(source)
    done = read(tmp_path / "repository", passphrase="wrong")
    assert done.returncode != 0
    assert "no key file opens" in done.stderr


def test_a_damaged_pack_is_not_restored_as_if_it_were_whole(tmp_path: Path, source: Path) -> None:
    name = Writer(tmp_path / "repository").backup(source)
    for pack in (tmp_path / "repository/data").rglob("*"):
        if pack.is_file():
            data = bytearray(pack.read_bytes())
            data[len(data) // 2] ^= 1
            pack.write_bytes(data)
    assert read(tmp_path / "repository", name, str(tmp_path / "target")).returncode != 0


def test_it_is_short_and_stands_alone() -> None:
    text = READER.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    imported = set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE))
    assert imported - set(sys.stdlib_module_names) == {"blake3", "cryptography", "msgpack", "zstandard"}
