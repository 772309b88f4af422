"""What is special about the files of a machine: holes, modes, attributes, pipes, names of bytes."""

from __future__ import annotations

import errno
import os
import socket
import stat as stat_module
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import (
    Conflict,
    Error,
    NotFound,
    Unsupported,
    UploadFailed,
)
from skycap.core.storage import Capability, Entry, Kind, LocalFile, Metadata
from skycap.core.storage.local import Local, probe
from skycap.core.storage.local import bytes as local_bytes
from skycap.core.testing.conformance.base import content_of
from skycap.core.testing.unprivileged import NOBODY, as_nobody
from skycap.core.units import MiB

_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def storage(root: Path) -> Local:
    return Local(root)


# Bytes


@pytest.mark.parametrize("size", [0, 1, MiB - 1, MiB, MiB + 1, 5 * MiB + 3])
def test_a_file_is_copied_whole(storage: Local, tmp_path: Path, size: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(size))
    storage.write("file", LocalFile(str(source)), size=size)
    assert content_of(storage, "file") == source.read_bytes()


def test_holes_stay_holes(storage: Local, root: Path, tmp_path: Path) -> None:
    source = tmp_path / "sparse"
    with open(source, "wb") as file:
        file.seek(8 * MiB)
        file.write(b"in the middle")
        file.truncate(32 * MiB)
    if source.stat().st_blocks * 512 >= 32 * MiB:
        pytest.skip("the file system has no holes")
    storage.write("file", source)
    copy = (root / "file").stat()
    assert copy.st_size == 32 * MiB
    assert copy.st_blocks * 512 < MiB
    assert (root / "file").read_bytes() == source.read_bytes()
    storage.copy("file", "again")
    assert (root / "again").stat().st_blocks * 512 < MiB
    assert (root / "again").read_bytes() == source.read_bytes()


def test_a_file_that_is_only_a_hole_keeps_its_size(storage: Local, root: Path, tmp_path: Path) -> None:
    source = tmp_path / "hole"
    with open(source, "wb") as file:
        file.truncate(4 * MiB)
    storage.write("file", source)
    assert (root / "file").read_bytes() == bytes(4 * MiB)


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_bytes_are_copied_where_the_kernel_cannot(
    storage: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    if not hasattr(os, "copy_file_range"):
        pytest.skip("this kernel never could")

    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(local_bytes.os, "copy_file_range", refuse)
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3 * MiB + 5))
    storage.write("file", source)
    assert content_of(storage, "file") == source.read_bytes()


@pytest.mark.parametrize("size", [1000, 3 * MiB])
@pytest.mark.parametrize("change", [b"", b"more"])
def test_a_source_that_changes_while_it_is_read_is_refused(
    storage: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, change: bytes
) -> None:
    storage.write("file", b"old")
    source = tmp_path / "source"
    source.write_bytes(os.urandom(size))
    os.utime(source, ns=(1, 1))
    copied = local_bytes.copy_bytes

    def change_then_copy(reading: int, writing: int, info: os.stat_result, *more: Any) -> int:
        if change:
            with open(source, "ab") as file:
                file.write(change)
        else:
            os.truncate(source, size // 2)
        return copied(reading, writing, info, *more)

    monkeypatch.setattr("skycap.core.storage.local.storage.copy_bytes", change_then_copy)
    with pytest.raises(UploadFailed) as caught:
        storage.write("file", LocalFile(str(source)), size=size)
    assert caught.value.hint
    assert content_of(storage, "file") == b"old"
    assert [entry.path for entry in storage.scan("")] == ["file"]


# Beside the bytes


@pytest.mark.parametrize("mode", [0o000, 0o400, 0o644, 0o755, 0o777, 0o4755, 0o2755, 0o1777])
def test_modes_are_kept(storage: Local, root: Path, mode: int) -> None:
    storage.write("file", b"x", metadata=Metadata(mode=mode))
    assert stat_module.S_IMODE((root / "file").stat().st_mode) == mode


def test_a_file_without_a_mode_gets_that_of_the_one_it_replaces(storage: Local, root: Path) -> None:
    storage.write("script", b"old")
    (root / "script").chmod(0o750)
    storage.write("script", b"new")
    assert stat_module.S_IMODE((root / "script").stat().st_mode) == 0o750


def test_a_new_file_gets_the_mode_of_the_umask(storage: Local, root: Path) -> None:
    before = os.umask(0o027)
    try:
        storage.write("file", b"x")
    finally:
        os.umask(before)
    assert stat_module.S_IMODE((root / "file").stat().st_mode) == 0o640


def test_a_private_file_is_never_open_to_others(storage: Local, root: Path) -> None:
    modes = []

    class Watching:
        def read(self, size: int = -1, /) -> bytes:
            modes.extend(path.stat().st_mode & 0o077 for path in root.iterdir())
            return b""

    storage.write("secret", Watching(), metadata=Metadata(mode=0o600))
    assert modes == [0]


def test_times_are_kept_to_the_nanosecond(storage: Local, root: Path) -> None:
    storage.write("file", b"x", metadata=Metadata(mtime_ns=1_234_567_890_123_456_789))
    assert (root / "file").stat().st_mtime_ns == 1_234_567_890_123_456_789


def test_extended_attributes_are_kept_and_those_that_are_gone_removed(storage: Local, root: Path) -> None:
    storage.write("file", b"x")
    try:
        os.setxattr(root / "file", "user.test", b"\x00\xff")
    except OSError:
        pytest.skip("the file system has no extended attributes")
    entry = storage.stat("file")
    assert entry.metadata is not None
    assert entry.metadata.xattrs is not None
    assert entry.metadata.xattrs["user.test"] == b"\x00\xff"
    storage.write("copy", LocalFile(str(root / "file")), metadata=entry.metadata)
    assert os.getxattr(root / "copy", "user.test") == b"\x00\xff"
    storage.set_metadata("copy", Metadata(xattrs={}))
    assert os.listxattr(root / "copy") == []


@pytest.mark.skipif(not _ROOT, reason="only root may give files away")
def test_root_keeps_owners(storage: Local, root: Path) -> None:
    storage.write("file", b"x", metadata=Metadata(uid=12345, gid=54321, mode=0o4755))
    info = (root / "file").stat()
    assert (info.st_uid, info.st_gid, stat_module.S_IMODE(info.st_mode)) == (12345, 54321, 0o4755)


def test_others_leave_owners_out(open_root: Path) -> None:
    if _ROOT:
        os.chown(open_root, NOBODY, NOBODY)

    def write() -> Entry:
        return Local(open_root).write("file", b"x", metadata=Metadata(uid=12345, gid=54321))

    assert as_nobody(write).size == 1
    assert (open_root / "file").stat().st_uid != 12345


# What is no file


def test_pipes_and_sockets_are_listed_and_never_read(storage: Local, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        before = os.getcwd()
        os.chdir(root)
        try:
            server.bind("socket")
        finally:
            os.chdir(before)
        assert {e.path: e.kind for e in storage.scan("")} == {"pipe": Kind.OTHER, "socket": Kind.OTHER}
        for path in ("pipe", "socket"):
            assert storage.stat(path).kind is Kind.OTHER
            with pytest.raises(Error), storage.read(path) as reader:
                reader.read(1)


def test_a_pipe_is_no_source(storage: Local, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unsupported):
        storage.write("file", tmp_path / "pipe")
    assert list(storage.scan("")) == []


def test_names_that_are_not_utf8_are_kept(storage: Local, root: Path) -> None:
    name = b"caf\xe9 \xff"
    with open(os.path.join(os.fsencode(root), name), "wb") as file:
        file.write(b"x")
    (entry,) = storage.scan("")
    assert os.fsencode(entry.path) == name
    assert content_of(storage, entry.path) == b"x"
    storage.rename(entry.path, "plain")
    assert [e.path for e in storage.scan("")] == ["plain"]


def test_listings_with_such_names_are_ordered_as_bytes(storage: Local, root: Path) -> None:
    names = [b"\xf0\x9f\x99\x82", b"\xef\xbf\xbd", b"\xff", b"\xc3\xa9", b"a", b"\x80"]
    for name in names:
        with open(os.path.join(os.fsencode(root), name), "wb"):
            pass
    assert [os.fsencode(e.path) for e in storage.scan("")] == sorted(names)


# The folder itself


def test_the_root_need_not_exist_before_the_first_write(tmp_path: Path) -> None:
    storage = Local(tmp_path / "not" / "yet")
    with pytest.raises(NotFound):
        list(storage.scan(""))
    assert storage.quota().total
    storage.write("file", b"x")
    assert [entry.path for entry in storage.scan("")] == ["file"]


def test_a_root_below_a_file_is_a_conflict(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(Conflict):
        Local(tmp_path / "file").write("below", b"y")


def test_two_ways_to_one_folder_have_one_identity(root: Path, tmp_path: Path) -> None:
    os.symlink(root, tmp_path / "alias")
    assert Local(root).identity == Local(tmp_path / "alias").identity != Local(tmp_path).identity


def test_case_is_found_out_by_the_same_folder_under_another_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "Folder"
    folder.mkdir()
    assert probe.case_sensitive(str(folder))
    exists, samefile = os.path.exists, os.path.samefile

    def blind_exists(path: str) -> bool:
        return exists(path) or path.lower() == str(folder).lower()

    def blind_samefile(one: str, other: str) -> bool:
        return one.lower() == other.lower() or samefile(one, other)

    monkeypatch.setattr(os.path, "exists", blind_exists)
    monkeypatch.setattr(os.path, "samefile", blind_samefile)
    assert not probe.case_sensitive(str(folder))
    assert not Local(folder).facts.case_sensitive


def test_links_are_only_made_where_they_are_shown(root: Path) -> None:
    assert Local(root).can(Capability.MAKE_SYMLINK)
    assert not Local(root, links="follow").can(Capability.MAKE_SYMLINK)
    assert not Local(root, links="skip").can(Capability.MAKE_SYMLINK)


def test_a_file_is_forced_to_disk_before_it_gets_its_name(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced: list[tuple[bool, list[str]]] = []
    fsync = os.fsync

    def recording(descriptor: int) -> None:
        is_dir = stat_module.S_ISDIR(os.fstat(descriptor).st_mode)
        forced.append((is_dir, [name for name in os.listdir(root) if not name.startswith(".skycap-")]))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    Local(root, fsync="file").write("file", b"x")
    assert forced == [(False, []), (True, ["file"])]
    Local(root).write("other", b"x")
    assert len(forced) == 2


def test_a_tree_is_removed_while_others_remove_things_in_it(
    storage: Local, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else is quicker, in the middle of the removal."""
    for number in range(20):
        storage.write(f"d/{number:02}", b"x")
    real, quicker = os.unlink, iter(range(3))

    def unlink(path: Any, *args: Any, **more: Any) -> None:
        if next(quicker, None) is not None:
            real(path, *args, **more)
        real(path, *args, **more)

    monkeypatch.setattr(os, "unlink", unlink)
    storage.remove_tree("d")
    assert not (root / "d").exists()
