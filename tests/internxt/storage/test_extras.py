"""Versions, trash, links, search and quota, as the service has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.errors import Conflict, NotFound, Unsupported, UsageError
from skycap.core.storage import Metadata
from skycap.internxt.api import folders, sharings
from skycap.internxt.crypto import share_codes
from skycap.internxt.storage.shares import PublicLinks
from skycap.internxt.storage.storage import Internxt
from skycap.internxt.storage.trash import AccountTrash
from tests.internxt.storage.accounts import Accounts
from tests.internxt.storage.reading import content_of, walked


def test_a_document_has_old_versions_that_can_be_read_restored_and_forgotten(storage: Internxt) -> None:
    path = "dir/letter.docx"
    moment = 1_500_000_000_000_000_000
    written = [
        storage.write(path, b"x" * number, metadata=Metadata(mtime_ns=moment + number * 10**9))
        for number in (1, 2, 3)
    ]
    history = list(storage.versions().list(path))
    assert [one.entry.version for one in history] == [entry.version for entry in reversed(written)]
    assert [one.latest for one in history] == [True, False, False]
    assert [one.entry.size for one in history] == [3, 2, 1]
    assert [one.entry.hashes for one in history] == [entry.hashes for entry in reversed(written)]
    first = written[0].version or ""
    assert content_of(storage, path, version=first) == b"x"
    storage.versions().remove(path, written[1].version or "")
    storage.versions().restore(path, first)
    assert content_of(storage, path) == b"x"
    for call in (storage.versions().restore, storage.versions().remove):
        with pytest.raises(NotFound):
            call(path, "no such version")
    with pytest.raises(NotFound):
        content_of(storage, path, version=written[1].version)


def test_what_is_in_the_trash_is_where_it_was(storage: Internxt) -> None:
    storage.write("a/b/file.txt", b"x")
    storage.write("a/gone/file", b"y")
    storage.remove("a/b/file.txt")
    storage.remove("a/gone/file")
    storage.remove_tree("a/gone")
    found = {trashed.entry.path: trashed for trashed in storage.trash().list()}
    assert set(found) == {"a/b/file.txt", "a/gone", "file"}, "of what is gone with its folder only the name"
    with pytest.raises(Conflict) as caught:
        storage.trash().restore(found["file"].id)
    assert caught.value.hint
    assert storage.trash().restore(found["file"].id, "back/again").path == "back/again"
    assert content_of(storage, "back/again") == b"y"


def test_one_thing_is_removed_from_the_trash_for_good(storage: Internxt) -> None:
    trash = storage.trash()
    assert isinstance(trash, AccountTrash)
    ids = []
    for name in ("a", "b"):
        storage.write(name, b"x")
        ids.append(trash.put(name).id)
    trash.remove(ids[0])
    assert [trashed.id for trashed in trash.list()] == [ids[1]]
    with pytest.raises(NotFound):
        trash.remove(ids[0])
    with pytest.raises(Conflict):
        trash.put("")


def test_what_is_removed_goes_for_good_where_the_remote_says_so(opened: Callable[..., Internxt]) -> None:
    storage = opened(trash=False)
    for path in ("a", "b", "dir/c", "over"):
        storage.write(path, b"x")
    storage.remove("a")
    assert dict(storage.remove_many(["b"])) == {"b": None}
    storage.remove_tree("dir")
    storage.write("source", b"new")
    storage.rename("source", "over")
    assert list(storage.trash().list()) == []
    assert [entry.path for entry in storage.scan("")] == ["over"]


def test_what_is_replaced_by_a_move_goes_into_the_trash(storage: Internxt) -> None:
    storage.write("over", b"old")
    storage.write("source", b"new")
    storage.rename("source", "over")
    assert [trashed.entry.path for trashed in storage.trash().list()] == ["over"]
    assert content_of(storage, "over") == b"new"


def test_a_move_that_fails_brings_back_what_was_in_its_way(accounts: Accounts, storage: Internxt) -> None:
    storage.write("dir/over", b"old")
    storage.write("source", b"new")
    accounts.emulator.fault(method="PATCH", path="/files/", status=422, message="cannot be moved")
    with pytest.raises(Conflict):
        storage.rename("source", "dir/over")
    assert content_of(storage, "dir/over") == b"old"
    assert content_of(storage, "source") == b"new"


def test_everything_goes_from_the_root_and_the_root_stays(storage: Internxt) -> None:
    for path in ("a", "dir/b"):
        storage.write(path, b"x")
    storage.remove_tree("")
    assert list(storage.scan("")) == []
    with pytest.raises(Conflict):
        storage.remove("")


def test_many_more_files_than_one_request_takes_are_removed(storage: Internxt) -> None:
    names = [f"dir/{number:03}" for number in range(70)] + ["top"]
    for name in names:
        storage.write(name, b"")
    told = dict(storage.remove_many([*names, "dir", "bad//path", "dir/absent"]))
    assert [path for path, error in told.items() if error is not None] == ["bad//path"]
    assert list(walked(storage)) == []


def test_a_link_opens_with_its_code_and_stays_the_same(storage: Internxt) -> None:
    storage.write("file.txt", b"x")
    shares = storage.shares()
    first, again = shares.create("file.txt"), shares.create("file.txt")
    assert first == again
    short, _, code = first.url.partition("/sh/file/")[2].partition("/")
    path = f"/sharings/{share_codes.long_id(short)}/meta"
    answer = storage.api.drive("GET", path, params={"code": code}, where="test")
    assert answer.json()["item"]["plainName"] == "file"
    shares.remove(first.id or "")
    assert list(shares.list()) == []


def test_a_link_gets_a_password_and_loses_it_again(storage: Internxt) -> None:
    storage.write("file", b"x")
    shares = storage.shares()
    assert isinstance(shares, PublicLinks)
    assert not shares.create("file").password
    assert shares.create("file", password="hunter2").password
    assert [share.password for share in shares.list()] == [True]
    assert not shares.set_password("file", None).password
    assert [share.password for share in shares.list()] == [False]
    assert shares.set_password("file", Secret("other")).password
    storage.write("unshared", b"x")
    with pytest.raises(NotFound):
        shares.set_password("unshared", None)


def test_a_link_of_a_folder_is_made_only_where_that_was_said(storage: Internxt) -> None:
    storage.write("dir/file", b"x")
    shares = storage.shares()
    assert isinstance(shares, PublicLinks)
    with pytest.raises(Unsupported, match="all that the account holds"):
        shares.create("dir")
    assert list(shares.list()) == []
    share = shares.create("dir", whole_bucket=True)
    assert share.url.partition("/sh/folder/")[1]
    assert [one.path for one in shares.list()] == ["dir"]
    shares.remove(share.id or "")
    with pytest.raises(UsageError):
        shares.remove("something else")


def test_a_link_of_what_went_away_is_not_listed(storage: Internxt) -> None:
    storage.write("dir/file", b"x")
    storage.shares().create("dir/file")
    storage.remove("dir/file")
    assert list(storage.shares().list()) == []


def test_a_link_leads_to_the_domain_that_the_service_names(storage: Internxt) -> None:
    storage.write("file", b"x")
    domain = sharings.domains(storage.api, where="test")[0]
    assert storage.shares().create("file").url.startswith(domain.rstrip("/"))


def test_a_search_leaves_out_what_is_hardly_alike(storage: Internxt) -> None:
    for path in ("holiday.jpg", "dir/My Holidays/list.txt", "holder", "unrelated"):
        storage.write(path, b"x")
    found = {entry.path for entry in storage.search("holiday")}
    assert found >= {"holiday.jpg", "dir/My Holidays"}
    assert "unrelated" not in found
    storage.remove("holiday.jpg")
    assert "holiday.jpg" not in {entry.path for entry in storage.search("holiday")}


def test_an_older_server_is_searched_by_get(accounts: Accounts, storage: Internxt) -> None:
    storage.write("holiday.jpg", b"x")
    accounts.emulator.set(search_by_get=True)
    try:
        assert [entry.path for entry in storage.search("holiday")] == ["holiday.jpg"]
    finally:
        accounts.emulator.set(search_by_get=False)


def test_a_quota_tells_what_is_used_and_what_is_left(storage: Internxt) -> None:
    before = storage.quota()
    storage.write("file", bytes(1000))
    after = storage.quota()
    assert (after.used or 0) - (before.used or 0) == 1000
    assert after.total == before.total
    assert after.free == (after.total or 0) - (after.used or 0)


def test_a_path_too_long_for_a_look_up_is_walked(storage: Internxt, opened: Callable[..., Internxt]) -> None:
    path = "/".join(["a folder with a long name"] * 45 + ["file"])
    assert len(path) > folders.PATH_MAX
    storage.write(path, b"x")
    cold = opened()
    assert cold.stat(path).size == 1
    with pytest.raises(NotFound):
        cold.stat(f"{path.rpartition('/')[0]}/absent/file")


def test_a_place_is_told_by_its_account(accounts: Accounts, storage: Internxt) -> None:
    assert storage.identity == f"internxt:{storage.session.account.uuid}"
    assert "user@example.com" in repr(storage)
    shown: dict[str, Any] = vars(storage.facts) if hasattr(storage.facts, "__dict__") else {}
    assert "mnemonic" not in repr(shown)


def test_who_has_just_come_finds_the_places_of_what_is_in_the_trash_and_shared(
    storage: Internxt, opened: Callable[..., Internxt]
) -> None:
    for path in ("a/b/trashed", "a/b/shared", "a/b/holiday", "gone/file"):
        storage.write(path, b"x")
    storage.shares().create("a/b/shared")
    storage.shares().create("gone/file")
    storage.remove("a/b/trashed")
    storage.remove_tree("gone")
    cold = opened()
    assert {trashed.entry.path for trashed in cold.trash().list()} == {"a/b/trashed", "gone"}
    assert [share.path for share in opened().shares().list()] == ["a/b/shared"]
    assert [entry.path for entry in opened().search("holiday")] == ["a/b/holiday"]
    assert opened().places.path_of("00000000-0000-4000-8000-000000000000") is None


def test_what_is_below_a_trashed_folder_has_no_place(
    storage: Internxt, opened: Callable[..., Internxt]
) -> None:
    storage.write("a/b/file", b"x")
    inner = storage.places.folder("a/b").folder.uuid
    storage.remove_tree("a")
    assert opened().places.path_of(inner) is None
