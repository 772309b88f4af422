"""Directories by their handles, so that nobody can put a link in the way of what was looked at.

Where the system has no such handles, by path.
"""

from __future__ import annotations

import errno
import os

from skycap.core.errors import NotFound

BY_HANDLE = {os.open, os.stat, os.readlink} <= os.supports_dir_fd and os.listdir in os.supports_fd
_O_DIRECTORY: int = getattr(os, "O_DIRECTORY", 0)
_O_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_O_NOATIME: int = getattr(os, "O_NOATIME", 0)
_O_CLOEXEC: int = getattr(os, "O_CLOEXEC", 0)
_O_PATH: int = getattr(os, "O_PATH", 0)
_FILE: int = (
    os.O_RDONLY
    | _O_NOFOLLOW
    | _O_CLOEXEC
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_FOLDER = os.O_RDONLY | _O_DIRECTORY | _O_CLOEXEC
_PIECE = 4_000
_HAS_OWNERS = hasattr(os, "geteuid")


def may_spare_atime(owner: int) -> bool:
    """May this process read a file of that owner without leaving its time of access?"""
    return _HAS_OWNERS and os.geteuid() in {0, owner}


def open_folder(name: bytes, *, owner: int, below: int | None = None, follow: bool = False) -> int:
    """A handle of the directory `name`, to list it and to look at what is in it. Raises OSError."""
    flags = _FOLDER if follow else _FOLDER | _O_NOFOLLOW
    if _O_NOATIME and may_spare_atime(owner):
        try:
            return os.open(name, flags | _O_NOATIME, dir_fd=below)
        except PermissionError:  # not so in a namespace of users, or on a file system of others
            pass
    return os.open(name, flags, dir_fd=below)


def open_way(path: bytes) -> int:
    """A handle of a directory on the way to a source, which need not be readable. Raises OSError."""
    return os.open(path, _O_DIRECTORY | _O_CLOEXEC | (_O_PATH or os.O_RDONLY))


def open_above(handle: int) -> int:
    """A handle of the directory above. Raises OSError."""
    return os.open(b"..", _FOLDER, dir_fd=handle)


def open_file(path: bytes, owner: int) -> int:
    """A descriptor to read the file at an absolute path of any length. Follows no link at its end.

    Never waits for the other end of a fifo. Raises OSError.
    """
    if _O_NOATIME and may_spare_atime(owner):
        try:
            return _open_long(path, _FILE | _O_NOATIME)
        except PermissionError:
            pass
    return _open_long(path, _FILE)


def _open_long(path: bytes, flags: int) -> int:
    try:
        return os.open(path, flags)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG or not BY_HANDLE:
            raise
    handle, rest = _down(path)
    try:
        return os.open(rest, flags, dir_fd=handle)
    finally:
        os.close(handle)


def _down(path: bytes) -> tuple[int, bytes]:
    handle = os.open(b"/", os.O_RDONLY | _O_DIRECTORY | _O_CLOEXEC)
    rest = path.lstrip(b"/")
    try:
        while len(rest) > _PIECE:
            cut = rest.rfind(b"/", 0, _PIECE)
            if cut < 0:
                raise NotFound("no name is that long")
            below = os.open(rest[:cut], _O_DIRECTORY | _O_CLOEXEC | (_O_PATH or os.O_RDONLY), dir_fd=handle)
            os.close(handle)
            handle, rest = below, rest[cut + 1 :]
    except OSError:
        os.close(handle)
        raise
    return handle, rest


def open_exactly(path: bytes, *, folder: bool = False) -> int:
    """A descriptor to read the file, or directory, at an absolute path on which no name is a link.

    Raises OSError.
    """
    if not BY_HANDLE:
        return os.open(path, _FILE)
    *parts, name = path.strip(b"/").split(b"/")
    on = _O_DIRECTORY | _O_NOFOLLOW | _O_CLOEXEC | (_O_PATH or os.O_RDONLY)
    handle = os.open(b"/", on)
    try:
        for part in parts:
            below = os.open(part, on, dir_fd=handle)
            os.close(handle)
            handle = below
        return os.open(name or b".", _FOLDER | _O_NOFOLLOW if folder else _FILE, dir_fd=handle)
    finally:
        os.close(handle)
