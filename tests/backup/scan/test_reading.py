"""Reading files of the source, also while they change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.backup.format import limits
from skycap.backup.scan import attributes, holes
from skycap.backup.scan.attributes import is_large, read_xattrs
from skycap.backup.scan.hardlinks import HardLinks
from skycap.backup.scan.holes import find_holes, may_have_holes
from skycap.backup.scan.owners import group_name, user_name
from skycap.backup.scan.reading import Read, SourceFile, read_steadily, read_whole
from skycap.core.testing.unprivileged import as_nobody
from tests.backup.scan.trees import make


def whole(file: SourceFile) -> bytes:
    return read_whole(file, limits.MIB)


def test_a_file_is_read_with_what_it_is(top: bytes) -> None:
    make(top, b"file", content=b"content")
    path = top + b"/file"
    os.setxattr(path, b"user.note", b"\xff")
    found = read_steadily(path, os.lstat(path), lambda file: (whole(file), file.xattrs(), file.holes()))
    assert found.value == (b"content", ((b"user.note", b"\xff"),), None)
    assert found.info.st_size == 7
    assert not found.changed


@pytest.mark.parametrize("size", [0, 1, 70_000, limits.MIB])
def test_all_bytes_are_read(top: bytes, size: int) -> None:
    content = os.urandom(size)
    make(top, b"file", content=content)
    assert read_steadily(top + b"/file", os.lstat(top + b"/file"), whole).value == content


def test_no_more_is_read_than_the_limit(top: bytes) -> None:
    make(top, b"file", content=b"1234567")
    with SourceFile(top + b"/file", os.lstat(top + b"/file")) as file:
        assert read_whole(file, 5) == b"12345"


def test_a_file_that_changes_under_the_reader_is_read_once_more(top: bytes) -> None:
    make(top, b"file", content=b"old")
    path = top + b"/file"
    reads = []

    def read(file: SourceFile) -> bytes:
        content = whole(file)
        reads.append(content)
        if len(reads) == 1:
            make(top, b"file", content=b"newer")
        return content

    found = read_steadily(path, os.lstat(path), read)
    assert reads == [b"old", b"newer"]
    assert (found.value, found.info.st_size, found.changed) == (b"newer", 5, False)


def test_a_file_that_changes_each_time_is_kept_with_a_warning(top: bytes) -> None:
    make(top, b"log", content=b"0")
    path = top + b"/log"
    count = 0

    def read(file: SourceFile) -> bytes:
        nonlocal count
        count += 1
        content = whole(file)
        with open(path, "ab") as log:
            log.write(b"more")
        return content

    found = read_steadily(path, os.lstat(path), read)
    assert count == 2
    assert found == Read(b"0more", found.info, changed=True)


def test_a_file_that_grows_while_it_is_read_is_read_to_its_end(top: bytes) -> None:
    make(top, b"file", content=b"123")
    with SourceFile(top + b"/file", os.lstat(top + b"/file")) as file:
        with open(top + b"/file", "ab") as more:
            more.write(b"45")
        assert whole(file) == b"12345"
        assert file.changed()


def test_a_file_that_took_the_name_since_it_was_listed_is_read(top: bytes) -> None:
    make(top, b"dir/file", content=b"old")
    listed = os.lstat(top + b"/dir/file")
    make(top, b"dir/new", content=b"other")
    os.rename(top + b"/dir/new", top + b"/dir/file")
    found = read_steadily(top + b"/dir/file", listed, whole)
    assert found.value == b"other"
    assert found.info.st_ino != listed.st_ino


def test_a_link_put_in_the_way_is_not_followed(top: bytes) -> None:
    make(top, b"dir/file", content=b"mine")
    make(top, b"elsewhere/file", content=b"a secret of somebody")
    listed = os.lstat(top + b"/dir/file")
    os.rename(top + b"/dir", top + b"/moved")
    os.symlink(b"elsewhere", top + b"/dir")
    with pytest.raises(OSError, match=r"Not a directory|Too many"):
        SourceFile(top + b"/dir/file", listed)
    os.unlink(top + b"/dir")
    os.mkdir(top + b"/dir")
    os.symlink(b"../elsewhere/file", top + b"/dir/file")
    with pytest.raises(OSError, match="Too many"):
        SourceFile(top + b"/dir/file", listed)


@pytest.mark.parametrize("kind", ["fifo", "directory", "nothing"])
def test_what_is_no_file_any_more_is_gone_and_nobody_waits_for_it(top: bytes, kind: str) -> None:
    make(top, b"file")
    listed = os.lstat(top + b"/file")
    os.unlink(top + b"/file")
    if kind == "fifo":
        os.mkfifo(top + b"/file")
    elif kind == "directory":
        os.mkdir(top + b"/file")
    opened = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        SourceFile(top + b"/file", listed)
    assert len(os.listdir("/proc/self/fd")) == opened


def test_times_of_access_are_left_alone(top: bytes) -> None:
    make(top, b"file")
    os.utime(top + b"/file", ns=(7, 7))
    read_steadily(top + b"/file", os.lstat(top + b"/file"), whole)
    assert os.stat(top + b"/file").st_atime_ns == 7


def test_a_file_of_somebody_else_is_read_all_the_same(open_top: bytes) -> None:
    make(open_top, b"file", content=b"theirs")
    listed = os.lstat(open_top + b"/file")
    assert as_nobody(lambda: read_steadily(open_top + b"/file", listed, whole).value) == b"theirs"
    os.chmod(open_top + b"/file", 0o000)
    with pytest.raises(PermissionError):
        as_nobody(lambda: read_steadily(open_top + b"/file", listed, whole).value)


def test_a_path_longer_than_the_system_takes_is_opened_piece_by_piece(top: bytes) -> None:
    name = 200 * b"n"
    handle = os.open(top, os.O_RDONLY)
    for _ in range(45):
        os.mkdir(name, dir_fd=handle)
        below = os.open(name, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    file = os.open(b"file", os.O_WRONLY | os.O_CREAT, dir_fd=handle)
    os.write(file, b"deep")
    listed = os.fstat(file)
    os.close(file)
    os.close(handle)
    path = top + 45 * (b"/" + name) + b"/file"
    opened = len(os.listdir("/proc/self/fd"))
    assert read_steadily(path, listed, whole).value == b"deep"
    for wrong in (path + b"/x", path.replace(name, 200 * b"m"), top + b"/" + 5_000 * b"n"):
        with pytest.raises(OSError, match=r"."):
            SourceFile(wrong, listed)
    assert len(os.listdir("/proc/self/fd")) == opened


def sparse(path: bytes, size: int, *data: int) -> None:
    with open(path, "wb") as file:
        for offset in data:
            file.seek(offset)
            file.write(4096 * b"x")
        file.truncate(size)


PAGE = 4096
holey = pytest.mark.skipif(not hasattr(os, "SEEK_HOLE"), reason="the system does not tell of holes")


@holey
@settings(max_examples=50)
@given(st.sets(st.integers(0, 40), max_size=12), st.integers(0, 5), st.booleans())
def test_holes_and_data_make_up_the_file(
    tmp_path_factory: pytest.TempPathFactory, pages: set[int], rest: int, odd: bool
) -> None:
    path = os.fsencode(tmp_path_factory.getbasetemp() / "sparse")
    size = (max(pages, default=0) + 1 + rest) * PAGE + odd * 17
    sparse(path, size, *[page * PAGE for page in pages])
    file = os.open(path, os.O_RDONLY)
    try:
        found = find_holes(file, size) or ()
        at = 0
        for offset, length in found:
            assert offset > at or at == offset == 0
            assert length > 0
            assert os.pread(file, length, offset) == bytes(length)
            at = offset + length
        assert at <= size
        covered = sum(length for _, length in found)
        # A file system may keep more than was written; it never calls a hole what holds data.
        assert covered <= size - len(pages) * PAGE
        assert os.lseek(file, 0, os.SEEK_CUR) == 0
    finally:
        os.close(file)


@holey
def test_a_file_with_holes_tells_them_and_one_without_does_not(top: bytes) -> None:
    sparse(top + b"/sparse", 8 * limits.MIB, limits.MIB)
    make(top, b"plain", content=4096 * b"x")
    with SourceFile(top + b"/sparse", os.lstat(top + b"/sparse")) as file:
        assert may_have_holes(file.info)
        assert file.holes() == ((0, limits.MIB), (limits.MIB + PAGE, 7 * limits.MIB - PAGE))
    with SourceFile(top + b"/plain", os.lstat(top + b"/plain")) as file:
        assert not may_have_holes(file.info)
        assert file.holes() is None


@holey
def test_of_very_many_holes_the_largest_are_told(top: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOLES_WRITTEN", 3)
    monkeypatch.setattr(holes, "_MOST_LOOKED_AT", 6)
    step = 64 * limits.KIB
    places = [0, 2, 10, 11, 13, 30, 40, 99]
    sparse(top + b"/sparse", 100 * step, *[place * step for place in places])
    file = os.open(top + b"/sparse", os.O_RDONLY)
    try:
        found = find_holes(file, 100 * step)
    finally:
        os.close(file)
    assert found is not None
    assert [offset // step for offset, _ in found] == [2, 13, 30]


def test_what_cannot_tell_of_holes_has_none(top: bytes) -> None:
    with open("/proc/self/status", "rb", buffering=0) as file:
        assert find_holes(file.fileno(), 10) is None
    make(top, b"empty", content=b"")
    with open(top + b"/empty", "rb") as file:
        assert find_holes(file.fileno(), 0) is None
        assert not may_have_holes(os.fstat(file.fileno()))


def test_attributes_come_in_order_and_a_link_has_its_own(top: bytes) -> None:
    make(top, b"file")
    for name in (b"user.z", b"user.a", b"user.\xff"):
        os.setxattr(top + b"/file", name, name)
    os.symlink(b"file", top + b"/link")
    wanted = ((b"user.a", b"user.a"), (b"user.z", b"user.z"), (b"user.\xff", b"user.\xff"))
    assert read_xattrs(top + b"/file") == wanted
    assert read_xattrs(top + b"/link") == ()
    assert read_xattrs(top + b"/link", follow=True) == wanted


def test_where_there_are_no_attributes_none_are_told(top: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_xattrs(b"/proc/self/status") == ()
    assert read_xattrs(top + b"/gone") == ()
    with pytest.raises(OSError, match="too long"):
        read_xattrs(top + b"/" + 300 * b"x")
    monkeypatch.setattr(attributes, "_HAS_XATTRS", False)
    assert read_xattrs(top) == ()


def test_large_values_of_attributes_are_stored_apart() -> None:
    assert not is_large(bytes(64 * 1024))
    assert is_large(bytes(64 * 1024 + 1))


def test_owners_have_names_where_the_system_knows_them() -> None:
    assert user_name(0) == b"root"
    assert group_name(0) == b"root"
    assert user_name(3_999_999_999) == group_name(3_999_999_999) == b""


def test_a_file_with_several_names_is_known_by_each_until_all_were_seen(top: bytes) -> None:
    make(top, b"a", b"alone")
    os.link(top + b"/a", top + b"/b")
    os.link(top + b"/a", top + b"/c")
    info = os.lstat(top + b"/a")
    links: HardLinks[str] = HardLinks()
    assert links.find(info) is None
    links.keep(info, "content")
    assert [links.find(info), links.find(info), links.find(info)] == ["content", "content", None]
    assert len(links) == 0
    alone = os.lstat(top + b"/alone")
    links.keep(alone, "x")
    assert links.find(alone) is None


def test_of_too_many_files_with_several_names_the_oldest_is_forgotten(tmp_path: Path) -> None:
    infos = []
    for number in range(3):
        (tmp_path / f"{number}").touch()
        os.link(tmp_path / f"{number}", tmp_path / f"{number}-again")
        infos.append(os.lstat(tmp_path / f"{number}"))
    links: HardLinks[int] = HardLinks(most=2)
    for number, info in enumerate(infos):
        links.keep(info, number)
    assert [links.find(info) for info in infos] == [None, 1, 2]
