"""davfs2 makes it a file system of Linux. Only root may mount, and only where there is FUSE."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.interop.webdav.names import ODD
from tests.interop.webdav.places import Served, both_servers

pytestmark = pytest.mark.foreign


def _why_not() -> str | None:
    if os.geteuid() != 0:
        return "only root may mount"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"there is no FUSE here ({error.strerror})"
    return None


@contextmanager
def mounted(url: str) -> Iterator[Path]:
    """A server as a folder. What was written has reached it when the block has ended."""
    if (reason := _why_not()) is not None:
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="davfs2-", dir="/tmp"))
    try:
        folder.chmod(0o711)  # it works as a user of its own
        root, cache, config = folder / "mount", folder / "cache", folder / "davfs2.conf"
        root.mkdir()
        cache.mkdir()
        shutil.chown(cache, "root", "davfs2")
        cache.chmod(0o1775)
        # With its usual buffer, new kernels ask for more of a directory than it can hold.
        config.write_text(f"ask_auth 0\ncache_dir {cache}\ndelay_upload 0\nbuf_size 256\n")
        command = ["mount.davfs", "-o", f"conf={config}", url, str(root)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
        try:
            yield root
        finally:
            subprocess.run(["umount", str(root)], check=True, capture_output=True, timeout=120)
    finally:
        if not os.path.ismount(folder / "mount"):
            shutil.rmtree(folder)


def content(served: Served, path: str) -> bytes:
    with served.storage.read(path) as reader:
        return reader.read()


@both_servers
@pytest.mark.parametrize("kind", ["local", "memory"])
def test_files_and_folders_are_made_changed_moved_and_removed(served: Served) -> None:
    large = bytes(range(256)) * 4096
    served.storage.write("old.txt", b"there before")
    with mounted(served.url) as root:
        assert (root / "old.txt").read_bytes() == b"there before"
        (root / "folder").mkdir()
        (root / "folder/a.txt").write_bytes(b"alpha")
        (root / "folder/large.bin").write_bytes(large)
        with open(root / "folder/a.txt", "ab") as file:
            file.write(b" and more")
        (root / "folder/a.txt").rename(root / "folder/b.txt")
        (root / "folder").rename(root / "moved")
        (root / "old.txt").unlink()
        (root / "empty").mkdir()
        (root / "empty").rmdir()
        assert {path.name for path in (root / "moved").iterdir()} == {"b.txt", "large.bin"}
        assert os.statvfs(root).f_blocks > 0
    assert content(served, "moved/b.txt") == b"alpha and more"
    assert content(served, "moved/large.bin") == large
    assert {entry.path for entry in served.storage.scan("")} == {"moved"}


def test_odd_names_are_kept(served: Served) -> None:
    with mounted(served.url) as root:
        for name in ODD:
            (root / name).write_text(name)
        assert set(ODD) <= {path.name for path in root.iterdir()}
    for name in ODD:
        assert content(served, name) == name.encode()
