"""rclone's own Internxt backend against the emulator: logging in, files up and down, moving, removing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.internxt.interop.gateway import Gateway, Rclone, gateway, rclone_of

pytestmark = pytest.mark.foreign

EMAIL, PASSWORD = "user@example.com", "Test-Passw0rd!"
SIZES = (0, 1, 15, 16, 17, 65_536, 1 << 20)
NAMES = (
    ".bashrc",
    "a.",
    "plain",
    "a b.txt",
    "x.tar.gz",
    "ünïcödé.md",
    "null",
    "名前.txt",
    "[x] {y}.1",
    "UPPER.TXT",
)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("gateway"), [f"{EMAIL}:{PASSWORD}"]) as found:
        yield found


@pytest.fixture
def rclone(gate: Gateway) -> Rclone:
    gate.emulator.reset()
    return rclone_of(gate, EMAIL, PASSWORD)


def _tree(folder: Path) -> Path:
    for size in SIZES:
        (folder / "sizes").mkdir(parents=True, exist_ok=True)
        (folder / "sizes" / f"{size}.bin").write_bytes(os.urandom(size))
    (folder / "names" / "deep" / "er").mkdir(parents=True)
    for name in NAMES:
        (folder / "names" / name).write_text(name)
        (folder / "names" / "deep" / "er" / name).write_text(f"deeper {name}")
    return folder


def test_a_tree_goes_up_and_comes_down_the_same(gate: Gateway, rclone: Rclone, tmp_path: Path) -> None:
    source, back = _tree(tmp_path / "source"), tmp_path / "back"
    rclone("copy", source, "ix:there")
    assert b"0 differences found" in rclone.try_("check", source, "ix:there", "--download").stderr
    rclone("copy", "ix:there", back, "--internxt-skip-hash-validation=false")
    paths = {path.relative_to(source) for path in source.rglob("*")}
    assert {path.relative_to(back) for path in back.rglob("*")} == paths
    for path in paths:
        if (source / path).is_file():
            assert (back / path).read_bytes() == (source / path).read_bytes(), path
            assert int((back / path).stat().st_mtime) == int((source / path).stat().st_mtime)
    state = gate.emulator.state()
    assert (state["orphans"], state["uploads"]) == ([], 0)
    assert state["files"] == len(SIZES) + 2 * len(NAMES)
    before = state["entries"]
    rclone("copy", source, "ix:there")  # nothing is sent twice
    assert gate.emulator.state()["entries"] == before


def test_a_large_file_goes_in_parts_and_is_read_in_ranges(
    gate: Gateway, rclone: Rclone, tmp_path: Path
) -> None:
    large, back = tmp_path / "large.bin", tmp_path / "back"
    content = os.urandom(110_000_000)
    large.write_bytes(content)
    rclone("copy", large, "ix:")
    parts = [one for one in gate.emulator.requests() if one["query"].get("partNumber")]
    assert len(parts) == 4
    for offset in (0, 1, 16, 31_457_279, 109_999_990):
        asked = ("--offset", str(offset), "--count", "10")
        assert rclone("cat", "ix:large.bin", *asked) == content[offset : offset + 10]
    rclone("copy", "ix:large.bin", back, "--internxt-skip-hash-validation=false")
    assert (back / "large.bin").read_bytes() == content


def test_the_edge_of_parts_is_100_mebibytes(gate: Gateway, rclone: Rclone, tmp_path: Path) -> None:
    for size, in_parts in ((104_857_599, False), (104_857_600, True)):
        gate.emulator.reset()
        file = tmp_path / "edge.bin"
        file.write_bytes(os.urandom(size))
        rclone_of(gate, EMAIL, PASSWORD)("copy", file, "ix:")
        sent = [one["query"].get("partNumber") for one in gate.emulator.requests() if one["method"] == "PUT"]
        assert any(sent) is in_parts
        assert b"0 differences found" in rclone.try_("check", tmp_path, "ix:", "--download").stderr


def test_files_are_changed_moved_renamed_and_removed(gate: Gateway, rclone: Rclone) -> None:
    rclone("rcat", "ix:a/one.txt", stdin=b"one")
    rclone("mkdir", "ix:b")
    rclone("moveto", "ix:a/one.txt", "ix:b/two.md")
    assert rclone("lsf", "-R", "ix:").decode().split() == ["a/", "b/", "b/two.md"]
    assert rclone("cat", "ix:b/two.md") == b"one"
    rclone("rcat", "ix:b/two.md", stdin=b"changed")
    assert rclone("cat", "ix:b/two.md") == b"changed"
    rclone("move", "ix:b", "ix:c/d")
    rclone("rmdirs", "ix:", "--leave-root")
    assert rclone("lsf", "-R", "ix:").decode().split() == ["c/", "c/d/", "c/d/two.md"]
    rclone("deletefile", "ix:c/d/two.md")
    rclone("purge", "ix:c")
    assert rclone("lsf", "ix:") == b""
    assert gate.emulator.state()["orphans"] == []


def test_space_is_told(gate: Gateway, rclone: Rclone) -> None:
    gate.emulator.set(quota=1 << 30)
    rclone("rcat", "ix:x", stdin=b"12345")
    told = rclone("about", "ix:", "--json").decode()
    assert '"total": 1073741824' in told.replace("\t", "")
    assert '"used": 5' in told


def test_a_token_that_was_refused_is_renewed(gate: Gateway, rclone: Rclone) -> None:
    rclone("rcat", "ix:x", stdin=b"12345")
    gate.emulator.refuse_tokens()
    assert rclone("cat", "ix:x") == b"12345"


def test_throttling_is_waited_for(gate: Gateway, rclone: Rclone) -> None:
    gate.emulator.fault(path="/files/start$", status=429, headers={"retry-after": "1"}, count=2)
    rclone("rcat", "ix:x", stdin=b"12345")
    assert rclone("cat", "ix:x") == b"12345"


def test_a_full_quota_ends_an_upload(gate: Gateway, rclone: Rclone, tmp_path: Path) -> None:
    gate.emulator.set(quota=4)
    (tmp_path / "x").write_bytes(b"12345")
    done = rclone.try_("copy", tmp_path / "x", "ix:", "--low-level-retries", "1")
    assert done.returncode != 0
    assert b"Max space used" in done.stderr or b"420" in done.stderr
    assert rclone("lsf", "ix:") == b""


def test_a_tier_without_access_is_told(gate: Gateway, rclone: Rclone) -> None:
    gate.emulator.set(tier={"rclone": False})
    done = rclone.try_("lsf", "ix:")
    assert done.returncode != 0
    assert b"rclone access not allowed for this user tier" in done.stderr
