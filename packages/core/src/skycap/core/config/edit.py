"""Changes the configuration file: comments stay, writers wait for each other, readers see old or new."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from skycap.core.config.file import parse
from skycap.core.errors import ConfigInvalid, Locked

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

fcntl: Any
try:
    import fcntl
except ImportError:
    fcntl = None

_PATIENCE_S = 10.0


@contextmanager
def edited(path: str) -> Iterator[TOMLDocument]:
    """The document of the file at `path`, to be changed; written when the block ends well.

    Written in one step with mode 0600. `Locked` if somebody else edits it for longer than ten seconds;
    `ConfigInvalid` if the file is broken before, or would be after.
    """
    import tomlkit

    path = os.path.realpath(path)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with locked(f"{path}.lock"):
            raw = _read(path)
            parse(raw, path)
            document = tomlkit.parse(raw.decode("utf-8"))
            yield document
            new = tomlkit.dumps(document).encode("utf-8")
            if new != raw:
                parse(new, path)
                replace_private(path, new)
    except OSError as error:
        raise ConfigInvalid(
            f"cannot be written ({error.strerror})",
            where=path,
            hint="SKYCAP_CONFIG names another configuration file.",
        ) from error


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def make_private(path: str) -> None:
    """See to it that the file is there, for its owner's eyes only."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigInvalid(
            f"cannot be made ({error.strerror})",
            where=path,
            hint="SKYCAP_CONFIG names another configuration file.",
        ) from error


def replace_private(path: str, content: bytes) -> None:
    """Make `content` the file at `path`, in one step, readable by its owner alone."""
    import tempfile

    descriptor, name = tempfile.mkstemp(prefix=".skycap-", dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


@contextmanager
def locked(
    path: str,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold the lock file at `path`; `Locked` after ten seconds of waiting for it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        ends = clock() + _PATIENCE_S
        while not _take(descriptor):
            if clock() > ends:
                raise Locked("another skycap holds the lock", where=path, hint="Try again in a moment.")
            wait(0.02)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            lock: Any = msvcrt
            lock.locking(descriptor, lock.LK_NBLCK, 1)
    except OSError:
        return False
    return True
