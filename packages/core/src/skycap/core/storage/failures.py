"""The one place where an `OSError` becomes an error of ours, for whoever reads or writes local files."""

from __future__ import annotations

import errno
import os

from skycap.core.errors import (
    AccessDenied,
    Conflict,
    Error,
    NotFound,
    OutOfSpace,
    PathInvalid,
    Timeout,
    TransferFailed,
    Unsupported,
)
from skycap.core.paths import TOO_LONG, TOO_LONG_HINT, printable

_CLASSES: dict[int, tuple[type[Error], str, str | None]] = {
    errno.ENOENT: (NotFound, "no such file or directory", None),
    errno.ENOTDIR: (NotFound, "a part of the path is not a directory", None),
    errno.EACCES: (AccessDenied, "permission denied", "Look at its owner and mode with `ls -ld`."),
    errno.EPERM: (AccessDenied, "operation not permitted", None),
    errno.EROFS: (AccessDenied, "the file system is read-only", None),
    errno.ENOSPC: (OutOfSpace, "the disk is full", "Free some space and run the command again."),
    errno.EDQUOT: (OutOfSpace, "the disk quota is used up", "Free some space and run the command again."),
    errno.EFBIG: (OutOfSpace, "the file is larger than the file system allows", None),
    errno.ENAMETOOLONG: (PathInvalid, TOO_LONG, TOO_LONG_HINT),
    errno.EILSEQ: (PathInvalid, "the file system cannot hold this name", None),
    errno.ELOOP: (PathInvalid, "too many symbolic links, or a loop of them", None),
    errno.EEXIST: (Conflict, "it exists already", None),
    errno.ENOTEMPTY: (Conflict, "the directory is not empty", None),
    errno.EISDIR: (Conflict, "a directory stands there", None),
    errno.ETIMEDOUT: (Timeout, "the file system did not answer in time", None),
    errno.EXDEV: (Unsupported, "the two are on different file systems", None),
    errno.EOPNOTSUPP: (Unsupported, "the file system cannot do that", None),
}


def translate(error: OSError, where: str, *, writing: bool = False) -> Error:
    """The error of ours for `error`, which happened at the local path `where`."""
    if isinstance(error, Error):
        return error
    number = error.errno or 0
    if writing and number == errno.ENOTDIR:
        return Conflict("a file stands where a directory is needed", where=printable(where))
    if number in _CLASSES:
        cls, message, hint = _CLASSES[number]
        return cls(message, where=printable(where), hint=hint)
    text = os.strerror(number).lower() if number else str(error)
    retryable = number in {errno.EIO, errno.ESTALE, errno.EBUSY, errno.EAGAIN, errno.EINTR}
    return TransferFailed(text, where=printable(where), retryable=retryable)
