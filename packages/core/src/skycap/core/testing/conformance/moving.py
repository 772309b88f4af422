"""Promises about copies and moves inside a store, and about removing much at once."""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

import contextlib

import pytest

from skycap.core.errors import Conflict, Error, NotFound, Unsupported
from skycap.core.storage import Capability, Metadata, Storage
from skycap.core.testing.conformance.base import (
    ConformanceBase,
    content_of,
    is_there,
    listed,
    needs_dirs,
    needs_full,
    noise,
    same_as_look,
)
from skycap.core.units import MiB

_MTIME = 1_000_000_000_000_000_000


class MovingPromises(ConformanceBase):
    """What `copy`, `rename`, `remove_many` and `remove_tree` promise."""

    @pytest.mark.parametrize("size", [0, 10, 2 * MiB + 1])
    def test_a_copy_is_a_second_file(self, storage: Storage, size: int) -> None:
        needs_full(storage, Capability.COPY)
        storage.write("file", noise(size))
        entry = storage.copy("file", "new/dir/copy")
        assert (entry.path, entry.size) == ("new/dir/copy", size)
        same_as_look(storage, entry)
        assert content_of(storage, "new/dir/copy") == content_of(storage, "file") == noise(size)
        storage.write("file", b"other")
        assert content_of(storage, "new/dir/copy") == noise(size)

    def test_a_copy_replaces_the_target(self, storage: Storage) -> None:
        needs_full(storage, Capability.COPY)
        storage.write("file", b"new")
        storage.write("target", b"old and longer")
        storage.copy("file", "target")
        assert content_of(storage, "target") == b"new"
        assert sorted(listed(storage)) == ["file", "target"]

    def test_a_copy_keeps_the_metadata(self, storage: Storage) -> None:
        needs_full(storage, Capability.COPY)
        if "mtime_ns" not in storage.facts.metadata_fields:
            pytest.skip("does not keep times")
        storage.write("file", b"x", metadata=Metadata(mtime_ns=_MTIME))
        storage.copy("file", "copy")
        assert storage.stat("copy").mtime_ns == storage.stat("file").mtime_ns

    def test_a_copy_of_itself_loses_nothing(self, storage: Storage) -> None:
        needs_full(storage, Capability.COPY)
        storage.write("file", b"12345")
        with contextlib.suppress(Conflict):
            storage.copy("file", "file")
        assert content_of(storage, "file") == b"12345"

    def test_what_is_absent_cannot_be_copied(self, storage: Storage) -> None:
        needs_full(storage, Capability.COPY)
        storage.write("target", b"old")
        with pytest.raises(NotFound):
            storage.copy("absent", "target")
        assert content_of(storage, "target") == b"old"

    def test_a_directory_is_not_copied_as_a_file(self, storage: Storage) -> None:
        needs_full(storage, Capability.COPY)
        storage.write("dir/file", b"x")
        with pytest.raises((Unsupported, NotFound)):
            storage.copy("dir", "copy")
        assert not is_there(storage, "copy")

    def test_a_copy_never_replaces_a_directory(self, storage: Storage) -> None:
        needs_full(storage, Capability.COPY)
        needs_dirs(storage)
        storage.write("dir/file", b"x")
        storage.write("file", b"y")
        with pytest.raises(Conflict):
            storage.copy("file", "dir")
        assert content_of(storage, "dir/file") == b"x"

    @pytest.mark.parametrize("size", [0, 10, 2 * MiB + 1])
    def test_a_renamed_file_is_under_its_new_name_only(self, storage: Storage, size: int) -> None:
        needs_full(storage, Capability.RENAME)
        storage.write("dir/file", noise(size))
        entry = storage.rename("dir/file", "new/dir/name")
        assert (entry.path, entry.size) == ("new/dir/name", size)
        same_as_look(storage, entry)
        assert content_of(storage, "new/dir/name") == noise(size)
        assert not is_there(storage, "dir/file")

    def test_a_rename_replaces_the_target(self, storage: Storage) -> None:
        needs_full(storage, Capability.RENAME)
        storage.write("file", b"new")
        storage.write("target", b"old and longer")
        storage.rename("file", "target")
        assert content_of(storage, "target") == b"new"
        assert list(listed(storage)) == ["target"]

    def test_a_rename_to_itself_loses_nothing(self, storage: Storage) -> None:
        needs_full(storage, Capability.RENAME)
        storage.write("file", b"12345")
        with contextlib.suppress(Conflict):
            storage.rename("file", "file")
        assert content_of(storage, "file") == b"12345"

    def test_a_rename_keeps_the_metadata(self, storage: Storage) -> None:
        needs_full(storage, Capability.RENAME)
        if "mtime_ns" not in storage.facts.metadata_fields:
            pytest.skip("does not keep times")
        storage.write("file", b"x", metadata=Metadata(mtime_ns=_MTIME))
        before = storage.stat("file").mtime_ns
        storage.rename("file", "new")
        assert storage.stat("new").mtime_ns == before

    def test_what_is_absent_cannot_be_renamed(self, storage: Storage) -> None:
        needs_full(storage, Capability.RENAME)
        storage.write("target", b"old")
        with pytest.raises(NotFound):
            storage.rename("absent", "target")
        assert content_of(storage, "target") == b"old"

    def test_a_file_is_not_renamed_onto_a_directory(self, storage: Storage) -> None:
        needs_full(storage, Capability.RENAME)
        needs_dirs(storage)
        storage.write("dir/file", b"x")
        storage.write("file", b"y")
        with pytest.raises(Conflict):
            storage.rename("file", "dir")
        assert content_of(storage, "dir/file") == b"x"
        assert content_of(storage, "file") == b"y"

    def test_a_directory_is_renamed_with_all_below_it_or_refused(self, storage: Storage) -> None:
        needs_full(storage, Capability.RENAME)
        storage.write("dir/file", b"x")
        storage.write("dir/sub/file", b"y")
        if not storage.facts.rename_dirs:
            with pytest.raises((Unsupported, NotFound)):
                storage.rename("dir", "new")
            assert content_of(storage, "dir/file") == b"x"
            return
        same_as_look(storage, storage.rename("dir", "far/new"))
        assert content_of(storage, "far/new/file") == b"x"
        assert content_of(storage, "far/new/sub/file") == b"y"
        assert sorted(listed(storage)) == ["far"]

    def test_a_directory_does_not_replace_a_full_one(self, storage: Storage) -> None:
        needs_full(storage, Capability.RENAME)
        if not storage.facts.rename_dirs:
            pytest.skip("renames files only")
        storage.write("dir/file", b"x")
        storage.write("target/file", b"y")
        with pytest.raises(Conflict):
            storage.rename("dir", "target")
        assert content_of(storage, "dir/file") == b"x"
        assert content_of(storage, "target/file") == b"y"

    def test_a_directory_is_not_moved_below_itself(self, storage: Storage) -> None:
        needs_full(storage, Capability.RENAME)
        if not storage.facts.rename_dirs:
            pytest.skip("renames files only")
        storage.write("dir/file", b"x")
        with pytest.raises(Conflict):
            storage.rename("dir", "dir/sub")
        assert content_of(storage, "dir/file") == b"x"

    def test_many_are_removed_and_each_is_told(self, storage: Storage) -> None:
        needs_full(storage, Capability.REMOVE_MANY)
        paths = [f"dir/{number}" for number in range(20)]
        for path in [*paths, "dir/stays"]:
            storage.write(path, b"x")
        told = dict(storage.remove_many(iter([*paths, "absent"])))
        assert told == dict.fromkeys([*paths, "absent"])
        assert list(listed(storage, "dir")) == ["dir/stays"]

    def test_one_that_cannot_be_removed_does_not_stop_the_others(self, storage: Storage) -> None:
        needs_full(storage, Capability.REMOVE_MANY)
        needs_dirs(storage)
        for path in ("a", "dir/file", "z"):
            storage.write(path, b"x")
        told = dict(storage.remove_many(["a", "dir", "z"]))
        assert told.keys() == {"a", "dir", "z"}
        assert told["a"] is None
        assert told["z"] is None
        assert isinstance(told["dir"], Error)
        assert [e.path for e in storage.scan("")] == ["dir"]
        assert content_of(storage, "dir/file") == b"x"

    def test_removing_none_is_success(self, storage: Storage) -> None:
        needs_full(storage, Capability.REMOVE_MANY)
        assert list(storage.remove_many([])) == []

    def test_a_tree_is_removed_and_nothing_beside_it(self, storage: Storage) -> None:
        needs_full(storage, Capability.REMOVE_TREE)
        for path in ("dir/file", "dir/sub/file", "dir2/file", "dir-3", "z"):
            storage.write(path, b"x")
        storage.remove_tree("dir")
        assert sorted(listed(storage)) == ["dir-3", "dir2", "z"]
        assert not is_there(storage, "dir/sub/file")

    def test_removing_a_tree_that_is_absent_is_success(self, storage: Storage) -> None:
        needs_full(storage, Capability.REMOVE_TREE)
        storage.write("file", b"x")
        for path in ("absent", "absent/below", "file/below"):
            storage.remove_tree(path)
        assert content_of(storage, "file") == b"x"
