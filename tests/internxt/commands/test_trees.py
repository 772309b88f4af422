"""Trees go up, down and from one folder of the account to another by the commands that every place has."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from skycap.core.units import MiB
from tests.internxt.commands.conftest import MTIME, Account


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "void").mkdir(parents=True)
    for number, name in enumerate(
        ("a.jpg", ".bashrc", "sub/b.txt", "sub/deep/c é", "sub/deep/d.tmp", "empty.txt")
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if name.startswith("empty") else name.encode() * 100)
        os.utime(path, (MTIME + number, MTIME + number))
    return root


def contents(root: Path) -> dict[str, tuple[bytes, float]]:
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime)
        for path in root.rglob("*")
        if path.is_file()
    }


def test_a_tree_comes_back_with_its_times_and_empty_folders(
    drive: Account, tree: Path, tmp_path: Path
) -> None:
    drive.done("copy", tree, "drive:2024/tree")
    drive.done("copy", "drive:2024/tree", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tree)
    assert (tmp_path / "back" / "void").is_dir()
    said = drive.done("copy", "--json", tree, "drive:2024/tree")
    assert json.loads(said.out.splitlines()[-1])["copied"] == 0


def test_include_and_exclude_hold_both_ways(drive: Account, tree: Path, tmp_path: Path) -> None:
    drive.done("copy", "--exclude", "*.tmp", tree, "drive:tree")
    drive.done("copy", "--include", "*.txt", "drive:tree", tmp_path / "back")
    assert drive("cat", "drive:tree/sub/deep/d.tmp").status == 4
    assert sorted(contents(tmp_path / "back")) == ["empty.txt", "sub/b.txt"]


def test_each_file_has_its_result_and_one_that_fails_leaves_the_others(drive: Account, tree: Path) -> None:
    (tree / "b\\c").write_bytes(b"a name that the service does not take")
    said = drive("copy", "--json", "--report", "report.json", tree, "drive:tree")
    assert said.status != 0
    records = said.records
    failed = [record for record in records if record["type"] == "failed"]
    assert [record["path"] for record in failed] == ["b\\c"]
    assert len([record for record in records if record["type"] == "copied"]) >= 6
    assert json.loads(Path("report.json").read_text())["counts"]["failed"] == 1
    drive.done("cat", "drive:tree/sub/deep/c é")


def test_a_folder_is_copied_within_the_account(drive: Account, tree: Path, tmp_path: Path) -> None:
    drive.done("copy", tree, "drive:tree")
    drive.done("copy", "drive:tree", "drive:kept/copy")
    drive.done("copy", "drive:kept/copy", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tree)
    assert "void/" in drive.done("ls", "drive:kept/copy").out
    assert drive.id_of("kept/copy/a.jpg") != drive.id_of("tree/a.jpg")


def test_a_copy_has_an_object_of_its_own(drive: Account) -> None:
    drive.put("a/x.bin", b"x" * 3 * MiB)
    drive.done("copy", "drive:a", "drive:b")
    objects = [drive.records("resolve", f"drive:{name}/x.bin")[0]["object"] for name in "ab"]
    assert objects[0] != objects[1]
    drive.done("remove", "-r", "--yes", "drive:a")
    drive.ix("trash", "clear", "--yes")
    assert drive.cat("b/x.bin") == "x" * 3 * MiB


def test_never_leaves_what_is_there_and_always_replaces_it(drive: Account) -> None:
    drive.put("a/sub/x.txt", b"new")
    drive.put("a/y.txt", b"added")
    kept = drive.put("b/sub/x.txt", b"older")
    drive.done("copy", "--overwrite", "never", "drive:a", "drive:b")
    assert (drive.cat("b/sub/x.txt"), drive.cat("b/y.txt")) == ("older", "added")
    drive.done("copy", "--overwrite", "always", "drive:a", "drive:b")
    assert drive.cat("b/sub/x.txt") == "new"
    assert drive.id_of("b/sub/x.txt") == kept


def test_rename_keeps_both_also_in_folders_below(drive: Account) -> None:
    drive.put("a/sub/x.txt", b"new")
    drive.put("a/y.txt", b"added")
    older = drive.put("b/sub/x.txt", b"older")
    drive.put("b/sub/x (1).txt", b"oldest")
    drive.done("copy", "--overwrite", "rename", "drive:a", "drive:b")
    assert drive.names("b/sub") == ["x (1).txt", "x (2).txt", "x.txt"]
    assert (drive.cat("b/sub/x.txt"), drive.cat("b/sub/x (2).txt")) == ("new", "older")
    assert drive.id_of("b/sub/x (2).txt") == older
    drive.done("copy", "--overwrite", "rename", "drive:a", "drive:b")
    assert drive.names("b/sub") == ["x (1).txt", "x (2).txt", "x.txt"]


def test_a_folder_cannot_be_copied_into_itself(drive: Account) -> None:
    drive.put("a/x.txt")
    assert drive("copy", "drive:a", "drive:a/b").status == 2
    assert drive.names("a") == ["x.txt"]


def test_moving_within_the_account_sends_no_bytes(drive: Account) -> None:
    file = drive.put("a/sub/x.txt", b"one")
    before = drive.emulator.requests()[-1]["number"]
    drive.done("move", "drive:a", "drive:b")
    assert drive.id_of("b/sub/x.txt") == file
    assert not [one for one in drive.emulator.requests(before) if "/objects/" in one["path"]]


def test_the_generic_trash_links_search_and_quota_work_too(drive: Account) -> None:
    file = drive.put("2024/note.txt", b"one")
    assert drive.done("find", "--search", "note", "drive:").out == "2024/note.txt\n"
    assert (
        drive.done("link", "drive:2024/note.txt").out == drive.ix("share", "info", "drive:2024/note.txt").out
    )
    drive.done("trash", "put", "drive:2024/note.txt")
    assert file in drive.done("trash", "list", "drive:").out
    drive.done("trash", "restore", "drive:", file)
    assert drive.cat("2024/note.txt") == "one"
    assert json.loads(drive.done("quota", "--json", "drive:").out)["used"] > 0
    assert drive("link", "drive:2024").status == 7
