"""Promises about reading and looking."""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import pytest

from skycap.core.crypto.hashing import new_hasher
from skycap.core.errors import Error, NotFound
from skycap.core.storage import Capability, Kind, Storage
from skycap.core.testing.conformance.base import (
    ConformanceBase,
    content_of,
    listed,
    needs,
    needs_dirs,
    needs_full,
    noise,
)
from skycap.core.units import MiB


class ReadingPromises(ConformanceBase):
    """What `stat` and `read` promise."""

    @pytest.mark.parametrize("size", [0, 1, 4095, 65537, MiB + 1])
    def test_reading_gives_back_what_was_written(self, storage: Storage, size: int) -> None:
        needs(storage, Capability.READ)
        path = self.put(storage, "dir/file", noise(size))
        assert content_of(storage, path) == noise(size)

    def test_reading_at_once_and_in_pieces_give_the_same(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        path = self.put(storage, "file", noise(100_000))
        with storage.read(path) as reader:
            at_once = reader.read()
        with storage.read(path) as reader:
            pieces = list(iter(lambda: reader.read(777), b""))
        assert at_once == b"".join(pieces) == noise(100_000)
        assert max(map(len, pieces)) <= 777

    def test_the_end_of_a_stream_stays_the_end(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        with storage.read(self.put(storage, "file", b"abc")) as reader:
            assert b"".join(iter(lambda: reader.read(10), b"")) == b"abc"
            assert [reader.read(10), reader.read(), reader.read(0)] == [b"", b"", b""]

    @pytest.mark.parametrize("offset", [0, 1, 5, 9])
    @pytest.mark.parametrize("length", [None, 1, 3, 5, 10])
    def test_a_range_is_just_those_bytes(self, storage: Storage, offset: int, length: int | None) -> None:
        needs(storage, Capability.READ)
        path = self.put(storage, "file", b"0123456789")
        end = None if length is None else offset + length
        with storage.read(path, offset=offset, length=length) as reader:
            assert b"".join(iter(lambda: reader.read(4), b"")) == b"0123456789"[offset:end]
        with storage.read(path, offset=offset, length=length) as reader:
            assert reader.read() == b"0123456789"[offset:end]

    @pytest.mark.parametrize("offset", [10, 11, 10_000])
    @pytest.mark.parametrize("length", [None, 0, 5])
    def test_a_range_past_the_end_is_empty(self, storage: Storage, offset: int, length: int | None) -> None:
        needs(storage, Capability.READ)
        path = self.put(storage, "file", b"0123456789")
        with storage.read(path, offset=offset, length=length) as reader:
            assert reader.read() == b""

    def test_a_range_of_no_bytes_is_empty(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        path = self.put(storage, "file", b"0123456789")
        for offset in (0, 4):
            with storage.read(path, offset=offset, length=0) as reader:
                assert reader.read() == b""

    def test_every_range_of_an_empty_file_is_empty(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        path = self.put(storage, "file", b"")
        for offset, length in ((0, None), (0, 0), (0, 5), (3, None), (3, 2)):
            with storage.read(path, offset=offset, length=length) as reader:
                assert reader.read() == b""

    def test_a_stream_can_be_left_before_its_end(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        path = self.put(storage, "file", noise(2 * MiB))
        for _ in range(3):
            with storage.read(path) as reader:
                assert noise(2 * MiB).startswith(reader.read(10))
        assert content_of(storage, path) == noise(2 * MiB)

    @pytest.mark.parametrize("path", ["absent", "absent/below", "file/below"])
    def test_what_is_absent_cannot_be_read(self, storage: Storage, path: str) -> None:
        needs(storage, Capability.READ)
        self.put(storage, "file", b"x")
        with pytest.raises(NotFound), storage.read(path) as reader:
            reader.read(1)

    @pytest.mark.parametrize("path", ["absent", "absent/below", "file/below"])
    def test_a_look_at_what_is_absent_is_not_found(self, storage: Storage, path: str) -> None:
        needs(storage, Capability.READ)
        self.put(storage, "file", b"x")
        with pytest.raises(NotFound):
            storage.stat(path)

    def test_a_directory_cannot_be_read(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        self.put(storage, "dir/file", b"x")
        with pytest.raises(Error), storage.read("dir") as reader:
            reader.read(1)

    def test_the_root_is_a_directory(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        self.put(storage, "file", b"x")
        entry = storage.stat("")
        assert (entry.path, entry.kind, entry.size) == ("", Kind.DIRECTORY, None)

    def test_a_look_tells_kind_and_size(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        path = self.put(storage, "dir/file", b"12345")
        entry = storage.stat(path)
        assert (entry.path, entry.kind, entry.size) == (path, Kind.FILE, 5)
        empty = storage.stat(self.put(storage, "dir/empty", b""))
        assert (empty.kind, empty.size) == (Kind.FILE, 0)

    def test_a_look_at_a_directory_says_so(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        needs_dirs(storage)
        self.put(storage, "dir/sub/file", b"12345")
        for path in ("dir", "dir/sub"):
            assert (storage.stat(path).path, storage.stat(path).kind) == (path, Kind.DIRECTORY)

    def test_a_version_stays_while_the_content_does(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        path = self.put(storage, "file", b"one")
        first = storage.stat(path).version
        assert content_of(storage, path) == b"one"
        assert storage.stat(path).version == first
        if storage.can(Capability.LIST) and "version" in storage.facts.scan_fields:
            assert listed(storage)[path].version == first

    def test_a_version_changes_with_the_content(self, storage: Storage) -> None:
        needs_full(storage)
        versions = []
        for content in (b"one", b"two", b"one!", b"one"):
            written = storage.write("file", content)
            versions.append(storage.stat("file").version)
            assert written.version in {None, versions[-1]}
        if versions[0] is None:
            assert versions == [None] * 4
            assert "version" not in storage.facts.scan_fields
        else:
            assert all(a != b for a, b in itertools.pairwise(versions))

    def test_the_hashes_declared_are_right(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        for size in (0, 100_000):
            path = self.put(storage, "file", noise(size))
            known = storage.stat(path).hashes or {}
            assert storage.facts.hashes <= set(known)
            for kind, digest in known.items():
                hasher = new_hasher(kind)
                hasher.update(noise(size))
                assert digest == hasher.hexdigest(), kind

    def test_what_a_reader_tells_of_the_file_is_so(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        path = self.put(storage, "file", b"12345")
        with storage.read(path, offset=1, length=2) as reader:
            told = getattr(reader, "entry", None)
            assert reader.read() == b"23"
        seen = storage.stat(path)
        if told is not None:
            assert (told.path, told.kind, told.size) == (path, Kind.FILE, 5)
            assert told.version in {None, seen.version}

    def test_a_reader_never_sees_a_mix_of_old_and_new(self, storage: Storage) -> None:
        needs_full(storage)
        old, new = b"o" * (3 * MiB), b"n" * (3 * MiB)
        storage.write("file", old)
        with storage.read("file") as reader:
            seen = reader.read(1000)
            storage.write("file", new)
            try:
                seen += b"".join(iter(lambda: reader.read(MiB), b""))
            except Error:
                return  # it says that the file changed, which is honest
        assert seen == old

    def test_whoever_reads_while_others_write_sees_old_or_new(self, storage: Storage) -> None:
        needs_full(storage)
        states = [bytes([value]) * 50_000 for value in b"ab"]
        storage.write("file", states[0])
        failures: list[BaseException] = []

        def write() -> None:
            try:
                for turn in range(20):
                    storage.write("file", states[turn % 2])
            except BaseException as error:  # noqa: BLE001 - carried to the test's own thread
                failures.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        while writer.is_alive():
            assert content_of(storage, "file") in states
            assert storage.stat("file").size == 50_000
        writer.join()
        assert failures == []

    def test_a_file_can_be_fetched_into_a_local_one(self, storage: Storage, tmp_path: Path) -> None:
        needs(storage, Capability.READ, Capability.READ_FILE)
        for size in (0, 10, MiB + 3):
            path = self.put(storage, "file", noise(size))
            local = tmp_path / f"local {size}"
            local.touch()
            entry = storage.read_file(path, str(local))
            assert local.read_bytes() == noise(size)
            assert (entry.path, entry.size) == (path, size)
        with pytest.raises(NotFound):
            storage.read_file("absent", str(local))

    def test_a_range_can_be_fetched_to_its_place_in_a_local_file(
        self, storage: Storage, tmp_path: Path
    ) -> None:
        needs(storage, Capability.READ, Capability.READ_FILE)
        size = 3 * MiB + 5
        path = self.put(storage, "file", noise(size))
        local = tmp_path / "local"
        local.write_bytes(b"." * size)
        expected = bytearray(b"." * size)
        for offset, length in ((MiB, MiB + 1), (size - 7, 7), (0, 1), (5, 0)):
            entry = storage.read_file(path, str(local), offset=offset, length=length)
            expected[offset : offset + length] = noise(size)[offset : offset + length]
            assert local.read_bytes() == expected
            assert (entry.path, entry.size) == (path, size)

    def test_an_old_version_can_be_read(self, storage: Storage) -> None:
        needs_full(storage, Capability.READ_VERSION)
        first = storage.write("file", b"first").version
        second = storage.write("file", b"second").version
        assert first is not None
        assert second is not None
        assert content_of(storage, "file", version=first) == b"first"
        assert content_of(storage, "file", version=second) == b"second"
        assert content_of(storage, "file") == b"second"

    def test_the_local_path_leads_to_the_same_bytes(self, storage: Storage) -> None:
        needs(storage, Capability.READ, Capability.LOCAL_PATH)
        path = self.put(storage, "dir/file", b"12345")
        assert Path(storage.local_path(path)).read_bytes() == b"12345"
