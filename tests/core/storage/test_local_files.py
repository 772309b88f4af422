"""What is special about the files of a machine: holes, modes, attributes, pipes, links, names of bytes."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import socket
import stat as stat_module
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skycap.core.errors import (
    AccessDenied,
    Conflict,
    Error,
    NotFound,
    OutOfSpace,
    PathInvalid,
    Unsupported,
    UploadFailed,
)
from skycap.core.storage import Capability, Entry, Kind, LocalFile, Metadata, Storage
from skycap.core.storage.local import Local, probe
from skycap.core.storage.local import bytes as local_bytes
from skycap.core.testing.conformance.sources import Stream
from skycap.core.testing.unprivileged import NOBODY, as_nobody
from skycap.core.units import MiB

_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def storage(root: Path) -> Local:
    return Local(root)


def _content(storage: Storage, path: str) -> bytes:
    with storage.read(path) as reader:
        return reader.read()


@pytest.fixture
def open_root(tmp_path: Path) -> Path:
    """A folder that everybody may enter, all the way up."""
    for folder in [tmp_path, *tmp_path.parents[:-1]]:
        if folder.stat().st_uid == os.geteuid() and folder != Path(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    return folder


# Bytes


@pytest.mark.parametrize("size", [0, 1, MiB - 1, MiB, MiB + 1, 5 * MiB + 3])
def test_a_file_is_copied_whole(storage: Local, tmp_path: Path, size: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(size))
    storage.write("file", LocalFile(str(source)), size=size)
    assert _content(storage, "file") == source.read_bytes()


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
    assert _content(storage, "file") == source.read_bytes()


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

    def change_then_copy(reading: int, writing: int, info: os.stat_result) -> int:
        if change:
            with open(source, "ab") as file:
                file.write(change)
        else:
            os.truncate(source, size // 2)
        return copied(reading, writing, info)

    monkeypatch.setattr("skycap.core.storage.local.storage.copy_bytes", change_then_copy)
    with pytest.raises(UploadFailed) as caught:
        storage.write("file", LocalFile(str(source)), size=size)
    assert caught.value.hint
    assert _content(storage, "file") == b"old"
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
    assert _content(storage, entry.path) == b"x"
    storage.rename(entry.path, "plain")
    assert [e.path for e in storage.scan("")] == ["plain"]


def test_listings_with_such_names_are_ordered_as_bytes(storage: Local, root: Path) -> None:
    names = [b"\xf0\x9f\x99\x82", b"\xef\xbf\xbd", b"\xff", b"\xc3\xa9", b"a", b"\x80"]
    for name in names:
        with open(os.path.join(os.fsencode(root), name), "wb"):
            pass
    assert [os.fsencode(e.path) for e in storage.scan("")] == sorted(names)


# Links


@pytest.mark.parametrize("target", ["/etc", "..", "../outside", "../../.."])
def test_nothing_passes_a_link_that_leads_out(
    storage: Local, root: Path, tmp_path: Path, target: str
) -> None:
    (tmp_path / "outside").mkdir()
    os.symlink(target, root / "door")
    calls: list[Callable[[], object]] = [
        lambda: storage.write("door/planted", b"x"),
        lambda: storage.make_dir("door/planted"),
        lambda: storage.remove("door/planted"),
        lambda: storage.remove_tree("door/planted"),
        lambda: storage.stat("door/hostname"),
        lambda: list(storage.scan("door")),
        lambda: _content(storage, "door/hostname"),
        lambda: storage.begin_upload("door/planted"),
        lambda: storage.make_symlink("door/planted", "x"),
        lambda: storage.local_path("door/planted"),
        lambda: storage.rename("door/x", "y"),
        lambda: list(storage.cleanup("door", older_than_s=0)),
    ]
    for call in calls:
        with pytest.raises(PathInvalid):
            call()
    assert not (tmp_path / "outside" / "planted").exists()
    assert not (tmp_path / "planted").exists()


def test_a_file_is_not_read_through_a_link_that_leads_out(storage: Local, root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    os.symlink("../secret", root / "link")
    with pytest.raises(PathInvalid):
        _content(storage, "link")
    with pytest.raises(Unsupported):
        storage.copy("link", "copy")
    assert storage.stat("link").target == "../secret"
    storage.write("link", b"mine")
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert (root / "link").read_bytes() == b"mine"


def test_links_inside_are_passed(storage: Local, root: Path) -> None:
    storage.write("real/file", b"x")
    os.symlink("real", root / "alias")
    assert _content(storage, "alias/file") == b"x"
    storage.write("alias/new", b"y")
    assert _content(storage, "real/new") == b"y"


def test_removing_a_tree_never_goes_through_a_link(storage: Local, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_bytes(b"x")
    storage.write("dir/file", b"x")
    os.symlink(tmp_path / "outside", root / "dir" / "link")
    os.symlink("dir", root / "alias")
    storage.remove_tree("alias")
    assert (root / "dir" / "file").exists()
    storage.remove_tree("dir")
    assert (tmp_path / "outside" / "kept").exists()
    assert not (root / "dir").exists()


def test_followed_links_look_like_what_they_lead_to(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"12345")
    os.symlink(tmp_path / "outside", root / "folder")
    os.symlink(tmp_path / "outside" / "file", root / "file")
    os.symlink("absent", root / "broken")
    storage = Local(root, links="follow")
    kinds = {e.path: (e.kind, e.size) for e in storage.scan("")}
    assert kinds == {
        "folder": (Kind.DIRECTORY, None),
        "file": (Kind.FILE, 5),
        "broken": (Kind.SYMLINK, None),
    }
    assert _content(storage, "folder/file") == _content(storage, "file") == b"12345"
    assert storage.stat("broken").kind is Kind.SYMLINK


def test_followed_links_that_lead_back_up_end(root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    os.symlink("..", root / "a" / "b" / "up")
    os.symlink(root, root / "a" / "root")
    os.symlink("self", root / "self")
    storage = Local(root, links="follow")
    seen, todo = [], [""]
    while todo:
        for entry in storage.scan(todo.pop()):
            seen.append(entry.path)
            if entry.is_dir:
                todo.append(entry.path)
        assert len(seen) < 100
    assert sorted(seen) == ["a", "a/b", "a/b/up", "a/root", "self"]


def test_skipped_links_are_not_listed(root: Path) -> None:
    (root / "file").write_bytes(b"x")
    os.symlink("file", root / "link")
    assert [e.path for e in Local(root, links="skip").scan("")] == ["file"]


# Rights and room


def test_an_unreadable_file_says_so(open_root: Path) -> None:
    secret = open_root / "secret"
    secret.write_bytes(b"x")
    secret.chmod(0o000)
    storage = Local(open_root)
    with pytest.raises(AccessDenied) as caught:
        as_nobody(_content, storage, "secret")
    assert "secret" in str(caught.value)
    assert caught.value.hint
    assert as_nobody(storage.stat, "secret").size == 1


def test_an_unreadable_folder_says_so(open_root: Path) -> None:
    (open_root / "closed").mkdir()
    (open_root / "closed" / "file").write_bytes(b"x")
    (open_root / "closed").chmod(0o700 if _ROOT else 0o000)
    storage = Local(open_root)
    with pytest.raises(AccessDenied):
        as_nobody(lambda: [entry.path for entry in storage.scan("closed")])
    with pytest.raises(AccessDenied):
        as_nobody(_content, storage, "closed/file")
    assert [entry.path for entry in as_nobody(lambda: list(storage.scan("")))] == ["closed"]


def test_a_folder_that_cannot_be_written_says_so_and_stays_as_it_was(open_root: Path) -> None:
    (open_root / "file").write_bytes(b"old")
    if not _ROOT:
        open_root.chmod(0o555)
    storage = Local(open_root)
    calls: list[Callable[[], object]] = [
        lambda: storage.write("file", b"new"),
        lambda: storage.write("new", b"new"),
        lambda: storage.make_dir("dir"),
        lambda: storage.remove("file"),
        lambda: storage.remove_tree("file"),
        lambda: storage.rename("file", "other"),
        lambda: storage.begin_upload("new"),
        lambda: storage.make_symlink("link", "file"),
    ]
    for call in calls:
        with pytest.raises(AccessDenied):
            as_nobody(call)
    open_root.chmod(0o755)
    assert os.listdir(open_root) == ["file"]
    assert (open_root / "file").read_bytes() == b"old"


def test_a_file_too_large_leaves_the_old_one(open_root: Path) -> None:
    (open_root / "file").write_bytes(b"old")
    if _ROOT:
        os.chown(open_root, NOBODY, NOBODY)
        os.chown(open_root / "file", NOBODY, NOBODY)

    big = open_root.with_name("big")
    big.write_bytes(bytes(2 * MiB))
    big.chmod(0o644)

    def write() -> list[str]:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        found = []
        for source in (bytes(200_000), LocalFile(str(big))):
            try:
                Local(open_root).write("file", source)
            except OutOfSpace as error:
                found.append(error.message)
        return found

    if not _ROOT:
        pytest.skip("a limit set in this very process would outlive the test")
    assert len(as_nobody(write)) == 2
    assert os.listdir(open_root) == ["file"]
    assert (open_root / "file").read_bytes() == b"old"


def test_a_full_disk_leaves_the_old_file(storage: Local, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.write("file", b"old")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(local_bytes.os, "write", full)
    with pytest.raises(OutOfSpace) as caught:
        storage.write("file", b"new")
    monkeypatch.undo()
    assert caught.value.hint
    assert os.listdir(root) == ["file"]
    assert _content(storage, "file") == b"old"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not _ROOT or shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("kind", ["bytes", "file", "stream"])
def test_a_disk_that_is_really_full_leaves_the_old_file_and_room(
    small_disk: Path, tmp_path: Path, kind: str
) -> None:
    storage = Local(small_disk)
    storage.write("file", b"old")
    large = tmp_path / "large"
    large.write_bytes(os.urandom(2 * MiB))
    sources = {
        "bytes": large.read_bytes(),
        "file": LocalFile(str(large)),
        "stream": Stream(large.read_bytes()),
    }
    before = storage.quota().free
    with pytest.raises(OutOfSpace):
        storage.write("file", sources[kind], size=2 * MiB)
    assert os.listdir(small_disk) == ["file"]
    assert _content(storage, "file") == b"old"
    assert storage.quota().free == before


def test_parts_that_do_not_fit_can_be_sent_when_there_is_room(small_disk: Path) -> None:
    storage = Local(small_disk)
    storage.write("ballast", bytes(900_000))
    upload = storage.begin_upload("file", size=500_000)
    with pytest.raises(OutOfSpace):
        upload.put_part(0, b"x" * 500_000, last=True)
    storage.remove("ballast")
    upload.put_part(0, b"x" * 500_000, last=True)
    upload.complete()
    assert _content(storage, "file") == b"x" * 500_000


# The root itself


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
