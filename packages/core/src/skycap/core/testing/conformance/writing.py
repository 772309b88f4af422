"""Promises about writing and removing: all or nothing."""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.core.errors import (
    AccessDenied,
    Conflict,
    DownloadFailed,
    Error,
    IntegrityError,
    NotFound,
    Timeout,
    UploadFailed,
)
from skycap.core.storage import Capability, Kind, Source, Storage
from skycap.core.testing.conformance.base import (
    ConformanceBase,
    content_of,
    is_there,
    listed,
    needs,
    needs_dirs,
    needs_full,
    noise,
    same_as_look,
)
from skycap.core.testing.conformance.sources import SOURCES, Again, Breaking, SourceBroke, Stream
from skycap.core.units import MiB

_LARGE = 3 * MiB + 7

# How a source can fail: the source, the size it is said to have, and what must come of it.
_FAILURES: dict[str, tuple[Callable[[], Source], int | None, type[Exception]]] = {
    "raises at once": (lambda: Breaking(b""), None, SourceBroke),
    "raises half-way": (lambda: Breaking(noise(1000)), None, SourceBroke),
    "raises late": (lambda: Breaking(noise(_LARGE)), None, SourceBroke),
    "raises half-way of a known size": (lambda: Breaking(noise(1000)), 2000, SourceBroke),
    "raises late of a known size": (lambda: Breaking(noise(_LARGE)), _LARGE + 1, SourceBroke),
    "ends early": (lambda: Stream(noise(1000)), 1001, UploadFailed),
    "ends at once": (lambda: Stream(b""), 1, UploadFailed),
    "ends early and is large": (lambda: Stream(noise(_LARGE)), _LARGE + 1, UploadFailed),
    "is too long": (lambda: Stream(noise(1001)), 1000, UploadFailed),
    "is too long for nothing": (lambda: Stream(b"x"), 0, UploadFailed),
    "is too long and large": (lambda: Stream(noise(_LARGE)), _LARGE - 1, UploadFailed),
    "is other bytes than said": (lambda: noise(10), 11, UploadFailed),
    "is more bytes than said": (lambda: noise(10), 9, UploadFailed),
    "ends early and can be opened again": (lambda: Again(noise(10)), 11, UploadFailed),
    "is absent": (lambda: Path("/absent/source/of/nothing"), None, NotFound),
}


class WritingPromises(ConformanceBase):
    """What `write`, `make_dir` and `remove` promise."""

    @pytest.mark.parametrize("kind", SOURCES)
    @pytest.mark.parametrize("size", [0, 1, 70_000, _LARGE])
    def test_every_kind_of_source_arrives(
        self, storage: Storage, tmp_path: Path, kind: str, size: int
    ) -> None:
        needs(storage, Capability.WRITE)
        entry = storage.write("dir/file", SOURCES[kind](noise(size), tmp_path), size=size)
        assert (entry.kind, entry.size) == (Kind.FILE, size)
        if storage.can(Capability.READ):
            assert content_of(storage, entry.path) == noise(size)

    @pytest.mark.parametrize("kind", SOURCES)
    def test_a_source_of_unknown_size_arrives(self, storage: Storage, tmp_path: Path, kind: str) -> None:
        needs(storage, Capability.WRITE, Capability.READ)
        if storage.facts.needs_size:
            pytest.skip("needs the size")
        for size in (0, 5, _LARGE):
            entry = storage.write("dir/file", SOURCES[kind](noise(size), tmp_path))
            assert entry.size == size
            assert content_of(storage, entry.path) == noise(size)

    def test_a_source_that_was_opened_is_closed(self, storage: Storage) -> None:
        needs(storage, Capability.WRITE)
        source = Again(b"12345")
        storage.write("file", source, size=5)
        assert source.opened == source.closed >= 1

    def test_what_a_write_answers_is_what_a_look_tells(self, storage: Storage) -> None:
        needs(storage, Capability.WRITE, Capability.READ)
        entry = storage.write("dir/file", b"12345", size=5)
        assert storage.facts.names_on_write or entry.path == "dir/file"
        same_as_look(storage, entry)

    def test_a_write_replaces_all_of_the_old_content(self, storage: Storage) -> None:
        needs_full(storage)
        for size in (100_000, 10, 0, 2 * MiB, 3):
            storage.write("file", noise(size, 1), size=size)
            assert content_of(storage, "file") == noise(size, 1)
            assert storage.stat("file").size == size
        assert list(listed(storage)) == ["file"]

    @pytest.mark.parametrize("failure", _FAILURES)
    @pytest.mark.parametrize("old", [None, b"the old content"])
    def test_a_failed_write_leaves_nothing(self, storage: Storage, failure: str, old: bytes | None) -> None:
        needs_full(storage)
        make, size, error = _FAILURES[failure]
        if size is None and storage.facts.needs_size:
            pytest.skip("needs the size")
        if old is not None:
            storage.write("dir/file", old)
        with pytest.raises(error):
            storage.write("dir/file", make(), size=size)
        if old is None:
            assert not is_there(storage, "dir/file")
            assert not is_there(storage, "dir") or not listed(storage, "dir")
        else:
            assert content_of(storage, "dir/file") == old
            assert list(listed(storage, "dir")) == ["dir/file"]
        if storage.can(Capability.CLEANUP):
            assert list(storage.cleanup(older_than_s=0, dry_run=True)) == []

    @pytest.mark.parametrize("kind", [NotFound, AccessDenied, Timeout, DownloadFailed, IntegrityError])
    def test_an_error_of_the_source_comes_through(self, storage: Storage, kind: type[Error]) -> None:
        needs(storage, Capability.WRITE)
        error = kind("the source is another store", where="elsewhere:file")
        with pytest.raises(kind) as caught:
            storage.write("file", Breaking(b"123", error), size=10)
        assert caught.value.where == "elsewhere:file"
        assert caught.value.__cause__ is not caught.value, "whoever follows the causes never comes to an end"

    def test_a_write_makes_the_parents(self, storage: Storage) -> None:
        needs_full(storage)
        storage.write("one/two/three/file", b"x")
        for path, below in (("", "one"), ("one", "one/two"), ("one/two", "one/two/three")):
            assert {p: e.kind for p, e in listed(storage, path).items()} == {below: Kind.DIRECTORY}

    def test_a_directory_is_never_replaced_by_a_file(self, storage: Storage) -> None:
        needs_full(storage)
        needs_dirs(storage)
        storage.write("dir/file", b"x")
        storage.make_dir("empty")
        for path in ("dir", "empty"):
            with pytest.raises(Conflict):
                storage.write(path, b"y")
            assert storage.stat(path).is_dir
        assert content_of(storage, "dir/file") == b"x"
        assert sorted(listed(storage)) == ["dir", "empty"]

    def test_nothing_is_written_below_a_file(self, storage: Storage) -> None:
        needs_full(storage)
        needs_dirs(storage)
        storage.write("file", b"x")
        for path in ("file/below", "file/far/below"):
            with pytest.raises(Conflict):
                storage.write(path, b"y")
            with pytest.raises(Conflict):
                storage.make_dir(path)
        assert content_of(storage, "file") == b"x"

    def test_the_root_cannot_be_written(self, storage: Storage) -> None:
        needs(storage, Capability.WRITE)
        with pytest.raises(Error):
            storage.write("", b"x")

    def test_a_directory_is_made_with_its_parents(self, storage: Storage) -> None:
        needs_full(storage)
        storage.make_dir("one/two/three")
        if storage.facts.empty_dirs:
            assert storage.stat("one/two/three").is_dir
            assert list(listed(storage, "one/two")) == ["one/two/three"]
            assert listed(storage, "one/two/three") == {}
        storage.write("one/two/three/file", b"x")
        assert list(listed(storage, "one/two/three")) == ["one/two/three/file"]

    def test_making_a_directory_that_is_there_is_success(self, storage: Storage) -> None:
        needs_full(storage)
        storage.write("dir/file", b"x")
        for path in ("dir", "new", "new", ""):
            storage.make_dir(path)
        assert content_of(storage, "dir/file") == b"x"

    def test_a_directory_does_not_replace_a_file(self, storage: Storage) -> None:
        needs_full(storage)
        needs_dirs(storage)
        storage.write("file", b"x")
        with pytest.raises(Conflict):
            storage.make_dir("file")
        assert content_of(storage, "file") == b"x"

    def test_of_two_writers_one_wins_whole(self, storage: Storage) -> None:
        needs_full(storage)
        contents = [bytes([65 + number]) * 200_000 for number in range(4)]
        failures: list[BaseException] = []
        start = threading.Barrier(len(contents))

        def write(content: bytes) -> None:
            try:
                start.wait()
                storage.write("dir/file", Stream(content, 5000), size=len(content))
            except BaseException as error:  # noqa: BLE001 - carried to the test's own thread
                failures.append(error)

        threads = [threading.Thread(target=write, args=(content,)) for content in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert content_of(storage, "dir/file") in contents
        assert list(listed(storage, "dir")) == ["dir/file"]

    def test_what_was_removed_is_gone(self, storage: Storage) -> None:
        needs_full(storage)
        storage.write("dir/file", b"x")
        storage.write("dir/file2", b"y")
        storage.remove("dir/file")
        assert not is_there(storage, "dir/file")
        assert list(listed(storage, "dir")) == ["dir/file2"]
        with pytest.raises(NotFound), storage.read("dir/file") as reader:
            reader.read(1)

    @pytest.mark.parametrize("path", ["file", "absent", "absent/below", "other/below"])
    def test_removing_what_is_absent_is_success(self, storage: Storage, path: str) -> None:
        needs_full(storage)
        storage.write("file", b"x")
        storage.write("other", b"y")
        storage.remove("file")
        storage.remove(path)
        assert content_of(storage, "other") == b"y"

    def test_a_full_directory_is_not_removed(self, storage: Storage) -> None:
        needs_full(storage)
        needs_dirs(storage)
        storage.write("dir/file", b"x")
        with pytest.raises(Conflict):
            storage.remove("dir")
        assert content_of(storage, "dir/file") == b"x"

    def test_removing_a_prefix_removes_no_file(self, storage: Storage) -> None:
        needs_full(storage)
        if storage.facts.empty_dirs:
            pytest.skip("directories are real")
        storage.write("dir/file", b"x")
        with contextlib.suppress(Conflict):
            storage.remove("dir")
        assert content_of(storage, "dir/file") == b"x"

    def test_an_empty_directory_is_removed(self, storage: Storage) -> None:
        needs_full(storage)
        needs_dirs(storage)
        storage.make_dir("dir/sub")
        storage.remove("dir/sub")
        assert not is_there(storage, "dir/sub")
        assert storage.stat("dir").is_dir

    def test_a_directory_outlives_its_last_file(self, storage: Storage) -> None:
        needs_full(storage)
        storage.write("dir/file", b"x")
        storage.remove("dir/file")
        assert is_there(storage, "dir") == storage.facts.empty_dirs

    def test_the_largest_file_is_kept_and_a_larger_one_refused(self, storage: Storage) -> None:
        needs_full(storage)
        most = storage.facts.max_size
        if most is None or most > 16 * MiB:
            pytest.skip("there is no limit that a test could reach")
        storage.write("file", noise(most), size=most)
        assert storage.stat("file").size == most
        for size in (most + 1, None):
            if size is not None or not storage.facts.needs_size:
                with pytest.raises(Error):
                    storage.write("larger", Stream(noise(most + 1)), size=size)
                assert not is_there(storage, "larger")

    def test_a_full_quota_is_told_as_such(self, storage: Storage) -> None:
        needs_full(storage, Capability.QUOTA)
        quota = storage.quota()
        if quota.free is None or quota.free > 16 * MiB:
            pytest.skip("there is too much room to fill it")
        with pytest.raises(Error) as caught:
            storage.write("file", noise(quota.free + 1))
        assert caught.value.exit_status == 29
        assert not is_there(storage, "file")
