"""The storage in memory keeps every promise, whole or with capabilities taken away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skycap.core.storage import FULL, Facts, Storage
from skycap.core.storage.memory import Memory
from skycap.core.testing import StorageConformance
from skycap.core.units import MiB

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
)


class TestMemory(StorageConformance):
    @pytest.fixture
    def storage(self) -> Storage:
        return Memory()


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
