"""The storage in memory keeps every promise, whole or with capabilities taken away."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from skycap.core.errors import AccessDenied, NotFound, OutOfSpace
from skycap.core.storage import FULL, Facts, Quota, Storage
from skycap.core.storage.memory import Memory
from skycap.core.testing import StorageConformance
from skycap.core.testing.clock import ManualClock
from skycap.core.units import MiB

_NUMBERS = itertools.count()
_POOR = replace(
    Memory.facts,
    forbidden='\\:*?"<>|\n\t\x7f',
    name_max=100,
    path_max=1000,
    bytes_names=False,
    rename_dirs=False,
    hashes=frozenset(),
    metadata_fields=frozenset({"mtime_ns"}),
    mtime_precision_ns=1_000_000_000,
    part_size=MiB // 4,
    max_size=4 * MiB,
)


class TestMemory(StorageConformance):
    @pytest.fixture
    def storage(self) -> Storage:
        return Memory(f"conformance {next(_NUMBERS)}")

    @pytest.fixture
    def other(self) -> Storage:
        return Memory()

    def reopened(self, storage: Storage) -> Storage:
        return Memory(storage.identity.removeprefix("memory:"))


class TestPlainMemory(StorageConformance):
    """With the four groups of verbs and nothing else."""

    @pytest.fixture
    def storage(self) -> Storage:
        return Memory(capabilities=FULL)


class TestPoorMemory(StorageConformance):
    """Like a store that can hold little."""

    @pytest.fixture
    def storage(self) -> Storage:
        return Memory(facts=_POOR, quota=8 * MiB)


class TestPrefixMemory(StorageConformance):
    """Like an object store, where directories are only prefixes."""

    @pytest.fixture
    def storage(self) -> Storage:
        return Memory(facts=replace(Memory.facts, empty_dirs=False))


class TestFoldingMemory(StorageConformance):
    """Where capital and small letters are one."""

    @pytest.fixture
    def storage(self) -> Storage:
        return Memory(facts=replace(Memory.facts, case_sensitive=False))


def test_storages_of_one_name_hold_the_same_files() -> None:
    name = "test_storages_of_one_name_hold_the_same_files"
    Memory(name).write("file", b"x")
    assert Memory(name).stat("file").size == 1
    assert Memory(name).identity == Memory(name).identity


def test_storages_without_a_name_are_each_their_own() -> None:
    first, second = Memory(), Memory()
    first.write("file", b"x")
    assert list(second.scan("")) == []
    assert first.identity != second.identity


def test_options_name_the_space_and_its_quota() -> None:
    options = Memory.Options.parse({"space": "some", "quota": "1KiB"}, where="test")
    storage, path = Memory.open(options, "a/b")
    assert (storage.identity, path, storage.quota().total) == ("memory:some", "a/b", 1024)


def test_facts_are_those_of_a_well_behaved_store() -> None:
    assert isinstance(Memory.facts, Facts)
    assert Memory.facts.empty_dirs


def test_without_its_latest_version_a_file_is_what_it_was_before() -> None:
    storage = Memory()
    first = storage.write("file", b"first").version
    second = storage.write("file", b"second").version
    assert first is not None
    assert second is not None
    storage.versions().remove("file", second)
    assert (storage.stat("file").version, storage.stat("file").size) == (first, 5)
    storage.versions().remove("file", first)
    with pytest.raises(NotFound):
        storage.stat("file")


def test_without_the_mark_of_its_removal_a_file_is_back() -> None:
    storage = Memory()
    storage.write("file", b"first")
    storage.remove("file")
    (mark, _) = storage.versions().list("file")
    assert mark.deleted
    assert mark.entry.version is not None
    storage.versions().remove("file", mark.entry.version)
    assert storage.stat("file").size == 5


def test_a_lock_ends_with_its_time() -> None:
    clock = ManualClock()
    storage = Memory(clock=clock)
    storage.write("dir/file", b"x")
    storage.lock_object("dir/file", clock() + 10**9)
    for refused in (
        lambda: storage.remove("dir/file"),
        lambda: storage.remove_tree("dir"),
        lambda: storage.rename("dir", "other"),
        lambda: storage.trash().put("dir"),
    ):
        with pytest.raises(AccessDenied):
            refused()
    clock.advance(2)
    storage.remove("dir/file")


def test_a_cursor_older_than_the_log_says_list_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skycap.core.storage.memory.space._LOG_LENGTH", 3)
    storage = Memory()
    start = storage.changes().cursor
    for number in range(5):
        storage.write(f"file{number}", b"x")
    assert storage.changes(start).reset
    assert not storage.changes(storage.changes().cursor).reset


def test_a_link_with_other_terms_is_another_link() -> None:
    storage = Memory(clock=ManualClock())
    storage.write("file", b"x")
    shares = storage.shares()
    assert shares.create("file") == shares.create("file")
    assert shares.create("file", password="p") != shares.create("file")
    assert shares.create("file", expires_s=10).expires_at_ns == 1_700_000_010_000_000_000


def test_a_quota_that_is_used_up_can_be_raised() -> None:
    storage = Memory(quota=10)
    storage.write("a", b"12345678")
    with pytest.raises(OutOfSpace):
        storage.write("b", b"123")
    storage.write("a", b"1234567890")
    storage.set_quota(20)
    storage.write("b", b"123")
    assert storage.quota() == Quota(13, 20, 7)
