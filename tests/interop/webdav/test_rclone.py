"""rclone's client: its sync, its check and its bisync believe what the server tells."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from skycap.core.storage.interface import Storage
from tests.interop.webdav.names import DECOMPOSED, ODD
from tests.interop.webdav.places import Served, both_servers

FIRST_S = 1_600_000_000
VENDORS = ("other", "rclone", "owncloud")
with_vendors = pytest.mark.parametrize("vendor", VENDORS)


@dataclass(frozen=True)
class Rclone:
    """The program, with the server as its remote `d:`."""

    env: dict[str, str]

    def try_(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("rclone")
        return subprocess.run(
            [program, *map(str, args)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self.env,
            timeout=240,
            check=False,
        )

    def __call__(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        """Run it; it must succeed."""
        done = self.try_(*args)
        assert done.returncode == 0, (args, done.stdout, done.stderr)
        return done

    def moves(self, *args: str | Path) -> int:
        """How many files a run brought over."""
        said = self(*args, "-v", "--stats=0").stderr
        return sum(": Copied (" in line for line in said.splitlines())


@pytest.fixture
def vendor() -> str:
    return "rclone"


@pytest.fixture
def rclone(served: Served, vendor: str, tmp_path: Path) -> Rclone:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "RCLONE_CONFIG": str(tmp_path / "rclone.conf"),
        "RCLONE_CACHE_DIR": str(tmp_path / "cache"),
        "RCLONE_CONFIG_D_TYPE": "webdav",
        "RCLONE_CONFIG_D_URL": served.url,
        "RCLONE_CONFIG_D_VENDOR": vendor,
        "RCLONE_RETRIES": "1",
        "RCLONE_WEBDAV_PACER_MIN_SLEEP": "0",  # it waits between requests, 10 ms if nothing is said
        "RCLONE_LOW_LEVEL_RETRIES": "1",  # a mistake is not tried away
    }
    (tmp_path / "rclone.conf").touch(0o600)
    return Rclone(env)


def _write(root: Path, names: Iterable[str]) -> Path:
    """Files whose content and times differ, the times by a second and some nanoseconds."""
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{number}: {name}".encode() * (number % 5))
        os.utime(path, ns=(0, (FIRST_S + number) * 10**9))
    return root


def _times(root: Path) -> dict[str, int]:
    return {
        str(path.relative_to(root)): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()
    }


def _below(storage: Storage, path: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in storage.scan(path):
        if entry.is_dir:
            found |= _below(storage, entry.path)
        else:
            with storage.read(entry.path) as reader:
                found[entry.path] = reader.read()
    return found


def _files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@both_servers
@with_vendors
def test_it_copies_checks_moves_deletes_and_purges(served: Served, rclone: Rclone, tmp_path: Path) -> None:
    source = _write(tmp_path / "source", ["a.txt", "in/b.txt", "in/deeper/c.txt", "in/d.bin"])
    rclone("copy", source, "d:")
    assert _below(served.storage) == _files(source)
    rclone("check", source, "d:", "--download")
    rclone("copy", "d:", tmp_path / "back")
    assert _files(tmp_path / "back") == _files(source)
    rclone("moveto", "d:in/b.txt", "d:in/moved.txt")
    rclone("moveto", "d:in/deeper", "d:elsewhere")
    rclone("copyto", "d:a.txt", "d:elsewhere/copy.txt")
    assert set(_below(served.storage)) == {
        "a.txt", "in/moved.txt", "in/d.bin", "elsewhere/c.txt", "elsewhere/copy.txt",
    }  # fmt: skip
    rclone("delete", "d:elsewhere", "--include", "c*")
    assert set(_below(served.storage)) == {"a.txt", "in/moved.txt", "in/d.bin"}
    rclone("purge", "d:in")
    assert [entry.path for entry in served.storage.scan("") if entry.path != "elsewhere"] == ["a.txt"]


@both_servers
@pytest.mark.parametrize("kind", ["memory", "crypt"])
def test_sync_makes_the_other_side_equal_and_the_second_one_does_nothing(
    served: Served, rclone: Rclone, tmp_path: Path
) -> None:
    source = _write(tmp_path / "source", [f"{number}.txt" for number in range(5)])
    assert rclone.moves("sync", source, "d:to") == 5
    assert rclone.moves("sync", source, "d:to") == 0
    (source / "1.txt").write_text("another one")
    (source / "2.txt").unlink()
    assert rclone.moves("sync", source, "d:to") == 1
    rclone("check", source, "d:to", "--download")
    assert rclone.moves("sync", "d:to", tmp_path / "back") == 4
    assert {path: ns // 10**9 for path, ns in _times(tmp_path / "back").items()} == {
        path: ns // 10**9 for path, ns in _times(source).items()
    }


@pytest.mark.parametrize("vendor", ["rclone", "owncloud"])
@pytest.mark.parametrize("kind", ["local", "memory", "crypt"])
def test_times_are_kept_by_copies_by_moves_and_when_they_alone_change(
    served: Served, rclone: Rclone, tmp_path: Path
) -> None:
    source = _write(tmp_path / "source", ["a.txt"])
    rclone("copy", source, "d:")
    rclone("copyto", "d:a.txt", "d:b.txt")
    rclone("moveto", "d:b.txt", "d:in/c.txt")
    for path in ("a.txt", "in/c.txt"):
        entry = served.storage.stat(path)
        assert entry is not None
        assert entry.mtime_ns == FIRST_S * 10**9, path
    os.utime(source / "a.txt", ns=(0, (FIRST_S + 77) * 10**9))
    rclone("copy", source, "d:")
    told = rclone("lsf", "--format", "tp", "d:", "--files-only").stdout
    assert "2020-09-13" in told
    assert rclone.moves("copy", source, "d:") == 0
    entry = served.storage.stat("a.txt")
    assert entry is not None
    assert entry.mtime_ns == (FIRST_S + 77) * 10**9


@both_servers
@pytest.mark.parametrize("vendor", ["other", "rclone"])
def test_odd_names_come_and_go_as_they_are(served: Served, rclone: Rclone, tmp_path: Path) -> None:
    names = [*ODD, *(f"in {name}/{name}" for name in ODD), DECOMPOSED]
    source = _write(tmp_path / "source", names)
    rclone("copy", source, "d:")
    assert set(_below(served.storage)) == set(names)
    rclone("check", source, "d:", "--download")
    rclone("copy", "d:", tmp_path / "back")
    assert _files(tmp_path / "back") == _files(source)
    for name in ("100% sure", "number #1", "why?", "日本語", "%20 is not a space"):
        rclone("moveto", f"d:in {name}/{name}", f"d:moved {name}")
    assert {path for path in _below(served.storage) if path.startswith("moved")} == {
        "moved 100% sure", "moved number #1", "moved why?", "moved 日本語", "moved %20 is not a space",
    }  # fmt: skip


def test_a_stream_of_unknown_length_is_stored_and_a_piece_of_it_read(served: Served, rclone: Rclone) -> None:
    content = b"0123456789" * 30_000
    program = Path(sys.executable).with_name("rclone")
    subprocess.run([program, "rcat", "d:in/s.bin"], input=content, env=rclone.env, check=True, timeout=60)
    assert _below(served.storage) == {"in/s.bin": content}
    assert rclone("cat", "d:in/s.bin", "--offset", "250001", "--count", "12").stdout == "123456789012"


def test_bisync_brings_changes_of_both_sides_together(served: Served, rclone: Rclone, tmp_path: Path) -> None:
    here = _write(tmp_path / "here", ["a.txt", "b.txt", "c.txt", "in/d.txt"])
    served.storage.make_dir("there")
    bisync = ("bisync", here, "d:there", "--workdir", tmp_path / "work", "--check-sync=true")
    rclone(*bisync, "--resync")
    assert _below(served.storage, "there") == {f"there/{k}": v for k, v in _files(here).items()}
    (here / "new.txt").write_text("made here")
    (here / "a.txt").unlink()
    served.storage.write("there/other.txt", b"made there")
    served.storage.remove("there/b.txt")
    rclone(*bisync)
    assert set(_files(here)) == {"c.txt", "in/d.txt", "new.txt", "other.txt"}
    assert _below(served.storage, "there") == {f"there/{k}": v for k, v in _files(here).items()}


def test_a_thousand_files_are_copied_checked_and_removed(
    served: Served, rclone: Rclone, tmp_path: Path
) -> None:
    source = _write(tmp_path / "source", [f"{number % 10}/{number}.txt" for number in range(1000)])
    assert rclone.moves("copy", source, "d:t", "--transfers", "8") == 1000
    assert len(_below(served.storage)) == 1000
    assert rclone.moves("sync", source, "d:t") == 0
    rclone("check", source, "d:t", "--download")
    rclone("purge", "d:t")
    assert _below(served.storage) == {}


def test_it_learns_how_much_room_there_is(served: Served, rclone: Rclone) -> None:
    assert "Free:" in rclone("about", "d:").stdout
