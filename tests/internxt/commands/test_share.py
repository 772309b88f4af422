"""Links are made, shown and taken back; one to a folder says what it gives away."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from skycap.core.crypto.secret import Secret
from skycap.internxt.crypto.blobs import seal
from tests.internxt.commands.conftest import Account


def meta(drive: Account, record: dict[str, Any], password: str | None = None) -> tuple[int, dict[str, Any]]:
    """What the server tells somebody who has the link: the status, and what it says."""
    import base64
    import uuid
    from urllib.parse import quote

    short, code = record["url"].rsplit("/", 2)[1:]
    number = uuid.UUID(bytes=base64.urlsafe_b64decode(f"{short}=="))
    headers = {}
    if password is not None:
        headers["x-share-password"] = quote(password)
    request = urllib.request.Request(
        f"{drive.emulator.drive}/sharings/{number}/meta?code={code}", headers=headers
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_link_to_a_file_opens_it_for_strangers(drive: Account) -> None:
    drive.put("2024/a.txt", b"for all")
    (record,) = drive.records("share", "create", "drive:2024/a.txt")
    assert (record["type"], record["path"], record["password"]) == ("link", "2024/a.txt", False)
    status, told = meta(drive, record)
    assert status == 200
    assert len(told["encryptionKey"]) == 64


def test_the_link_that_is_there_is_shown_again(drive: Account) -> None:
    drive.put("a.txt")
    first = drive.ix("share", "create", "drive:a.txt").out
    assert drive.ix("share", "create", "drive:a.txt").out == first
    said = drive.ix("share", "info", "drive:a.txt")
    assert (said.out, said.err) == (first, "It asks for no password.\n")


def test_a_folder_is_shared_only_after_a_warning_and_a_yes(drive: Account) -> None:
    drive.put("2024/a.txt")
    said = drive("internxt", "share", "create", "drive:2024")
    assert said.status == 31
    assert "whole bucket" in said.err
    assert drive.records("share", "list") == []
    said = drive.ix("share", "create", "--yes", "drive:2024")
    assert "whole bucket" in said.err
    assert "/sh/folder/" in said.out


def test_a_password_is_asked_for_and_changed_and_taken_off(drive: Account) -> None:
    drive.put("a.txt")
    drive.ix("share", "create", "--password", "drive:a.txt", lines=("first words",))
    (record,) = drive.records("share", "info", "drive:a.txt")
    assert record["password"] is True
    assert meta(drive, record)[0] == 403
    assert meta(drive, record, "first words")[0] == 200
    assert "the new password" in drive.ix("share", "password", "drive:a.txt", lines=("second words",)).err
    assert meta(drive, record, "first words")[0] == 403
    assert meta(drive, record, "second words")[0] == 200
    assert drive.ix("share", "info", "drive:a.txt").err == "It asks for a password.\n"
    (after,) = drive.records("share", "password", "--remove", "drive:a.txt")
    assert (after["password"], after["url"]) == (False, record["url"])
    assert meta(drive, record)[0] == 200


def test_links_are_listed_and_taken_back(drive: Account) -> None:
    drive.put("2024/a.txt")
    drive.put("b.txt")
    drive.ix("share", "create", "drive:2024/a.txt", "drive:b.txt")
    assert sorted(record["path"] for record in drive.records("share", "list")) == ["2024/a.txt", "b.txt"]
    assert sorted(line.split("\t")[2] for line in drive.ix("share", "list").out.splitlines()) == [
        "drive:2024/a.txt",
        "drive:b.txt",
    ]
    (record,) = drive.records("share", "info", "drive:b.txt")
    assert drive.ix("share", "remove", "drive:b.txt").err == "The link to drive:b.txt works no more.\n"
    assert meta(drive, record)[0] == 404
    (gone,) = drive.records("share", "remove", drive.id_of("2024/a.txt"))
    assert gone["type"] == "removed"
    assert drive.ix("share", "list").err == "There are no links.\n"


@pytest.mark.parametrize("verb", ["info", "remove", "password"])
def test_what_has_no_link_is_told(drive: Account, verb: str) -> None:
    drive.put("a.txt")
    said = drive("internxt", "share", verb, "drive:a.txt", lines=("words",))
    assert said.status == 4
    assert "there is no link to it" in said.err


def test_what_is_in_the_trash_is_not_shared(drive: Account) -> None:
    file = drive.put("a.txt")
    drive.ix("trash", "put", file)
    said = drive("internxt", "share", "create", file)
    assert said.status == 4
    assert f"trash restore {file}" in said.err


def test_the_code_of_a_link_is_kept_from_the_server(drive: Account) -> None:
    drive.put("a.txt")
    (record,) = drive.records("share", "create", "drive:a.txt")
    code = record["url"].rsplit("/", 1)[1]
    asked = json.dumps(drive.emulator.requests())
    assert code not in asked
    assert seal(Secret("x"), Secret(code))  # a code is what blobs are sealed under
