"""What was removed is found, comes back, or goes for good."""

from __future__ import annotations

import pytest

from tests.internxt.commands.conftest import Account


def test_a_file_goes_into_the_trash_by_path_and_comes_back_by_path(drive: Account) -> None:
    drive.put("2024/a.txt", b"one")
    drive.ix("trash", "put", "drive:2024/a.txt")
    (record,) = drive.records("trash", "list")
    assert (record["path"], record["kind"], record["folder_gone"]) == ("2024/a.txt", "file", False)
    assert "trashed_at" in record
    assert drive.names("2024") == []
    assert drive.ix("trash", "restore", "drive:2024/a.txt").err == "drive:2024/a.txt is back.\n"
    assert drive.cat("2024/a.txt") == "one"
    assert drive.trashed() == []


def test_a_folder_goes_by_id_and_comes_back_with_all_that_is_in_it(drive: Account) -> None:
    drive.put("2024/sub/a.txt", b"one")
    folder = drive.id_of("2024")
    drive.ix("trash", "put", folder)
    assert drive.trashed() == ["2024"]
    (record,) = drive.records("trash", "restore", folder)
    assert (record["type"], record["path"], record["id"]) == ("restored", "2024", folder)
    assert drive.cat("2024/sub/a.txt") == "one"


def test_without_a_remote_the_only_one_is_meant(drive: Account) -> None:
    drive.put("a.txt")
    drive.ix("trash", "put", "/a.txt")
    assert drive.ix("trash", "list").out.split("\t")[3] == "drive:a.txt"
    drive.ix("trash", "restore", "a.txt")
    assert drive.names() == ["a.txt"]


def test_what_stands_there_again_is_not_touched_unless_told(drive: Account) -> None:
    drive.put("a.txt", b"old")
    drive.ix("trash", "put", "drive:a.txt")
    drive.put("a.txt", b"new")
    said = drive("internxt", "trash", "restore", "drive:a.txt")
    assert said.status == 32
    assert "--on-conflict" in said.err
    assert drive.cat("a.txt") == "new"
    assert drive.trashed() == ["a.txt"]


def test_skip_leaves_it_in_the_trash(drive: Account) -> None:
    drive.put("a.txt", b"old")
    drive.ix("trash", "put", "drive:a.txt")
    drive.put("a.txt", b"new")
    (record,) = drive.records("trash", "restore", "--on-conflict", "skip", "drive:a.txt")
    assert record["type"] == "skipped"
    assert "stays in the trash" in drive.ix("trash", "restore", "--on-conflict", "skip", "drive:a.txt").err
    assert drive.cat("a.txt") == "new"
    assert drive.trashed() == ["a.txt"]


def test_rename_takes_the_first_free_name(drive: Account) -> None:
    for content in (b"one", b"two"):
        drive.put("a.b.txt", content)
        drive.ix("trash", "put", "drive:a.b.txt")
    drive.put("a.b.txt", b"three")
    drive.put("a.b (1).txt", b"four")
    first, second = (record["id"] for record in drive.records("trash", "list"))
    drive.ix("trash", "restore", "--on-conflict", "rename", first, second)
    assert drive.names() == ["a.b (1).txt", "a.b (2).txt", "a.b (3).txt", "a.b.txt"]
    assert {drive.cat("a.b (2).txt"), drive.cat("a.b (3).txt")} == {"one", "two"}


def test_overwrite_changes_places_with_what_is_there(drive: Account) -> None:
    drive.put("a.txt", b"old")
    drive.ix("trash", "put", "drive:a.txt")
    new = drive.put("a.txt", b"new")
    drive.ix("trash", "restore", "--on-conflict", "overwrite", "drive:a.txt")
    assert drive.cat("a.txt") == "old"
    assert [record["id"] for record in drive.records("trash", "list")] == [new]


@pytest.mark.parametrize("folder", [False, True])
def test_an_overwrite_that_fails_puts_back_what_was_there(drive: Account, folder: bool) -> None:
    drive.put("a/a.txt" if folder else "a", b"old")
    drive.ix("trash", "put", "drive:a")
    drive.put("a/b.txt" if folder else "a", b"new")
    new = drive.id_of("a")
    kind = "folders" if folder else "files"
    (old,) = (record["id"] for record in drive.records("trash", "list"))
    drive.emulator.fault(method="PATCH", path=f"/{kind}/{old}", status=422, count=1)
    assert drive("internxt", "trash", "restore", "--on-conflict", "overwrite", "drive:a").status == 32
    assert drive.id_of("a") == new
    assert [record["id"] for record in drive.records("trash", "list")] == [old]


def test_to_names_a_folder_or_a_path(drive: Account) -> None:
    drive.put("kept/x")
    for name in ("a.txt", "b.txt"):
        drive.put(name, name.encode())
        drive.ix("trash", "put", f"drive:{name}")
    drive.ix("trash", "restore", "--to", "drive:kept", "drive:a.txt")
    drive.ix("trash", "restore", "--to", "new/c.txt", "drive:b.txt")
    assert drive.cat("kept/a.txt") == "a.txt"
    assert drive.cat("new/c.txt") == "b.txt"
    drive.ix("trash", "put", "drive:kept/a.txt", "drive:new/c.txt")
    said = drive("internxt", "trash", "restore", "--to", "drive:other", "kept/a.txt", "new/c.txt")
    assert said.status == 2
    assert "drive:other/" in said.err
    drive.ix("trash", "restore", "--to", "drive:other/", "kept/a.txt", "new/c.txt")
    assert drive.names("other") == ["a.txt", "c.txt"]


def test_what_lost_its_folder_needs_a_place(drive: Account) -> None:
    drive.put("2024/a.txt", b"one")
    drive.ix("trash", "put", "drive:2024/a.txt", "drive:2024")
    records = {record["path"]: record for record in drive.records("trash", "list")}
    assert records["a.txt"]["folder_gone"] is True
    assert "its folder is gone" in drive.ix("trash", "list", "--kind", "file").out
    said = drive("internxt", "trash", "restore", "a.txt")
    assert said.status == 32
    assert "--to" in said.err
    drive.ix("trash", "restore", "--to", "drive:", "a.txt")
    assert drive.cat("a.txt") == "one"


def test_at_a_terminal_one_is_asked_for_the_place(drive: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    drive.put("2024/a.txt", b"one")
    drive.ix("trash", "put", "drive:2024/a.txt", "drive:2024")
    monkeypatch.setattr("skycap.internxt.commands.restoring.is_terminal", lambda: True)
    drive.ix("trash", "restore", "a.txt", lines=("/saved",))
    assert drive.cat("saved/a.txt") == "one"


def test_two_of_one_path_have_to_be_told_apart_by_id(drive: Account) -> None:
    for content in (b"one", b"two"):
        drive.put("a.txt", content)
        drive.ix("trash", "put", "drive:a.txt")
    said = drive("internxt", "trash", "restore", "drive:a.txt")
    ids = [record["id"] for record in drive.records("trash", "list")]
    assert said.status == 2
    assert all(one in said.err for one in ids)
    drive.ix("trash", "restore", ids[0])
    assert drive.trashed() == ["a.txt"]


def test_what_fails_ends_itself_and_not_the_rest(drive: Account) -> None:
    drive.put("a.txt")
    drive.put("b.txt")
    said = drive("internxt", "trash", "put", "--json", "drive:a.txt", "drive:nope", "drive:b.txt")
    assert said.status == 3
    assert [record["type"] for record in said.records] == ["trashed", "failed", "trashed"]
    assert said.records[1]["path"] == "drive:nope"
    assert "drive:nope" in said.err
    assert drive("internxt", "trash", "put", "drive:nope").status == 4


def test_the_root_and_what_is_trashed_already_stay(drive: Account) -> None:
    file = drive.put("a/b.txt")
    assert drive("internxt", "trash", "put", "drive:").status == 32
    drive.ix("trash", "put", "drive:a")
    said = drive("internxt", "trash", "put", file)
    assert said.status == 32
    assert "already" in said.err


def test_one_thing_goes_for_good_and_the_rest_stays(drive: Account) -> None:
    for name in ("a.txt", "b.txt"):
        drive.put(name)
    drive.ix("trash", "put", "drive:a.txt", "drive:b.txt")
    assert drive("internxt", "trash", "remove", "drive:a.txt").status == 31
    assert drive.trashed() == ["a.txt", "b.txt"]
    (record,) = drive.records("trash", "remove", "--yes", "drive:a.txt")
    assert record["type"] == "removed"
    assert drive.trashed() == ["b.txt"]
    assert drive("internxt", "trash", "remove", "--yes", "drive:a.txt").status == 4


def test_clear_asks_and_says_how_much_it_is(drive: Account) -> None:
    drive.put("a.txt", b"x" * 2048)
    drive.put("2024/b.txt")
    drive.ix("trash", "put", "drive:a.txt", "drive:2024")
    said = drive("internxt", "trash", "clear", "drive")
    assert said.status == 31
    assert "2 items (2.0 KiB, and what is in 1 folder)" in said.err
    assert len(drive.trashed()) == 2
    (record,) = drive.records("trash", "clear", "--yes", "drive")
    assert (record["removed"], record["done"]) == (2, True)
    assert drive.ix("trash", "clear", "drive").err == "The trash is empty.\n"
    assert drive.ix("trash", "list").err == "The trash is empty.\n"
    assert drive.ix("trash", "list", "--kind", "folder").err == "No folder is in the trash.\n"
