"""Files that are not finished yet: written under a name nobody looks at, then renamed into place.

A writer holds a lock on its temporary file for as long as it lives, so that whoever finds one without a
lock knows that its writer died, and may remove it. Parts of resumable uploads have a name of their own,
since they must outlive their writer.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from typing import Any

from skycap.core.storage.local.folder import make_folders

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: an open file cannot be removed there, which serves as well as a lock
    fcntl = None

_TEMPORARY = re.compile(r"^\.skycap-[0-9a-f]{16}\.(part|upload)$")
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_local = threading.local()


def is_temporary(name: str) -> bool:
    """Whether it is one of ours, which no listing shows."""
    return name.startswith(".skycap-") and _TEMPORARY.match(name) is not None


def new_name(kind: str) -> str:
    """A name nobody has; one draw of randomness serves a thread for many names."""
    pool: list[str] = getattr(_local, "pool", [])
    if not pool or _local.pid != os.getpid():
        drawn = secrets.token_hex(8 * 256)
        pool = _local.pool = [drawn[i : i + 16] for i in range(0, len(drawn), 16)]
        _local.pid = os.getpid()
    return f".skycap-{pool.pop()}.{kind}"


def create(folder: str, *, private: bool) -> tuple[int, str]:
    """An open, locked temporary file in `folder`, which is made if need be: descriptor and path."""
    path = f"{folder}{os.sep}{new_name('part')}"
    mode = 0o600 if private else 0o666
    try:
        descriptor = os.open(path, _CREATE, mode)
    except FileNotFoundError:
        make_folders(folder)
        descriptor = os.open(path, _CREATE, mode)
    lock(descriptor)
    return descriptor, path


def lock(descriptor: int) -> None:
    """Show for as long as the descriptor is open that somebody is at work on the file."""
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a file system without locks: nobody else can take it over then
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def abandoned(top: str, *, older_than_s: float) -> Iterator[tuple[str, os.stat_result]]:
    """Files below a folder, or beside a file, whose writer is gone. Their path and stat.

    Parts of an upload outlive their writer: they count from `older_than_s` on, or as long as there are none.
    """
    folders = os.walk(top) if os.path.isdir(top) else _beside(top)
    for folder, _, names in folders:
        for name in filter(is_temporary, names):
            path = f"{folder}{os.sep}{name}"
            with contextlib.suppress(FileNotFoundError):
                info = os.lstat(path)
                kept = name.endswith(".upload") and info.st_size > 0
                if not (kept and time.time() - info.st_mtime <= older_than_s) and is_abandoned(path):
                    yield path, info


def _beside(path: str) -> Iterator[tuple[str, list[str], list[str]]]:
    folder = os.path.dirname(path)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        yield folder, [], os.listdir(folder)


def is_abandoned(path: str) -> bool:
    """Whether the writer of a temporary file is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        if fcntl is None:
            return True
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def replace(temporary: str, final: str, *, only_new: bool) -> None:
    """Put a finished file in its place; with `only_new`, `FileExistsError` if something stands there."""
    if not only_new:
        os.replace(temporary, final)
        return
    try:
        os.link(temporary, final, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
            raise
        _replace_without_links(temporary, final)
    else:
        os.unlink(temporary)


def _replace_without_links(temporary: str, final: str) -> None:
    # FAT and some network file systems have no hard links: the empty file claims the name.
    os.close(os.open(final, _CREATE))
    os.replace(temporary, final)


def sync_folder(folder: str) -> None:
    """Make a rename in it survive a power cut, where the system lets one."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
