"""The service searches, and what it finds has a path."""

from __future__ import annotations

import pytest

from tests.internxt.commands.conftest import MTIME, Account


@pytest.fixture
def tree(drive: Account) -> Account:
    drive.put("office/report 2024.pdf", b"x" * 2000)
    drive.put("office/old/report.txt", b"x" * 10)
    drive.put("reports/holiday.jpg")
    return drive


def test_names_are_found_with_their_paths_best_first(tree: Account) -> None:
    lines = tree.ix("search", "report").out.splitlines()
    assert lines[0] == "drive:office/old/report.txt"
    assert sorted(lines) == ["drive:office/old/report.txt", "drive:office/report 2024.pdf", "drive:reports/"]


def test_a_place_holds_what_is_found_below_it(tree: Account) -> None:
    assert tree.ix("search", "report", "drive:office/old").out == "drive:office/old/report.txt\n"
    assert tree.ix("search", "report", "/office/old").out == "drive:office/old/report.txt\n"


def test_json_has_ids_sizes_and_times(tree: Account) -> None:
    (record,) = tree.records("search", "--type", "PDF", "report")
    assert record["path"] == "office/report 2024.pdf"
    assert record["id"] == tree.id_of("office/report 2024.pdf")
    assert record["size"] == 2000
    assert record["mtime_ns"] == MTIME * 10**9
    assert 0 < record["similarity"] <= 1


def test_filters_are_the_services(tree: Account) -> None:
    assert tree.ix("search", "--type", "folder", "report").out == "drive:reports/\n"
    assert tree.ix("search", "--min-size", "1KiB", "report").out == "drive:office/report 2024.pdf\n"
    assert tree.ix("search", "--max-size", "1KiB", "report").out == "drive:office/old/report.txt\n"
    assert tree.ix("search", "--min-age", "1d", "report").out == ""
    assert len(tree.ix("search", "--max-age", "1d", "report").out.splitlines()) == 3
    assert tree("internxt", "search", "--min-size", "2k", "--max-size", "1k", "report").status == 2


def test_pages_are_asked_for_until_there_are_enough(drive: Account) -> None:
    for number in range(23):
        drive.put(f"note {number}.txt")
    found = drive.ix("search", "--limit", "0", "note").out.splitlines()
    assert len(found) == len(set(found)) == 23
    before = drive.emulator.requests()[-1]["number"]
    assert len(drive.ix("search", "--limit", "12", "note").out.splitlines()) == 12
    asked = [one for one in drive.emulator.requests(before) if "/fuzzy/" in one["path"]]
    assert len(asked) == 2


def test_noise_is_left_out_unless_asked_for(tree: Account) -> None:
    assert tree.ix("search", "repair").out == ""
    assert "report" in tree.ix("search", "--all", "repair").out


def test_what_is_in_the_trash_is_not_found(tree: Account) -> None:
    tree.ix("trash", "put", "drive:office")
    assert tree.ix("search", "report").out == "drive:reports/\n"


def test_an_older_server_searches_by_name_alone(tree: Account) -> None:
    tree.emulator.set(search_by_get=True)
    assert "drive:office/old/report.txt" in tree.ix("search", "report").out
    said = tree("internxt", "search", "--type", "txt", "report")
    assert said.status == 7
    assert "skycap find" in said.err


def test_a_text_may_have_any_character(drive: Account) -> None:
    drive.put("50% & ä ?.txt")
    assert drive.ix("search", "50% & ä ?").out == "drive:50% & ä ?.txt\n"
