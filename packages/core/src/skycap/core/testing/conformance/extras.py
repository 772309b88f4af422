"""Promises about what only some storages have: versions, trash, links, search, changes, cleaning up."""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

import time
from typing import Any

import pytest

from skycap.core.errors import AccessDenied, Conflict, Error, NotFound, Unsupported
from skycap.core.storage import Capability, Storage
from skycap.core.testing.conformance.base import (
    ConformanceBase,
    content_of,
    is_there,
    listed,
    needs,
    needs_full,
    same_as_look,
    whole_version,
)


class ExtrasPromises(ConformanceBase):
    """What the optional verbs promise where they are declared."""

    def test_the_history_of_a_file_is_newest_first(self, storage: Storage) -> None:
        needs_full(storage, Capability.VERSIONS)
        for content in (b"1", b"22", b"333"):
            storage.write("dir/file", content)
        storage.write("dir/file2", b"another")
        history = list(storage.versions().list("dir/file"))
        assert [version.entry.size for version in history] == [3, 2, 1]
        assert [version.latest for version in history] == [True, False, False]
        assert {version.entry.path for version in history} == {"dir/file"}
        assert history[0].entry.version == storage.stat("dir/file").version
        assert len({version.entry.version for version in history}) == 3

    def test_a_removed_file_keeps_its_history(self, storage: Storage) -> None:
        needs_full(storage, Capability.VERSIONS)
        storage.write("file", b"one")
        storage.remove("file")
        history = [version for version in storage.versions().list("file") if not version.deleted]
        assert [version.entry.size for version in history] == [3]
        assert not any(version.latest for version in history)

    def test_what_never_was_has_no_history(self, storage: Storage) -> None:
        needs_full(storage, Capability.VERSIONS)
        with pytest.raises(NotFound):
            list(storage.versions().list("absent"))

    def test_an_old_version_is_restored_as_the_newest(self, storage: Storage) -> None:
        needs_full(storage, Capability.VERSIONS, Capability.VERSIONS_RESTORE)
        storage.write("file", b"one")
        first = whole_version(storage, "file")
        storage.write("file", b"other")
        entry = storage.versions().restore("file", first)
        assert (entry.path, entry.size) == ("file", 3)
        same_as_look(storage, entry)
        assert content_of(storage, "file") == b"one"
        sizes = [version.entry.size for version in storage.versions().list("file")]
        assert sizes[0] == 3
        assert 5 in sizes

    def test_a_removed_file_comes_back_from_its_history(self, storage: Storage) -> None:
        needs_full(storage, Capability.VERSIONS, Capability.VERSIONS_RESTORE)
        storage.write("file", b"one")
        version = whole_version(storage, "file")
        storage.remove("file")
        storage.versions().restore("file", version)
        assert content_of(storage, "file") == b"one"

    def test_a_version_that_never_was_cannot_be_restored(self, storage: Storage) -> None:
        needs_full(storage, Capability.VERSIONS, Capability.VERSIONS_RESTORE)
        storage.write("file", b"one")
        with pytest.raises(Error):
            storage.versions().restore("file", "no-such-version")
        assert content_of(storage, "file") == b"one"

    def test_one_version_is_removed_for_good(self, storage: Storage) -> None:
        needs_full(storage, Capability.VERSIONS, Capability.VERSIONS_REMOVE)
        storage.write("file", b"one")
        first = whole_version(storage, "file")
        storage.write("file", b"other")
        storage.versions().remove("file", first)
        assert [version.entry.size for version in storage.versions().list("file")] == [5]
        assert content_of(storage, "file") == b"other"

    @pytest.mark.parametrize("version", ["no-such-version", '"0123456789abcdef0123456789abcdef"'])
    def test_a_version_that_never_was_cannot_be_removed(self, storage: Storage, version: str) -> None:
        needs_full(storage, Capability.VERSIONS, Capability.VERSIONS_REMOVE)
        storage.write("file", b"one")
        with pytest.raises(NotFound):
            storage.versions().remove("file", version)
        assert content_of(storage, "file") == b"one"

    def test_what_is_put_into_the_trash_can_be_had_back(self, storage: Storage) -> None:
        needs_full(storage, Capability.TRASH)
        storage.write("dir/file", b"one")
        trash = storage.trash()
        trashed = trash.put("dir/file")
        assert trashed.entry.path == "dir/file"
        assert not is_there(storage, "dir/file")
        assert trashed.id in {found.id for found in trash.list()}
        entry = trash.restore(trashed.id)
        assert entry.path == "dir/file"
        same_as_look(storage, entry)
        assert content_of(storage, "dir/file") == b"one"
        assert trashed.id not in {found.id for found in trash.list()}

    def test_what_is_in_the_trash_can_come_back_elsewhere(self, storage: Storage) -> None:
        needs_full(storage, Capability.TRASH)
        storage.write("file", b"old")
        trashed = storage.trash().put("file")
        storage.write("file", b"new")
        assert storage.trash().restore(trashed.id, "other/file").path == "other/file"
        assert content_of(storage, "other/file") == b"old"
        assert content_of(storage, "file") == b"new"

    def test_what_was_put_into_the_trash_twice_is_there_twice(self, storage: Storage) -> None:
        needs_full(storage, Capability.TRASH)
        ids = []
        for content in (b"first", b"second!"):
            storage.write("dir/file", content)
            ids.append(storage.trash().put("dir/file").id)
        found = {trashed.id: trashed.entry for trashed in storage.trash().list()}
        assert len(set(ids)) == 2
        assert found.keys() >= set(ids), "the second took the place of the first"
        assert [found[one].path for one in ids] == ["dir/file", "dir/file"]
        storage.trash().restore(ids[0])
        assert content_of(storage, "dir/file") == b"first"
        storage.trash().restore(ids[1], "again")
        assert content_of(storage, "again") == b"second!"

    def test_what_comes_back_elsewhere_replaces_nothing_there(self, storage: Storage) -> None:
        needs_full(storage, Capability.TRASH)
        storage.write("file", b"old")
        storage.write("other/file", b"stays")
        trashed = storage.trash().put("file")
        with pytest.raises(Conflict):
            storage.trash().restore(trashed.id, "other/file")
        assert content_of(storage, "other/file") == b"stays"
        assert trashed.id in {found.id for found in storage.trash().list()}

    def test_what_comes_back_replaces_nothing(self, storage: Storage) -> None:
        needs_full(storage, Capability.TRASH)
        storage.write("file", b"old")
        trashed = storage.trash().put("file")
        storage.write("file", b"new")
        with pytest.raises(Conflict):
            storage.trash().restore(trashed.id)
        assert content_of(storage, "file") == b"new"
        assert trashed.id in {found.id for found in storage.trash().list()}

    def test_a_directory_goes_into_the_trash_whole(self, storage: Storage) -> None:
        needs_full(storage, Capability.TRASH)
        storage.write("dir/sub/file", b"one")
        trashed = storage.trash().put("dir")
        assert listed(storage) == {}
        storage.trash().restore(trashed.id)
        assert content_of(storage, "dir/sub/file") == b"one"

    def test_a_cleared_trash_is_empty(self, storage: Storage) -> None:
        needs_full(storage, Capability.TRASH)
        trash = storage.trash()
        trash.clear()
        for path in ("a", "b"):
            storage.write(path, b"x")
        ids = [trash.put(path).id for path in ("a", "b")]
        assert trash.clear() == 2
        assert list(trash.list()) == []
        assert trash.clear() == 0
        with pytest.raises(NotFound):
            trash.restore(ids[0])

    def test_what_is_absent_is_not_put_into_the_trash(self, storage: Storage) -> None:
        needs_full(storage, Capability.TRASH)
        with pytest.raises(NotFound):
            storage.trash().put("absent")

    def test_a_link_is_made_for_what_is_there(self, storage: Storage) -> None:
        needs(storage, Capability.SHARE)
        path = self.put(storage, "dir/file", b"x")
        share = storage.shares().create(path)
        assert share.path == path
        assert "://" in share.url
        with pytest.raises(NotFound):
            storage.shares().create("absent")

    def test_links_are_listed_at_and_below_a_path(self, storage: Storage) -> None:
        needs(storage, Capability.SHARE, Capability.SHARE_LIST)
        paths = [self.put(storage, path, b"x") for path in ("dir/file", "dir2/file", "file")]
        for path in paths:
            storage.shares().create(path)
        shares = storage.shares()
        assert sorted(share.path for share in shares.list()) == sorted(paths)
        assert [share.path for share in shares.list("dir")] == [paths[0]]
        assert [share.path for share in shares.list(paths[2])] == [paths[2]]

    def test_a_link_is_taken_back(self, storage: Storage) -> None:
        needs(storage, Capability.SHARE, Capability.SHARE_LIST, Capability.SHARE_REMOVE)
        share = storage.shares().create(self.put(storage, "file", b"x"))
        assert share.id is not None
        for _ in range(2):
            storage.shares().remove(share.id)
        assert list(storage.shares().list()) == []

    @pytest.mark.parametrize("terms", [{"password": "hunter2"}, {"expires_s": 3600.0}])
    def test_a_link_has_what_was_asked_for_or_is_not_made(
        self, storage: Storage, terms: dict[str, Any]
    ) -> None:
        needs(storage, Capability.SHARE)
        path = self.put(storage, "file", b"x")
        now_ns = time.time_ns()
        try:
            share = storage.shares().create(path, **terms)
        except Unsupported:
            if storage.can(Capability.SHARE_LIST):
                assert list(storage.shares().list()) == []
            return
        if "password" in terms:
            assert share.password, "a password was taken and not put on"
        else:
            assert share.expires_at_ns is not None, "an expiry was taken and not kept"
            assert now_ns < share.expires_at_ns < now_ns + 2 * 3600 * 10**9

    def test_two_links_differ_and_one_is_taken_back_alone(self, storage: Storage) -> None:
        needs(storage, Capability.SHARE, Capability.SHARE_LIST, Capability.SHARE_REMOVE)
        shares = storage.shares()
        made = [shares.create(self.put(storage, path, b"x")) for path in ("a", "b")]
        assert len({share.url for share in made}) == len({share.id for share in made}) == 2
        assert sorted(shares.list(), key=lambda share: share.path) == made
        assert made[0].id is not None
        shares.remove(made[0].id)
        assert list(shares.list()) == [made[1]]

    def test_a_quota_adds_up(self, storage: Storage) -> None:
        needs(storage, Capability.QUOTA)
        quota = storage.quota()
        known = [value for value in (quota.used, quota.total, quota.free) if value is not None]
        assert known
        assert min(known) >= 0
        if quota.total is not None:
            assert max(known) == quota.total

    def test_a_search_finds_names_at_and_below_a_path(self, storage: Storage) -> None:
        needs_full(storage, Capability.SEARCH)
        for path in ("holiday 2024.jpg", "dir/holiday.txt", "dir/other", "dir2/holiday"):
            storage.write(path, b"x")
        found = sorted(entry.path for entry in storage.search("holiday"))
        assert found == ["dir/holiday.txt", "dir2/holiday", "holiday 2024.jpg"]
        assert [entry.path for entry in storage.search("holiday", "dir")] == ["dir/holiday.txt"]
        assert list(storage.search("nothing of that name")) == []

    def test_changes_tell_what_happened_since_a_cursor(self, storage: Storage) -> None:
        needs_full(storage, Capability.CHANGES)
        storage.write("before", b"x")
        start = storage.changes()
        assert list(start.items) == []
        storage.write("dir/new", b"12345")
        storage.remove("before")
        changes = storage.changes(start.cursor)
        assert not changes.reset
        told = {change.path: change.entry for change in changes.items}
        assert told["before"] is None
        new = told["dir/new"]
        assert new is not None
        assert (new.path, new.size) == ("dir/new", 5)
        assert list(storage.changes(changes.cursor).items) == []

    def test_a_cursor_that_means_nothing_says_list_again(self, storage: Storage) -> None:
        needs_full(storage, Capability.CHANGES)
        assert storage.changes("no such cursor").reset

    def test_cleaning_up_takes_what_was_left_behind_and_no_file(self, storage: Storage) -> None:
        needs_full(storage, Capability.CLEANUP, Capability.UPLOAD)
        storage.write("dir/file", b"x")
        upload = storage.begin_upload("dir/big", size=3)
        upload.put_part(0, b"new", last=True)
        state = dict(upload.state)
        self.leave(upload)
        assert list(storage.cleanup(older_than_s=3600)) == []
        assert len(list(storage.cleanup(older_than_s=0, dry_run=True))) == 1
        assert list(storage.cleanup("elsewhere", older_than_s=0)) == []
        (leftover,) = storage.cleanup("dir", older_than_s=0)
        assert leftover.path.startswith("dir/")
        assert list(storage.cleanup(older_than_s=0)) == []
        with pytest.raises(NotFound):
            storage.resume_upload(state, b"new")
        assert content_of(storage, "dir/file") == b"x"

    def leave(self, upload: object) -> None:
        """Forget an upload as a crash does. Override it where a living one is kept from being cleaned up."""

    def test_what_is_locked_is_neither_removed_nor_replaced(self, storage: Storage) -> None:
        needs_full(storage, Capability.LOCK_OBJECT)
        storage.write("file", b"one")
        version = whole_version(storage, "file")
        until_ns = time.time_ns() + 3_000_000_000
        storage.lock_object("file", until_ns)
        if storage.can(Capability.VERSIONS_REMOVE):
            with pytest.raises(AccessDenied):
                storage.versions().remove("file", version)
        try:
            storage.write("file", b"other")
        except AccessDenied:
            assert content_of(storage, "file") == b"one"
            with pytest.raises(AccessDenied):
                storage.remove("file")
        else:  # a store of versions adds one, and keeps the locked one below it
            assert content_of(storage, "file", version=version) == b"one"
