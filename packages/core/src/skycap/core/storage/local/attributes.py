"""What stands beside the bytes of a local file: time, mode, owner, extended attributes."""

from __future__ import annotations

import errno
import os
import stat as stat_module
from collections.abc import Mapping

from skycap.core.storage.entry import Entry, Kind, Metadata

_KINDS = {
    stat_module.S_IFREG: Kind.FILE,
    stat_module.S_IFDIR: Kind.DIRECTORY,
    stat_module.S_IFLNK: Kind.SYMLINK,
}
_FILE = Kind.FILE
_HAS_XATTRS = hasattr(os, "listxattr")
_NO_XATTRS = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EACCES, errno.ENODATA}


def kind_of(info: os.stat_result) -> Kind:
    """File, directory, symlink, or other."""
    return _KINDS.get(stat_module.S_IFMT(info.st_mode), Kind.OTHER)


def file_entry(path: str, info: os.stat_result) -> Entry:
    """What a listing tells of a regular file.

    Its version changes whenever the content does: ctime cannot be set back, and a replaced file has another
    inode.
    """
    size, mtime_ns = info.st_size, info.st_mtime_ns
    return Entry(path, _FILE, size, mtime_ns, mtime_ns, f"{info.st_ino}-{size}-{info.st_ctime_ns}")


def entry_of(path: str, info: os.stat_result, target: str | None = None) -> Entry:
    """What a listing tells."""
    kind = kind_of(info)
    if kind is Kind.FILE:
        return file_entry(path, info)
    return Entry(path, kind, None, info.st_mtime_ns, None, None, target)


def metadata_of(local: str | int, info: os.stat_result) -> Metadata:
    """All that is kept beside the bytes."""
    return Metadata(
        mtime_ns=info.st_mtime_ns,
        mode=stat_module.S_IMODE(info.st_mode),
        uid=info.st_uid,
        gid=info.st_gid,
        xattrs=read_xattrs(local) if not stat_module.S_ISLNK(info.st_mode) else {},
    )


def read_xattrs(local: str | int) -> dict[str, bytes]:
    """The extended attributes this process may see; none where the file system has none."""
    if not _HAS_XATTRS:
        return {}
    try:
        names = os.listxattr(local)
    except OSError as error:
        if error.errno not in _NO_XATTRS:
            raise
        return {}
    found = {}
    for name in names:
        try:
            found[name] = os.getxattr(local, name)
        except OSError as error:
            if error.errno not in _NO_XATTRS:
                raise
    return found


def apply(local: str | int, metadata: Metadata, info: os.stat_result) -> None:
    """Set what is not None, time last; owner only where this process may (root may, others are ignored)."""
    if metadata.xattrs is not None and _HAS_XATTRS:
        _apply_xattrs(local, metadata.xattrs)
    _apply_owner(local, metadata, info)
    if metadata.mode is not None and metadata.mode != stat_module.S_IMODE(info.st_mode):
        os.chmod(local, metadata.mode)
    if metadata.mtime_ns is not None:
        os.utime(local, ns=(metadata.mtime_ns, metadata.mtime_ns))


def _apply_owner(local: str | int, metadata: Metadata, info: os.stat_result) -> None:
    uid = -1 if metadata.uid is None else metadata.uid
    gid = -1 if metadata.gid is None else metadata.gid
    changes = uid not in {-1, info.st_uid} or gid not in {-1, info.st_gid}
    if changes and hasattr(os, "geteuid") and os.geteuid() == 0:
        os.chown(local, uid, gid)


def _apply_xattrs(local: str | int, wanted: Mapping[str, bytes]) -> None:
    present = read_xattrs(local)
    for name, value in wanted.items():
        if present.get(name) != value:
            try:
                os.setxattr(local, name, value)
            except OSError as error:
                # security.* and trusted.* belong to the system, and other file systems have none at all.
                if error.errno not in _NO_XATTRS:
                    raise
    for name in present.keys() - wanted.keys():
        if name.startswith("user."):
            os.removexattr(local, name)


def copy_xattrs(source: int, target: int) -> None:
    """Give a new file the extended attributes of another; both are descriptors."""
    try:
        names = os.listxattr(source)
    except OSError as error:
        if error.errno not in _NO_XATTRS:
            raise
        return
    if names:
        _apply_xattrs(target, read_xattrs(source))
