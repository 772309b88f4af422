"""Copies, checks and syncs of whole trees between a local folder and an account."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.core.library import check, copy, sync
from skycap.core.location import Location
from skycap.core.storage.local import Local
from skycap.core.transfer import Compare, TransferOptions
from skycap.internxt.storage.storage import Internxt
from tests.internxt.storage.accounts import Accounts
from tests.internxt.storage.reading import content_of, noise

_TREE = {
    "empty": b"",
    "small.txt": b"small",
    "dir/.bashrc": b"hidden",
    "dir/a.": b"a dot at the end",
    "dir/deep/er/caf\u00e9": b"one form",
    "dir/deep/er/cafe\u0301": b"the other form",
    "dir/large.bin": noise(6_000_000),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for number, (path, content) in enumerate(_TREE.items()):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, ns=(0, 1_500_000_000_000_000_000 + number * 10**9))
    (root / "no files here").mkdir()
    return root


def _local(path: Path) -> Location:
    return Location(Local(str(path)), "")


def test_a_tree_goes_there_and_comes_back_as_it_was(
    tree: Path, storage: Internxt, opened: Callable[..., Internxt], tmp_path: Path
) -> None:
    copy(_local(tree), Location(storage, "up"))
    back = tmp_path / "back"
    back.mkdir()
    copy(Location(opened(), "up"), _local(back))
    for path, content in _TREE.items():
        assert (back / path).read_bytes() == content
        assert (back / path).stat().st_mtime_ns == (tree / path).stat().st_mtime_ns
    assert (back / "no files here").is_dir()
    assert check(_local(tree), Location(opened(), "up")).exit_status == 0


def test_a_second_sync_moves_nothing(tree: Path, storage: Internxt, accounts: Accounts) -> None:
    sync(_local(tree), Location(storage, "up"))
    before = len(accounts.emulator.requests())
    sync(_local(tree), Location(storage, "up"))
    asked = accounts.emulator.requests()[before:]
    assert not [one for one in asked if "/objects/" in one["path"]]


def test_a_change_that_keeps_size_and_time_is_seen_by_its_hash(
    tree: Path, storage: Internxt, opened: Callable[..., Internxt], accounts: Accounts
) -> None:
    sync(_local(tree), Location(storage, "up"))
    file = tree / "small.txt"
    before = file.stat()
    file.write_bytes(b"SMALL")
    os.utime(file, ns=(0, before.st_mtime_ns))
    asked = len(accounts.emulator.requests())
    assert check(_local(tree), Location(opened(), "up")).exit_status == 3
    told = accounts.emulator.requests()[asked:]
    assert not [one for one in told if "/objects/" in one["path"]], "hashes are known; nothing is fetched"
    sync(_local(tree), Location(opened(), "up"), TransferOptions(compare=Compare.CHECKSUM))
    assert content_of(storage, "up/small.txt") == b"SMALL"


def test_what_is_gone_at_the_source_goes_into_the_trash(tree: Path, storage: Internxt) -> None:
    sync(_local(tree), Location(storage, "up"))
    (tree / "dir/large.bin").unlink()
    sync(_local(tree), Location(storage, "up"))
    assert [trashed.entry.path for trashed in storage.trash().list()] == ["up/dir/large.bin"]
