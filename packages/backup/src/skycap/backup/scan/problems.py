"""Failures of the system at one path, as events."""

from __future__ import annotations

import errno
import os

from skycap.backup.scan.events import Problem
from skycap.core.errors import Error, PathInvalid
from skycap.core.paths import printable
from skycap.core.storage.failures import translate

_DENIED = frozenset({errno.EACCES, errno.EPERM})
_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})


def problem_of(error: OSError, path: bytes) -> Problem:
    """The event for a call that failed at `path`."""
    if error.errno in _DENIED:
        code = "denied"
    elif error.errno in _VANISHED:
        code = "vanished"
    else:
        code = "unreadable"
    return Problem(path, code, translate(error, os.fsdecode(path)))


def missing_root(error: OSError, path: bytes) -> Problem:
    """The event for a source that cannot be scanned at all."""
    found = translate(error, os.fsdecode(path))
    found.hint = found.hint or "Is the disk mounted, and the path right?"
    return Problem(path, "vanished-root", found)


def moved(path: bytes) -> Problem:
    """The event for a directory that is no longer where it was."""
    error = Error(
        "the directory was moved while it was scanned", where=shown(path), hint="Run the backup again."
    )
    return Problem(path, "moved", error)


def loop(path: bytes, above: bytes) -> Problem:
    """The event for what leads back to a directory above itself, or through too many links."""
    return Problem(path, "loop", PathInvalid(f"leads back to {shown(above)}", where=shown(path)))


def broken_link(path: bytes) -> Problem:
    """The event for a link that leads nowhere."""
    return Problem(path, "broken-link", PathInvalid("the link leads nowhere", where=shown(path)))


def outside(path: bytes) -> Problem:
    """The event for a link that is kept as one, since it leads out of the sources."""
    error = PathInvalid(
        "the link leads out of the sources and is kept as a link",
        where=shown(path),
        hint="--follow-outside follows it.",
    )
    return Problem(path, "outside", error)


def shown(path: bytes) -> str:
    """A path for a message."""
    return printable(os.fsdecode(path)) or "/"
