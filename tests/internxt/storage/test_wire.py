"""What goes over the wire, by the log of the emulator: which requests, how many, with what in them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from skycap.core.errors import Conflict, DownloadFailed, NotFound
from skycap.core.storage import IF_ABSENT, Metadata
from skycap.internxt.api import files, folders
from skycap.internxt.api.models import EXISTS, File
from skycap.internxt.storage.storage import Internxt
from tests.internxt.storage.accounts import Accounts
from tests.internxt.storage.reading import walked


class Wire:
    """Requests since it was made, or since `again`."""

    def __init__(self, accounts: Accounts) -> None:
        self._emulator = accounts.emulator
        self.again()

    def again(self) -> None:
        found = self._emulator.requests()
        self._after = found[-1]["number"] if found else 0

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [one for one in self._emulator.requests(self._after) if not one["path"].startswith("/admin")]

    @property
    def told(self) -> list[str]:
        """Method and path, ids as stars."""
        return [f"{one['method']} {_shape(one['path'])}" for one in self.requests]


def _shape(path: str) -> str:
    parts = path.split("/")
    return "/".join("*" if len(part) >= 24 and not part.isalpha() else part for part in parts)


@pytest.fixture
def wire(accounts: Accounts, storage: Internxt) -> Wire:
    return Wire(accounts)


_SEND = [
    "POST /network/v2/buckets/*/files/start",
    "PUT /objects/*",
    "POST /network/v2/buckets/*/files/finish",
]


def test_a_new_file_in_a_listed_folder_is_four_requests(storage: Internxt, wire: Wire) -> None:
    list(storage.scan(""))
    wire.again()
    storage.write("new.txt", b"content")
    assert wire.told == [*_SEND, "POST /drive/files"]


def test_a_file_that_was_listed_is_replaced_in_place(storage: Internxt, wire: Wire) -> None:
    storage.write("file.txt", b"old")
    (before,) = folders.listed(storage.api, storage.root, "files", where="test")
    list(storage.scan(""))
    wire.again()
    storage.write("file.txt", b"newer")
    assert wire.told == [*_SEND, "PUT /drive/files/*"]
    (after,) = folders.listed(storage.api, storage.root, "files", where="test")
    assert isinstance(after, File)
    assert (after.uuid, after.size) == (before.uuid, 5)


def test_a_file_in_a_folder_of_any_depth_is_looked_up_by_two_requests(
    opened: Callable[..., Internxt], storage: Internxt, wire: Wire
) -> None:
    storage.write("a/b/c/d/e/file.txt", b"x")
    cold = opened()
    wire.again()
    assert cold.stat("a/b/c/d/e/file.txt").size == 1
    assert wire.told == [
        "GET /drive/folders/meta",
        "POST /drive/folders/content/*/files/existence",
    ]
    wire.again()
    assert cold.stat("a/b/c/d/e/file.txt").size == 1
    assert wire.told == ["POST /drive/folders/content/*/files/existence"]


def test_what_was_listed_is_read_without_looking_again(
    opened: Callable[..., Internxt], storage: Internxt, wire: Wire
) -> None:
    storage.write("file.txt", b"content")
    cold = opened()
    list(cold.scan(""))
    wire.again()
    with cold.read("file.txt") as reader:
        assert reader.read() == b"content"
    assert wire.told == ["GET /network/buckets/*/files/*/info", "GET /objects/*"]


def test_an_empty_file_never_meets_the_network(storage: Internxt, wire: Wire) -> None:
    storage.write("empty", b"")
    storage.write("empty", b"", metadata=Metadata(mtime_ns=10**18))
    with storage.read("empty") as reader:
        assert reader.read() == b""
    assert storage.stat("empty").mtime_ns == 10**18
    assert not [one for one in wire.told if "/network/" in one or "/objects/" in one]


def test_a_file_becomes_empty_and_full_again(storage: Internxt, accounts: Accounts) -> None:
    for content in (b"full", b"", b"full again", b""):
        storage.write("file", content)
        with storage.read("file") as reader:
            assert reader.read() == content
    assert accounts.emulator.state()["orphans"] == []


def test_a_new_folder_is_one_request_for_each_that_is_missing(storage: Internxt, wire: Wire) -> None:
    list(storage.scan(""))
    wire.again()
    storage.make_dir("a/b/c")
    assert Counter(wire.told)["POST /drive/folders"] == 3
    wire.again()
    storage.write("a/b/c/file", b"x")
    assert wire.told == [*_SEND, "POST /drive/files"], "it was made a moment ago, so nothing is in it"


def test_links_are_asked_without_credentials(storage: Internxt) -> None:
    assert storage.objects._client._authorize is None


@pytest.mark.parametrize(
    "name", [".bashrc", "a.", "plain", "a.b", "a.b.c", "..x", "null", "x.null", "a.null"]
)
def test_a_name_is_kept_in_the_form_that_clients_use(storage: Internxt, name: str) -> None:
    for content in (b"x", b""):
        storage.write(name, content)
        (file,) = folders.listed(storage.api, storage.root, "files", where="test")
        found = storage.api.drive("GET", f"/files/{file.uuid}/meta", where="test").json()
        assert found["type"] != "null" or name.endswith(".null")
        assert found["plainName"] != "null" or name in {"null", "null.null"}
        assert file.name == name
        assert storage.stat(name).path == name


def _whole_form(storage: Internxt, name: str) -> str:
    """A file of which another client kept the whole name as plain name."""
    body = {
        "bucket": storage.bucket,
        "encryptVersion": "03-aes",
        "folderUuid": storage.root,
        "size": 0,
        "plainName": name,
        "type": "",
    }
    uuid: str = storage.api.drive("POST", "/files", json=body, where="test").json()["uuid"]
    return uuid


def test_a_name_in_the_form_of_others_is_found_and_replaced(storage: Internxt) -> None:
    uuid = _whole_form(storage, "photo.jpg")
    assert storage.stat("photo.jpg").size == 0
    with pytest.raises(Conflict):
        storage.write("photo.jpg", b"new", condition=IF_ABSENT)
    storage.write("photo.jpg", b"new")
    (file,) = folders.listed(storage.api, storage.root, "files", where="test")
    assert (file.uuid, file.name) == (uuid, "photo.jpg")


def test_of_two_forms_of_one_name_the_first_counts_everywhere(storage: Internxt) -> None:
    storage.write("a.b.c", b"first")
    _whole_form(storage, "a.b.c")
    assert [entry.path for entry in storage.scan("")] == ["a.b.c"]
    assert storage.stat("a.b.c").size == 5
    storage.remove("a.b.c")
    assert storage.stat("a.b.c").size == 0, "the other one is a file of its own"
    storage.remove("a.b.c")
    with pytest.raises(NotFound):
        storage.stat("a.b.c")


def test_a_name_that_only_begins_like_another_is_not_it(storage: Internxt) -> None:
    storage.write("a.b.c", b"x")
    for name in ("a.b", "a", "b.c"):
        with pytest.raises(NotFound):
            storage.stat(name)


def test_a_file_hides_a_folder_of_its_name_in_looks_and_listings(storage: Internxt) -> None:
    _whole_form(storage, "both")
    folders.create(storage.api, storage.root, "both", where="test")
    assert storage.stat("both").is_file
    assert [(entry.path, entry.is_file) for entry in storage.scan("")] == [("both", True)]


def test_a_rename_in_one_folder_changes_the_name_and_a_move_the_place(storage: Internxt, wire: Wire) -> None:
    storage.write("a/file.txt", b"x")
    storage.make_dir("b")
    wire.again()
    storage.rename("a/file.txt", "a/other")
    assert "PUT /drive/files/*/meta" in wire.told
    wire.again()
    storage.rename("a/other", "b/third.md")
    assert "PATCH /drive/files/*" in wire.told
    assert [entry.path for entry in walked(storage) if entry.is_file] == ["b/third.md"]


@pytest.mark.parametrize("name", [" leading", "trailing ", " both.md ", "x. md"])
def test_a_rename_keeps_blanks_at_the_ends(storage: Internxt, name: str) -> None:
    storage.write("file.txt", b"x")
    storage.rename("file.txt", name)
    assert [entry.path for entry in storage.scan("")] == [name]


def test_a_listing_is_whole_though_files_go_away_meanwhile(storage: Internxt) -> None:
    names = [f"{number:03}" for number in range(120)]
    for name in names:
        storage.write(name, b"")
    seen = []
    for entry in storage.scan(""):
        seen.append(entry.path)
        found = storage.places.item(entry.path)
        files.delete(storage.api, found.uuid, where="test")
    assert seen == names


def test_a_listing_goes_on_where_it_broke_off(accounts: Accounts, storage: Internxt) -> None:
    names = [f"{number:03}" for number in range(120)]
    for name in names:
        storage.write(name, b"")
    accounts.emulator.fault(path="/content/.*/files$", skip=1, status=500)
    listing = folders.listed(storage.api, storage.root, "files", where="test")
    seen = []
    with pytest.raises(Exception, match="500") as caught:
        seen.extend(item.name for item in listing)
    rest = caught.value.rest  # type: ignore[attr-defined]
    seen += [item.name for item in rest()]
    assert seen == names


def test_times_are_those_of_the_file_and_of_its_making(storage: Internxt) -> None:
    moment = 1_234_567_890_123_000_000
    storage.write("file", b"x", metadata=Metadata(mtime_ns=moment))
    found = _raw(storage, "file")
    assert found["modificationTime"] == found["creationTime"] == "2009-02-13T23:31:30.123Z"
    storage.write("file", b"xy", metadata=Metadata(mtime_ns=moment + 10**9))
    found = _raw(storage, "file")
    assert found["modificationTime"] == "2009-02-13T23:31:31.123Z"
    assert found["creationTime"] == "2009-02-13T23:31:30.123Z"
    storage.write("file", b"xyz")
    assert abs((storage.stat("file").mtime_ns or 0) - time.time_ns()) < 3600 * 10**9


def _raw(storage: Internxt, path: str) -> dict[str, Any]:
    uuid = storage.places.item(path).uuid
    found: dict[str, Any] = storage.api.drive("GET", f"/files/{uuid}/meta", where="test").json()
    assert found["status"] == EXISTS
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def test_hashes_are_told_of_what_was_stored_from_here(
    opened: Callable[..., Internxt], storage: Internxt, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    storage.write("file", b"content")
    known = storage.stat("file").hashes
    assert known == {"sha256": "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"}
    assert [entry.hashes for entry in opened().scan("")] == [known]
    monkeypatch.setenv("SKYCAP_STATE", str(tmp_path / "another machine"))
    elsewhere = opened()
    assert elsewhere.stat("file").hashes is None
    elsewhere.write("file", b"other content of another machine")
    assert storage.stat("file").hashes is None, "it is the hash of another object"


def test_a_folder_that_is_not_known_everywhere_yet_is_waited_for(
    accounts: Accounts, opened: Callable[..., Internxt]
) -> None:
    accounts.emulator.set(folder_delay_ms=400)
    try:
        storage = opened(settle=0)
        storage.write("new/deep/file", b"x")
        storage.make_dir("other/deep")
    finally:
        accounts.emulator.set(folder_delay_ms=0)
    assert [entry.path for entry in walked(storage) if entry.is_file] == ["new/deep/file"]
    assert accounts.emulator.state()["orphans"] == []


def test_a_new_folder_is_left_alone_at_first(opened: Callable[..., Internxt], accounts: Accounts) -> None:
    accounts.emulator.set(folder_delay_ms=400)
    try:
        storage = opened(settle="500ms")
        wire = Wire(accounts)
        storage.write("new/deep/file", b"x")
    finally:
        accounts.emulator.set(folder_delay_ms=0)
    assert [one["status"] for one in wire.requests if one["method"] == "POST" and one["status"] == 404] == []


def test_ranges_of_one_version_ask_for_the_object_once(storage: Internxt, wire: Wire) -> None:
    content = bytes(range(256)) * 100
    version = storage.write("file", content).version
    wire.again()
    for offset in (0, 5000, 9999):
        with storage.read("file", offset=offset, length=1000, version=version) as reader:
            assert reader.read() == content[offset : offset + 1000]
    assert Counter(wire.told)["GET /network/buckets/*/files/*/info"] == 1
    assert Counter(wire.told)["GET /objects/*"] == 3


def test_a_version_that_was_replaced_cannot_be_read_any_more(storage: Internxt) -> None:
    version = storage.write("file", b"old").version
    with storage.read("file", length=2, version=version) as reader:
        assert reader.read() == b"ol"
    storage.write("file", b"new")
    with pytest.raises((NotFound, DownloadFailed)), storage.read("file", version=version) as reader:
        reader.read()
