"""What a folder refuses: no rights, no room."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skycap.core.errors import (
    AccessDenied,
    OutOfSpace,
)
from skycap.core.storage import LocalFile
from skycap.core.storage.local import Local
from skycap.core.storage.local import bytes as local_bytes
from skycap.core.testing.conformance.base import content_of
from skycap.core.testing.conformance.sources import Stream
from skycap.core.testing.unprivileged import NOBODY, as_nobody
from skycap.core.units import MiB

_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def storage(root: Path) -> Local:
    return Local(root)


def test_an_unreadable_file_says_so(open_root: Path) -> None:
    secret = open_root / "secret"
    secret.write_bytes(b"x")
    secret.chmod(0o000)
    storage = Local(open_root)
    with pytest.raises(AccessDenied) as caught:
        as_nobody(content_of, storage, "secret")
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
        as_nobody(content_of, storage, "closed/file")
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
    assert content_of(storage, "file") == b"old"


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
    assert content_of(storage, "file") == b"old"
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
    assert content_of(storage, "file") == b"x" * 500_000
