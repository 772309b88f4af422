"""Versions by path and by id; ids by path, and paths by id; workspaces are out of scope."""

from __future__ import annotations

from tests.internxt.commands.conftest import Account


def test_an_old_version_is_listed_and_comes_back(drive: Account) -> None:
    drive.put("report.docx", b"one")
    file = drive.put("report.docx", b"three")
    newest, old = drive.records("versions", "list", "drive:report.docx")
    assert (newest["latest"], newest["size"], old["latest"], old["size"]) == (True, 5, False, 3)
    assert drive.records("versions", "list", file) == [newest, old]
    said = drive.ix("versions", "restore", file, old["version"])
    assert "drive:report.docx is again what it was" in said.err
    assert drive.cat("report.docx") == "one"


def test_an_old_version_is_forgotten_after_a_yes(drive: Account) -> None:
    drive.put("report.docx", b"one")
    drive.put("report.docx", b"two")
    _, old = drive.records("versions", "list", "drive:report.docx")
    words = ("versions", "remove", "drive:report.docx", old["version"])
    assert drive("internxt", *words).status == 31
    (record,) = drive.records(*words, "--yes")
    assert record == {"type": "removed", "path": "report.docx", "version": old["version"]}
    said = drive.ix("versions", "list", "drive:report.docx")
    assert "There is no other version." in said.err
    assert said.out.endswith("latest\n")
    assert drive("internxt", *words, "--yes").status == 4


def test_a_restored_version_is_told_in_json(drive: Account) -> None:
    drive.put("report.docx", b"one")
    drive.put("report.docx", b"three")
    _, old = drive.records("versions", "list", "drive:report.docx")
    (record,) = drive.records("versions", "restore", "drive:report.docx", old["version"])
    assert (record["path"], record["size"]) == ("report.docx", 3)


def test_a_path_has_its_ids(drive: Account) -> None:
    file = drive.put("2024/a.txt", b"four")
    (record,) = drive.records("resolve", "drive:2024/a.txt")
    assert record["id"] == file
    assert record["parent"] == drive.id_of("2024")
    assert (record["kind"], record["status"], record["size"]) == ("file", "EXISTS", 4)
    assert (record["plain_name"], record["extension"]) == ("a", "txt")
    assert len(record["bucket"]) == len(record["object"]) == 24
    assert record["modified"].startswith("2020-09-13T12:26:40")


def test_an_id_has_its_path(drive: Account) -> None:
    file = drive.put("2024/a.txt")
    folder = drive.id_of("2024")
    records = drive.records("resolve", file, folder, f"drive:{file}", file.upper())
    assert [record["path"] for record in records] == ["2024/a.txt", "2024", "2024/a.txt", "2024/a.txt"]
    assert [record["kind"] for record in records] == ["file", "folder", "file", "file"]
    rows = dict(line.split("\t") for line in drive.ix("resolve", folder).out.splitlines())
    assert rows["place"] == "drive:2024"
    assert "object" not in rows


def test_the_root_is_a_folder_too(drive: Account) -> None:
    (record,) = drive.records("resolve", "drive:")
    assert (record["path"], record["kind"], record["parent"]) == ("", "folder", None)


def test_what_is_in_the_trash_has_no_path(drive: Account) -> None:
    file = drive.put("2024/a.txt")
    drive.ix("trash", "put", "drive:2024")
    (record,) = drive.records("resolve", file)
    assert (record["path"], record["status"]) == (None, "EXISTS")
    drive.ix("trash", "restore", "drive:2024")
    drive.ix("trash", "put", file)
    (record,) = drive.records("resolve", file)
    assert (record["path"], record["status"]) == (None, "TRASHED")
    drive.ix("trash", "clear", "--yes")
    assert drive("internxt", "resolve", file).status == 4


def test_a_path_wins_over_an_id_that_is_written_like_it(drive: Account) -> None:
    file = drive.put("a.txt")
    drive.put(file, b"named like the other")
    (record,) = drive.records("resolve", f"drive:{file}")
    assert record["path"] == file
    (record,) = drive.records("resolve", file)
    assert record["path"] == "a.txt"


def test_slips_are_answered_with_what_to_write(drive: Account) -> None:
    drive.put("a.txt")
    said = drive("internxt", "resolve", "drive")
    assert said.status == 4
    assert "drive:" in said.err.split("hint:")[1]
    assert drive("internxt", "resolve", "drive:a.txt/").status == 4
    assert drive("internxt", "resolve", "nowhere:a.txt").status == 4
    drive.done("remote", "add", "disk", "memory")
    said = drive("internxt", "resolve", "disk:a.txt")
    assert said.status == 2
    said = drive("internxt", "trash", "list", "disk")
    assert said.status == 2
    assert "type memory" in said.err


def test_workspaces_are_out_of_scope_and_nobody_is_asked(drive: Account) -> None:
    before = drive.emulator.requests()[-1]["number"]
    said = drive("internxt", "workspaces", "list")
    assert said.status == 7
    assert "out of scope" in said.err
    assert drive.emulator.requests(before) == []
