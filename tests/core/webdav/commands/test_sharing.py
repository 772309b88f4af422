"""Which name a place is served under, and what of it can be done."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from skycap.core.cli.session import begin
from skycap.core.errors import Unsupported, UsageError
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.storage.memory import Memory
from skycap.core.webdav.commands.sharing import name_of, named, share


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("photos:", "photos"),
        ("photos:2024/", "2024"),
        ("photos:2024/summer", "summer"),
        ("s3://bucket/deep/key/", "key"),
        ("s3://bucket", "bucket"),
        (":memory:", "memory"),
        (':s3,endpoint="http://h:9":box', "box"),
        ("/srv/files/", "files"),
        ("./files", "files"),
    ],
)
def test_a_place_is_served_under_its_last_name(place: str, name: str) -> None:
    assert name_of(place) == name


def test_the_folder_one_stands_in_has_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert name_of(".") == tmp_path.name


def test_the_top_of_a_disk_has_no_name() -> None:
    with pytest.raises(UsageError, match="no name to be served under"):
        name_of("/")


def test_one_place_alone_is_the_top_and_several_are_below() -> None:
    assert named(["photos:"], []) == {"": "photos:"}
    assert named(["photos:", "./docs"], []) == {"photos": "photos:", "docs": os.path.abspath("docs")}
    assert named(["./docs"], []) == {"": os.path.abspath("docs")}
    assert named([], ["a=photos:"]) == {"a": "photos:"}
    assert named(["photos:"], ['a=:s3,endpoint="http://h/?b=c":box']) == {
        "photos": "photos:",
        "a": ':s3,endpoint="http://h/?b=c":box',
    }
    with pytest.raises(UsageError, match="photos: and box:photos would both be served as 'photos'"):
        named(["photos:", "box:photos"], [])


def test_what_can_only_be_read_is_shared_so_and_that_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    run = begin()
    read_only = Memory(facts=replace(Memory.facts, read_only=True))
    assert share(run, "", Location(read_only, "", "archive:")).read_only
    assert capsys.readouterr().err == "archive: can only be read.\n"
    two = Memory(capabilities={Capability.READ, Capability.LIST})
    assert share(run, "", Location(two, "", "archive:")).read_only
    assert not share(run, "", Location(Memory(), "", "m:")).read_only
    assert share(run, "", Location(Memory(), "", "m:"), read_only=True).read_only


def test_what_can_only_be_written_is_not_served() -> None:
    with pytest.raises(Unsupported, match="cannot be served"):
        share(begin(), "", Location(Memory(capabilities={Capability.WRITE}), "", "drop:"))
