"""Extended attributes, access lists among them, which Linux keeps as such."""

from __future__ import annotations

import errno
import os

from skycap.backup.format import limits
from skycap.backup.scan.events import Xattrs

_HAS_XATTRS = hasattr(os, "listxattr")
_NONE = frozenset(
    {errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EACCES, errno.ENODATA, errno.ENOENT, errno.EBADF}
)


def read_xattrs(place: bytes | int, *, follow: bool = False) -> Xattrs:
    """Those this process may see, of a path or an open file; none where the file system has none.

    Raises OSError where the system fails in another way.
    """
    if not _HAS_XATTRS:
        return ()
    follow = follow or isinstance(place, int)
    try:
        names = os.listxattr(place, follow_symlinks=follow)
    except OSError as error:
        if error.errno in _NONE:
            return ()
        raise
    if not names:
        return ()
    found = []
    for name in names:
        try:
            found.append((os.fsencode(name), os.getxattr(place, name, follow_symlinks=follow)))
        except OSError as error:
            if error.errno not in _NONE:
                raise
    return tuple(sorted(found))


def is_large(value: bytes) -> bool:
    """Is the value stored as blobs of its own, and not in the tree?"""
    return len(value) > limits.XATTR_INLINE
