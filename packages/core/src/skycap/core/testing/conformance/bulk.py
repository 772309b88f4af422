"""Promises about writing many small local files at once."""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from skycap.core.errors import Error, NotFound, PathInvalid
from skycap.core.storage import BulkWriter, Capability, Entry, Metadata, Storage
from skycap.core.testing.conformance.base import (
    ConformanceBase,
    content_of,
    is_there,
    listed,
    needs,
    needs_full,
    noise,
)

_MTIME = 1_500_000_000_000_000_000


@contextmanager
def _bulk(storage: Storage, *, metadata: bool = True) -> Iterator[BulkWriter]:
    writer = storage.bulk_write(metadata=metadata)
    try:
        yield writer
    finally:
        writer.close()
        writer.close()


def _local(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    os.utime(path, ns=(_MTIME, _MTIME))
    return str(path)


class BulkPromises(ConformanceBase):
    """What `bulk_read` and `bulk_write` promise."""

    def test_a_bulk_of_files_is_read(self, storage: Storage) -> None:
        needs(storage, Capability.READ, Capability.BULK_READ)
        sizes = (0, 1, 4096, 70_000)
        wanted = [self.put(storage, f"dir {n % 2}/{n} é 🙂", noise(size)) for n, size in enumerate(sizes)]
        reader = storage.bulk_read()
        try:
            answers = list(reader.get([*wanted, "absent", "dir 0", "../out"], 70_000))
            assert list(reader.get([], 1)) == []
            (refused,) = reader.get([wanted[2]], 4095)
        finally:
            reader.close()
            reader.close()
        assert all(isinstance(answer, Error) for answer in [*answers[4:], refused])
        for path, size, answer in zip(wanted, sizes, answers, strict=False):
            assert not isinstance(answer, Error)
            content, entry = answer
            assert bytes(content) == noise(size)
            known = storage.stat(path)
            assert (entry.path, entry.size, entry.version) == (path, size, known.version)
            assert (entry.mtime_ns, entry.metadata) == (known.mtime_ns, known.metadata)

    def test_a_bulk_of_files_arrives(self, storage: Storage, tmp_path: Path) -> None:
        needs_full(storage, Capability.BULK_WRITE)
        contents = {
            f"dir {n % 3}/{n} é 🙂": noise(size) for n, size in enumerate([0, 1, 4096, 70_000, 1_500_000])
        }
        files = [
            (path, _local(tmp_path, str(n), content), len(content) if n % 2 else None)
            for n, (path, content) in enumerate(contents.items())
        ]
        with _bulk(storage) as writer:
            assert list(writer.write(files)) == [None] * len(files)
            assert list(writer.write([])) == []
        for path, content in contents.items():
            assert content_of(storage, path) == content

    @pytest.mark.parametrize("metadata", [True, False])
    def test_a_bulk_takes_metadata_from_the_local_files(
        self, storage: Storage, tmp_path: Path, metadata: bool
    ) -> None:
        needs_full(storage, Capability.BULK_WRITE)
        local = _local(tmp_path, "local", b"x")
        os.chmod(local, 0o740)
        with _bulk(storage, metadata=metadata) as writer:
            assert list(writer.write([("file", local, 1)])) == [None]
        entry = storage.stat("file")
        if "mtime_ns" in storage.facts.metadata_fields:
            assert entry.mtime_ns == _MTIME
        if "mode" in storage.facts.metadata_fields:
            assert entry.metadata is not None
            assert (entry.metadata.mode == 0o740) == metadata

    def test_one_bad_file_does_not_stop_a_bulk(self, storage: Storage, tmp_path: Path) -> None:
        needs_full(storage, Capability.BULK_WRITE)
        storage.write("kept", b"old")
        good = _local(tmp_path, "good", b"12345")
        os.symlink(good, tmp_path / "link")
        os.mkfifo(tmp_path / "pipe")
        files: list[tuple[str, str, int | None]] = [
            ("first", good, 5),
            ("absent", str(tmp_path / "absent"), None),
            ("../out", good, 5),
            ("link", str(tmp_path / "link"), None),
            ("pipe", str(tmp_path / "pipe"), None),
            ("folder", str(tmp_path), None),
            ("kept", good, 6),
            ("kept", good, 4),
            ("last", good, 5),
        ]
        with _bulk(storage) as writer:
            answers = dict(enumerate(writer.write(files)))
        assert answers[0] is answers[8] is None
        assert isinstance(answers[1], NotFound)
        assert isinstance(answers[2], PathInvalid)
        assert all(isinstance(answers[n], Error) for n in range(3, 8))
        assert content_of(storage, "kept") == b"old"
        assert content_of(storage, "first") == content_of(storage, "last") == b"12345"
        assert sorted(listed(storage)) == ["first", "kept", "last"]

    def test_a_bulk_replaces_files_and_no_directory(self, storage: Storage, tmp_path: Path) -> None:
        needs_full(storage, Capability.BULK_WRITE)
        storage.write("file", b"old and longer")
        storage.write("dir/file", b"x")
        local = _local(tmp_path, "local", b"new")
        with _bulk(storage) as writer:
            first, second = writer.write([("file", local, 3), ("dir", local, 3)])
        assert first is None
        assert content_of(storage, "file") == b"new"
        assert content_of(storage, "dir/file") == b"x"
        if storage.facts.empty_dirs:
            assert isinstance(second, Error)

    def test_a_bulk_of_contents_arrives(self, storage: Storage) -> None:
        needs_full(storage, Capability.BULK_WRITE)
        storage.write("kept/x", b"old")
        metadata = Metadata(mtime_ns=_MTIME)
        with _bulk(storage) as writer:
            answers = list(
                writer.put(
                    [
                        ("dir/a é", noise(70_000), metadata),
                        ("empty", b"", None),
                        ("../out", b"x", metadata),
                        ("kept/x", b"new", metadata),
                    ]
                )
            )
            assert list(writer.put([])) == []
        assert isinstance(answers.pop(2), PathInvalid)
        for path, content, answer in zip(
            ("dir/a é", "empty", "kept/x"), (noise(70_000), b"", b"new"), answers, strict=True
        ):
            assert isinstance(answer, Entry)
            assert (answer.path, answer.size, answer.version) == (
                path,
                len(content),
                storage.stat(path).version,
            )
            assert content_of(storage, path) == content
        if "mtime_ns" in storage.facts.metadata_fields:
            assert storage.stat("kept/x").mtime_ns == _MTIME
        assert sorted(listed(storage)) == ["dir", "empty", "kept"]

    def test_a_bulk_of_contents_replaces_no_directory(self, storage: Storage) -> None:
        needs_full(storage, Capability.BULK_WRITE)
        storage.write("dir/file", b"x")
        with _bulk(storage) as writer:
            (answer,) = writer.put([("dir", b"new", None)])
        assert content_of(storage, "dir/file") == b"x"
        if storage.facts.empty_dirs:
            assert isinstance(answer, Error)

    def test_threads_may_share_a_bulk(self, storage: Storage, tmp_path: Path) -> None:
        needs_full(storage, Capability.BULK_WRITE)
        locals_ = [_local(tmp_path, str(n), noise(n)) for n in range(40)]
        batches: list[list[tuple[str, str, int | None]]] = [
            [(f"dir/{n}", locals_[n], n) for n in range(start, start + 5)] for start in range(0, 40, 5)
        ]
        with _bulk(storage) as writer, ThreadPoolExecutor(4) as executor:
            answers = [answer for batch in executor.map(writer.write, batches) for answer in batch]
        assert answers == [None] * 40
        assert not is_there(storage, "dir/40")
        for n in range(40):
            assert content_of(storage, f"dir/{n}") == noise(n)
