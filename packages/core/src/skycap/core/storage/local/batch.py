"""Many small local files copied in one tight loop, or written from memory.

Where a file takes twenty microseconds, every call and every system call counts: parents are checked once a
folder, what is kept comes from the descriptor that is copied, and nothing is looked at twice.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat as stat_module
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar

from skycap.core.errors import Error, PathInvalid, Unsupported, UploadFailed
from skycap.core.paths import join_under, printable
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.failures import translate
from skycap.core.storage.local import temporary
from skycap.core.storage.local.attributes import apply, copy_xattrs, entry_of, file_entry, metadata_of
from skycap.core.storage.local.bytes import SMALL, copy_bytes, write_all
from skycap.core.storage.local.folder import Folder, make_folders

_READ = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)
_WRITE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_HAS_XATTRS = hasattr(os, "listxattr")
T = TypeVar("T", bound=tuple[Any, ...])
R = TypeVar("R")


def copy_files(
    root: str,
    files: Sequence[tuple[str, str, int | None]],
    metadata: bool,
    sync: bool,
) -> list[Error | None]:
    """Copy each `(path below root, local file, expected size)`; for each, what went wrong, or None."""
    mask, owner = umask(), _owner()

    def copy(folder: Folder, name: str, file: tuple[str, str, int | None]) -> None:
        _copy(file[1], folder, name, file[2], metadata=metadata, sync=sync, mask=mask, owner=owner)

    return _each(root, files, copy)


def write_contents(
    root: str, contents: Sequence[tuple[str, bytes, Metadata | None]], sync: bool
) -> list[Entry | Error]:
    """Store each `(path below root, content, metadata)`; for each, its entry, or what went wrong."""

    def write(folder: Folder, name: str, item: tuple[str, bytes, Metadata | None]) -> Entry:
        path, content, metadata = item
        return entry_of(path, _write(folder, name, content, metadata or Metadata(), sync=sync))

    return _each(root, contents, write)


def read_contents(root: str, paths: Sequence[str], limit: int) -> list[tuple[bytes, Entry] | Error]:
    """For each path below root its content and entry, or what went wrong."""

    def read(folder: Folder, name: str, item: tuple[str]) -> tuple[bytes, Entry]:
        source = os.open(f"{folder.prefix}{name}", _READ, dir_fd=folder.handle)
        try:
            info = os.fstat(source)
            if not stat_module.S_ISREG(info.st_mode) or info.st_size > limit:
                raise Unsupported("it is no small file any more", where=printable(item[0]))
            data = os.read(source, info.st_size + 1)
            entry = file_entry(item[0], info)._replace(metadata=metadata_of(source, info))
            after = os.fstat(source)
        finally:
            os.close(source)
        if len(data) != info.st_size or after.st_mtime_ns != info.st_mtime_ns:
            raise _changed(item[0], len(data), info.st_size)
        return data, entry

    return _each(root, [(path,) for path in paths], read, make=False)


def _each(
    root: str, items: Sequence[T], work: Callable[[Folder, str, T], R], *, make: bool = True
) -> list[R | Error]:
    answers: list[R | Error] = []
    folders: dict[str, Folder | Error] = {}
    try:
        for item in items:
            path = item[0]
            parent, _, name = path.rpartition("/")
            folder = folders.get(parent)
            if folder is None:
                folder = folders[parent] = _folder(root, parent, make=make)
            if isinstance(folder, Error):
                answers.append(folder)
                continue
            try:
                if len(name) > 60 or not name.isascii() or os.name == "nt" or name[:1] in {"", "."}:
                    _check_name(root, path, name)
                answers.append(work(folder, name, item))
            except Error as error:  # first: some of ours are an OSError too
                answers.append(error)
            except OSError as error:
                answers.append(translate(error, f"{folder.path}/{name}", writing=make))
    finally:
        for folder in folders.values():
            if isinstance(folder, Folder):
                folder.close()
    return answers


def _write(folder: Folder, final: str, content: bytes, metadata: Metadata, *, sync: bool) -> os.stat_result:
    handle, prefix = folder.handle, folder.prefix
    if metadata.mode is None:
        with contextlib.suppress(OSError):  # what it replaces keeps its mode
            old = os.stat(f"{prefix}{final}", dir_fd=handle, follow_symlinks=False)
            if stat_module.S_ISREG(old.st_mode):
                metadata = replace(metadata, mode=stat_module.S_IMODE(old.st_mode))
    name: str | None = f"{prefix}{temporary.new_name('part')}"
    target = os.open(str(name), _WRITE, 0o666 if metadata.mode is None else 0o600, dir_fd=handle)
    try:
        try:
            temporary.lock(target)
            write_all(target, content)
            apply(target, metadata, os.fstat(target))
            if sync:
                os.fsync(target)
            os.rename(str(name), f"{prefix}{final}", src_dir_fd=handle, dst_dir_fd=handle)
            name = None
            return os.fstat(target)
        finally:
            os.close(target)
    finally:
        if name is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=handle)


def _folder(root: str, parent: str, *, make: bool) -> Folder | Error:
    try:
        folder = join_under(root, parent, follow_last=True)
        if make:
            make_folders(folder)
        return Folder(root, folder)
    except Error as error:
        return error
    except OSError as error:
        return translate(error, f"{root}/{parent}", writing=make)


def _check_name(root: str, path: str, name: str) -> None:
    if temporary.is_temporary(name):
        raise PathInvalid("this name is kept for unfinished files", where=printable(path))
    join_under(root, name)


def _copy(
    local: str,
    folder: Folder,
    final: str,
    size: int | None,
    *,
    metadata: bool,
    sync: bool,
    mask: int,
    owner: tuple[int, int] | None,
) -> None:
    try:
        source = os.open(local, _READ)
    except OSError as error:
        raise translate(error, local) from error
    name = None
    handle, prefix = folder.handle, folder.prefix
    try:
        info = os.fstat(source)
        mode = stat_module.S_IMODE(info.st_mode)
        if not stat_module.S_ISREG(info.st_mode):
            raise Unsupported("it is not a regular file any more", where=printable(local))
        name = f"{prefix}{temporary.new_name('part')}"
        target = os.open(name, _WRITE, mode & 0o777 if metadata else 0o666, dir_fd=handle)
        try:
            temporary.lock(target)
            if info.st_size < SMALL:
                data = os.read(source, info.st_size + 1)
                copied = len(data)
                write_all(target, data)
            else:
                copied = copy_bytes(source, target, info)
            if metadata:
                if owner is not None and owner != (info.st_uid, info.st_gid):
                    os.chown(target, info.st_uid, info.st_gid)
                if _HAS_XATTRS:
                    copy_xattrs(source, target)
                if mode & mask or mode > 0o777:
                    os.chmod(target, mode)
            os.utime(target, ns=(info.st_mtime_ns, info.st_mtime_ns))
            if sync:
                os.fsync(target)
        finally:
            os.close(target)
        after = os.fstat(source)
        if copied != (info.st_size if size is None else size) or after.st_mtime_ns != info.st_mtime_ns:
            raise _changed(local, copied, size)
        os.rename(name, f"{prefix}{final}", src_dir_fd=handle, dst_dir_fd=handle)
        name = None
    finally:
        os.close(source)
        if name is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=handle)


def _changed(path: str, copied: int, size: int | None) -> UploadFailed:
    return UploadFailed(
        f"it changed while it was read ({copied} of {size} bytes)",
        where=printable(path),
        hint="Run the command again.",
        retryable=False,
    )


@lru_cache(maxsize=1)
def umask() -> int:
    """The process's umask, read without changing it; all bits where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("Umask:"):
                    return int(line.split()[1], 8)
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.EACCES, errno.ENOTDIR}:
            raise
    return 0o777


def _owner() -> tuple[int, int] | None:
    """Who files made now belong to, if this process may give them to somebody else."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    return os.geteuid(), os.getegid()
