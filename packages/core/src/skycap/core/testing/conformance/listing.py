"""Promises about listings."""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

import itertools

import pytest

from skycap.core.crypto.hashing import kinds, new_hasher
from skycap.core.errors import NotFound
from skycap.core.paths import order_key
from skycap.core.storage import Capability, Kind, Storage
from skycap.core.testing.conformance.base import (
    ConformanceBase,
    listed,
    needs,
    needs_dirs,
    needs_full,
    noise,
    paths_of,
)

# In this order object stores list them; a plain sort of names, or of trees, gives another one.
_TREE = [
    "B",
    "a",
    "a b",
    "a-dir/x",
    "a-dir/y/z",
    "a.b",
    "a0",
    "dir/a",
    "dir/a.b",
    "dir/sub/deep/file",
    "dir-b",  # beside the directory, and before what is in it
    "dir.txt",
    "é",
    "z",
]


class ListingPromises(ConformanceBase):
    """What `scan` and `scan_all` promise."""

    def test_an_empty_storage_lists_nothing(self, storage: Storage) -> None:
        needs_full(storage)
        storage.make_dir("")
        assert list(storage.scan("")) == []

    def test_a_listing_is_one_level(self, storage: Storage) -> None:
        needs(storage, Capability.LIST)
        for path in ("file", "dir/file", "dir/sub/file", "dir/sub/deep/file", "dirt"):
            self.put(storage, path, b"x")
        kinds = {path: entry.kind for path, entry in listed(storage).items()}
        assert kinds == {"file": Kind.FILE, "dir": Kind.DIRECTORY, "dirt": Kind.FILE}
        below = {path: entry.kind for path, entry in listed(storage, "dir").items()}
        assert below == {"dir/file": Kind.FILE, "dir/sub": Kind.DIRECTORY}

    def test_a_listing_fills_the_fields_it_declares(self, storage: Storage) -> None:
        needs(storage, Capability.LIST)
        path = self.put(storage, "dir/file", b"12345")
        entry = listed(storage, "dir")[path]
        assert (entry.kind, entry.size) == (Kind.FILE, 5 if "size" in storage.facts.scan_fields else None)
        for field in storage.facts.scan_fields - {"target"}:
            assert getattr(entry, field) is not None, f"scan_fields declares {field}"
        if storage.can(Capability.READ):
            seen = storage.stat(path)
            for field in storage.facts.scan_fields - {"metadata", "hashes"}:
                assert getattr(entry, field) == getattr(seen, field), field

    def test_the_hashes_of_a_listing_are_right(self, storage: Storage) -> None:
        needs(storage, Capability.LIST)
        if "hashes" not in storage.facts.scan_fields:
            pytest.skip("a listing tells no hashes")
        content = noise(10_000)
        path = self.put(storage, "dir/file", content)
        found = [listed(storage, "dir")[path]]
        if storage.can(Capability.SCAN_ALL):
            found += [entry for entry in storage.scan_all("") if entry.path == path]
        for entry in found:
            assert entry.hashes
            for kind in entry.hashes.keys() & kinds():
                hasher = new_hasher(kind)
                hasher.update(content)
                assert entry.hashes[kind] == hasher.hexdigest(), kind

    def test_a_directory_has_no_size(self, storage: Storage) -> None:
        needs(storage, Capability.LIST)
        self.put(storage, "dir/file", b"12345")
        assert listed(storage)["dir"].size is None

    @pytest.mark.parametrize("path", ["absent", "absent/below", "file"])
    def test_what_is_no_directory_cannot_be_listed(self, storage: Storage, path: str) -> None:
        needs(storage, Capability.LIST)
        self.put(storage, "file", b"x")
        if storage.facts.empty_dirs:
            with pytest.raises(NotFound):
                list(storage.scan(path))
        else:
            assert list(storage.scan(path)) == []

    def test_an_empty_directory_lists_nothing(self, storage: Storage) -> None:
        needs_full(storage)
        needs_dirs(storage)
        storage.make_dir("dir")
        assert list(storage.scan("dir")) == []
        assert [(e.path, e.kind) for e in storage.scan("")] == [("dir", Kind.DIRECTORY)]

    def test_a_listing_is_ordered_if_it_says_so(self, storage: Storage) -> None:
        needs(storage, Capability.LIST)
        for path in reversed(_TREE):
            self.put(storage, path, b"x")
        found = list(storage.scan(""))
        assert sorted(paths_of(found)) == sorted({path.split("/")[0] for path in _TREE})
        if storage.facts.scan_ordered:
            assert [e.order for e in found] == sorted(e.order for e in found)

    def test_a_listing_of_many_is_complete(self, storage: Storage) -> None:
        needs_full(storage)
        wanted = [f"many/{number:04}" for number in range(150)]
        for path in wanted:
            storage.write(path, b"")
        assert sorted(listed(storage, "many")) == wanted

    def test_a_listing_is_lazy(self, storage: Storage) -> None:
        needs(storage, Capability.LIST)
        for name in "abc":
            self.put(storage, name, b"x")
        entries = storage.scan("")
        assert iter(entries) is iter(entries)
        assert len(list(itertools.islice(entries, 2))) == 2

    def test_a_listing_survives_changes(self, storage: Storage) -> None:
        needs_full(storage)
        before = {f"dir/{number:03}" for number in range(30)}
        for path in before:
            storage.write(path, b"x")
        seen = []
        for turn, entry in enumerate(storage.scan("dir")):
            seen.append(entry.path)
            storage.write(f"dir/new {turn:03}", b"y")
            if turn >= 100:
                break
        assert len(seen) == len(set(seen))
        assert before <= set(seen)

    def test_what_was_listed_may_be_removed_on_the_way(self, storage: Storage) -> None:
        needs_full(storage)
        wanted = {f"dir/{number:03}" for number in range(30)}
        for path in wanted:
            storage.write(path, b"x")
        seen = set()
        for entry in storage.scan("dir"):
            seen.add(entry.path)
            storage.remove(entry.path)
        assert seen == wanted

    def test_a_flat_listing_is_complete_and_ordered_if_it_says_so(self, storage: Storage) -> None:
        needs(storage, Capability.SCAN_ALL)
        for path in reversed(_TREE):
            self.put(storage, path, b"x")
        found = list(storage.scan_all(""))
        assert len(found) == len(set(paths_of(found)))
        assert sorted(e.path for e in found if e.is_file) == sorted(_TREE)
        if storage.facts.scan_all_ordered:
            assert [e.order for e in found] == sorted(e.order for e in found)
            files = [e.path for e in found if e.is_file]
            assert files == sorted(_TREE, key=order_key)

    def test_a_flat_listing_has_the_directories_that_exist_by_themselves(self, storage: Storage) -> None:
        needs_full(storage, Capability.SCAN_ALL)
        storage.write("dir/sub/file", b"x")
        storage.make_dir("empty/below")
        folders = sorted(e.path for e in storage.scan_all("") if e.is_dir)
        assert folders == (["dir", "dir/sub", "empty", "empty/below"] if storage.facts.empty_dirs else [])

    def test_a_flat_listing_stays_below_its_path(self, storage: Storage) -> None:
        needs(storage, Capability.SCAN_ALL)
        for path in ("dir/a", "dir/sub/b", "dir2/c", "dir-3", "d"):
            self.put(storage, path, b"x")
        files = [e.path for e in storage.scan_all("dir") if e.is_file]
        assert sorted(files) == ["dir/a", "dir/sub/b"]

    def test_a_flat_listing_fills_the_fields_it_declares(self, storage: Storage) -> None:
        needs(storage, Capability.SCAN_ALL, Capability.LIST)
        path = self.put(storage, "dir/file", b"12345")
        (entry,) = (e for e in storage.scan_all("") if e.is_file)
        for field in storage.facts.scan_fields:
            assert getattr(entry, field) == getattr(listed(storage, "dir")[path], field), field
