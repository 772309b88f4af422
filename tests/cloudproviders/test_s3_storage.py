"""The verbs of an S3 storage, against a real server."""

from __future__ import annotations

import pytest

from skycap.cloudproviders.s3.storage import S3
from skycap.core.errors import Conflict, NotFound
from skycap.core.storage import IF_ABSENT, Kind, Metadata, if_version


def content(storage: S3, path: str, **arguments: object) -> bytes:
    with storage.read(path, **arguments) as reader:  # type: ignore[arg-type]
        return reader.read()


def test_what_is_written_is_read(s3: S3) -> None:
    s3.write("a/b.txt", b"hello", metadata=Metadata(mtime_ns=1_700_000_000_123_456_789))
    assert content(s3, "a/b.txt") == b"hello"
    entry = s3.stat("a/b.txt")
    assert (entry.size, entry.mtime_ns) == (5, 1_700_000_000_123_456_789)
    assert entry.hashes is not None
    assert entry.hashes["md5"] == "5d41402abc4b2a76b9719d911017c592"


def test_a_prefix_is_a_directory(s3: S3) -> None:
    s3.write("a/b.txt", b"hello")
    assert s3.stat("a").kind is Kind.DIRECTORY
    assert s3.stat("").kind is Kind.DIRECTORY
    assert [(e.path, e.kind) for e in s3.scan("")] == [("a", Kind.DIRECTORY)]
    assert [e.path for e in s3.scan_all("")] == ["a/b.txt"]


def test_a_removed_file_is_gone(s3: S3) -> None:
    s3.write("a", b"1")
    s3.remove("a")
    s3.remove("a")
    with pytest.raises(NotFound):
        s3.stat("a")


def test_a_condition_that_does_not_hold_is_a_conflict(s3: S3) -> None:
    first = s3.write("a", b"1", condition=IF_ABSENT)
    with pytest.raises(Conflict):
        s3.write("a", b"2", condition=IF_ABSENT)
    assert first.version is not None
    second = s3.write("a", b"2", condition=if_version(first.version))
    with pytest.raises(Conflict):
        s3.write("a", b"3", condition=if_version(first.version))
    assert content(s3, "a") == b"2"
    assert second.version is not None
    with pytest.raises(Conflict):
        s3.remove("a", condition=if_version(first.version))
    s3.remove("a", condition=if_version(second.version))
