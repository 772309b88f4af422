"""Bytes that arrive wrong are told, in both directions, and what is wrong does not stay."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import AccessDenied, Conflict, IntegrityError, NotFound, Unsupported
from skycap.core.storage import BinaryReader, Capability, Entry, LocalFile
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays import Hashed

DATA = bytes(range(256)) * 20
SHA256 = hashlib.sha256(DATA).hexdigest()


class Spoiling(Memory):
    """Changes bytes on the way in, on the way out, or both."""

    spoils_writes = False
    spoils_reads = False
    tells_entry = True

    def write(self, path: str, source: Any, **kwargs: Any) -> Entry:
        if self.spoils_writes:
            from skycap.core.storage.source import opened

            with opened(source) as reader:
                source = spoil(reader.read())
        return super().write(path, source, **kwargs)

    def read(self, path: str, **kwargs: Any) -> Any:
        return self._spoiled(super().read(path, **kwargs))

    @contextmanager
    def _spoiled(self, found: Any) -> Iterator[BinaryReader]:
        with found as reader:
            data = reader.read()
            other: Any = io.BytesIO(spoil(data) if self.spoils_reads else data)
            yield With(other, reader.entry if self.tells_entry else None)

    def read_file(self, path: str, local: str, *, version: str | None = None) -> Entry:
        entry = super().read_file(path, local, version=version)
        if self.spoils_reads:
            Path(local).write_bytes(spoil(Path(local).read_bytes()))
        return entry


class With:
    def __init__(self, reader: BinaryReader, entry: Entry | None) -> None:
        self._reader = reader
        if entry is not None:
            self.entry = entry

    def read(self, size: int = -1, /) -> bytes:
        return self._reader.read(size)


def spoil(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def sources(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "f").write_bytes(DATA)

    class Again:
        @contextmanager
        def open(self) -> Iterator[BinaryReader]:
            yield io.BytesIO(DATA)

    return {
        "bytes": DATA,
        "path": tmp_path / "f",
        "local file": LocalFile(str(tmp_path / "f")),
        "stream": io.BytesIO(DATA),
        "again": Again(),
    }


KINDS = ["bytes", "path", "local file", "stream", "again"]


@pytest.fixture
def inner() -> Spoiling:
    return Spoiling()


@pytest.mark.parametrize("kind", KINDS)
def test_what_arrives_right_comes_with_its_hash(inner: Spoiling, tmp_path: Path, kind: str) -> None:
    entry = Hashed(inner).write("a", sources(tmp_path)[kind])
    assert entry.hashes is not None
    assert entry.hashes["sha256"] == SHA256


@pytest.mark.parametrize("kind", KINDS)
def test_what_arrives_wrong_is_told_and_removed(inner: Spoiling, tmp_path: Path, kind: str) -> None:
    inner.spoils_writes = True
    with pytest.raises(IntegrityError, match="sha256"):
        Hashed(inner).write("a", sources(tmp_path)[kind])
    with pytest.raises(NotFound):
        inner.stat("a")


def test_what_somebody_else_put_there_since_is_left(inner: Spoiling) -> None:
    class Busy(Spoiling):
        tells_hashes = True

        def write(self, path: str, source: Any, **kwargs: Any) -> Entry:
            entry = super().write(path, source, **kwargs)
            Memory.write(self, path, b"theirs")
            return entry._replace(hashes={"sha256": "0" * 64} if self.tells_hashes else None)

    busy = Busy()
    busy.spoils_writes = True
    with pytest.raises(IntegrityError) as caught:
        Hashed(busy).write("a", DATA)
    assert "Somebody else" in (caught.value.hint or "")
    busy.tells_hashes = False
    Hashed(busy).write("a", DATA)
    assert busy.stat("a").size == 6


def test_what_cannot_be_removed_is_told_to_be_still_there(inner: Spoiling) -> None:
    class Stuck(Spoiling):
        def remove(self, path: str, **kwargs: Any) -> None:
            raise AccessDenied("nothing is removed here")

    stuck = Stuck()
    stuck.spoils_writes = True
    with pytest.raises(IntegrityError) as caught:
        Hashed(stuck).write("a", DATA)
    assert "still there" in (caught.value.hint or "")


def test_a_write_that_is_tried_again_below_is_hashed_once(inner: Spoiling) -> None:
    class Twice(Memory):
        def write(self, path: str, source: Any, **kwargs: Any) -> Entry:
            with source.open() as reader:
                reader.read(100)
            return super().write(path, source, **kwargs)

    class Again:
        @contextmanager
        def open(self) -> Iterator[BinaryReader]:
            yield io.BytesIO(DATA)

    entry = Hashed(Twice()).write("a", Again())
    assert (entry.hashes or {})["sha256"] == SHA256


@pytest.mark.parametrize("tells_entry", [True, False])
@pytest.mark.parametrize("step", [1000, len(DATA), -1])
def test_what_is_read_wrong_is_told_before_its_end(inner: Spoiling, step: int, tells_entry: bool) -> None:
    inner.write("a", DATA)
    inner.spoils_reads, inner.tells_entry = True, tells_entry
    got = b""
    with Hashed(inner).read("a") as reader:
        if step == 1000:
            got = reader.read(1000)
        with pytest.raises(IntegrityError):
            reader.read(-1 if step < 0 else len(DATA))
    assert len(got) < len(DATA)


@pytest.mark.parametrize("tells_entry", [True, False])
def test_what_is_read_right_comes_whole(inner: Spoiling, tells_entry: bool) -> None:
    inner.tells_entry = tells_entry
    for content in (DATA, b"", b"x"):
        inner.write("a", content)
        with Hashed(inner).read("a") as reader:
            assert b"".join(iter(lambda: reader.read(1000), b"")) == content


def test_a_part_of_a_file_is_not_judged(inner: Spoiling) -> None:
    inner.write("a", DATA)
    with Hashed(inner).read("a", offset=10, length=5) as reader:
        assert reader.read() == DATA[10:15]


def test_a_file_that_changes_while_it_is_read_is_not_called_damaged(inner: Spoiling) -> None:
    inner.write("a", DATA)
    inner.spoils_reads = True
    with Hashed(inner).read("a") as reader:
        reader.read(10)
        inner.write("a", b"new")
        with pytest.raises(Conflict, match="changed") as caught:
            reader.read()
    assert caught.value.retryable


def test_a_local_file_that_was_filled_wrong_is_told(inner: Spoiling, tmp_path: Path) -> None:
    inner.write("a", DATA)
    local = tmp_path / "out"
    local.write_bytes(b"")
    Hashed(inner).read_file("a", str(local))
    assert local.read_bytes() == DATA
    inner.spoils_reads = True
    local.write_bytes(b"")
    with pytest.raises(IntegrityError):
        Hashed(inner).read_file("a", str(local))


def test_a_store_that_knows_no_hashes_is_left_untouched(tmp_path: Path) -> None:
    storage = Hashed(Local(tmp_path))
    assert storage.kinds == ()
    assert storage.can(Capability.LOCAL_PATH)
    assert not storage.write("a", DATA).hashes


def test_kinds_can_be_asked_for(tmp_path: Path) -> None:
    entry = Hashed(Local(tmp_path), ("md5", "crc32")).write("a", DATA)
    assert entry.hashes is not None
    assert entry.hashes["md5"] == hashlib.md5(DATA).hexdigest()
    with pytest.raises(Unsupported, match="rot13"):
        Hashed(Local(tmp_path), ("rot13",))
