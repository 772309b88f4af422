"""Which runs are alive: each holds a lock on a file of its own, and the system lets go of it when it dies.

A file that nobody locks says that a run over this pair of places died, and may have left something behind.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: an open file cannot be removed there, which serves as well as a lock
    fcntl = None


class Run:
    """This run. `folder` is where the lock files of all runs lie; it is made when one is needed.

    Runs of one `kind`, which is a part of a file name, know of each other's death.
    """

    def __init__(self, folder: str, kind: str) -> None:
        self._folder = folder
        self._kind = kind
        self.id = f"{kind}-{secrets.token_hex(8)}"
        self._descriptor: int | None = None

    def hold(self) -> None:
        """Show from now on that this run is alive; `OSError` where that cannot be shown."""
        if self._descriptor is None:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            path = self._path(self.id)
            # It gets its name when it is locked: nobody shall find it free and think that this run died.
            early = path if fcntl is None else f"{path}.new"
            self._descriptor = os.open(early, os.O_RDWR | os.O_CREAT, 0o600)
            _is_locked(self._descriptor)
            if early != path:
                os.rename(early, path)

    def is_alive(self, run: str) -> bool:
        """Whether this or another run is alive. The file of one that is dead is removed."""
        if run == self.id:
            return True
        path = self._path(run)
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            return False
        try:
            if _is_locked(descriptor):
                return True
        finally:
            os.close(descriptor)
        try:
            os.unlink(path)
        except FileNotFoundError:
            return False
        except PermissionError:
            return fcntl is None
        return False

    def others_died(self) -> bool:
        """Whether a run of this kind died; it is told once, since the files of the dead are removed."""
        prefix, suffix = f"{self._kind}-", ".lock"
        names = [name for name in os.listdir(self._folder) if name.startswith(prefix)]
        dead = [name for name in names if name.endswith(suffix) and not self.is_alive(name[: -len(suffix)])]
        return bool(dead)

    def release(self, *, as_if_dead: bool = False) -> None:
        """This run is over; `as_if_dead` leaves to the next one what this one should have taken care of."""
        if self._descriptor is not None:
            if fcntl is None:
                os.close(self._descriptor)
            if not as_if_dead:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._path(self.id))
            if fcntl is not None:
                os.close(self._descriptor)
            self._descriptor = None

    def _path(self, run: str) -> str:
        return os.path.join(self._folder, f"{run}.lock")


def _is_locked(descriptor: int) -> bool:
    """Whether another holds the lock; if not, it is held from now on."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # a file system without locks: two runs at once may then send the same parts twice
            return False
    return False
