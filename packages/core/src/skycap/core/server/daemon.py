"""Servers in the background: start one and wait until it is ready, find those that run, stop one.

What runs in the background is the same program as in the foreground. It is ready when it has registered
itself (`registering.registered`); until then whoever started it watches, and shows the end of its log if it
gives up.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AccessDenied, DependencyMissing, Error, NotFound, StateWriteFailed, Timeout
from skycap.core.paths import printable
from skycap.core.server.processes import birth, terminate
from skycap.core.server.registering import Running, already, find, require_name
from skycap.core.state import log_folder, make_private_folder

if TYPE_CHECKING:
    import subprocess

MAX_LOG = 4 * 1024 * 1024
_TAIL_LINES = 12
_TAIL_BYTES = 16 * 1024
_LOOK_S = 0.02
_KILLED_S = 10.0


def log_path(name: str) -> str:
    """Where a server in the background writes what it would print."""
    require_name(name)
    return os.path.join(log_folder(), f"{name}.log")


def start(
    name: str,
    argv: Sequence[str],
    *,
    secret: Secret[str] | None = None,
    environ: Mapping[str, str] | None = None,
    timeout_s: float = 30.0,
    wait: Callable[[float], None] = time.sleep,
) -> Running:
    """Start a server in a session of its own and give it back when it is ready.

    `secret` is one line that it reads from standard input, since arguments can be seen by everybody. Standard
    output and error go to `log_path(name)`. `Locked` if one of this name runs, `DependencyMissing` if there
    is no such program, `Timeout`, after which it is ended, or an `Error` with the end of its log if it ends
    by itself.
    """
    if (other := find(name)) is not None:
        raise already(other)
    path = log_path(name)
    make_private_folder(os.path.dirname(path))
    begin = _rotate(path)
    process = _spawn(argv, path, secret, environ)
    ends = time.monotonic() + timeout_s
    while True:
        if (found := find(name)) is not None and _is_its(found, process):
            return found
        if (status := process.poll()) is not None:
            said = _tail(path, begin)
            raise Error(
                f"the server ended with status {status} before it was ready{said}",
                where=name,
                hint=f"All that it said: {path}",
            )
        if time.monotonic() > ends:
            process.kill()
            process.wait()
            said = _tail(path, begin)
            raise Timeout(
                f"the server was not ready after {timeout_s:g} s, and was ended{said}",
                where=name,
                hint=f"All that it said: {path}",
            )
        wait(_LOOK_S)


def stop(
    name: str,
    *,
    timeout_s: float = 30.0,
    force: bool = False,
    wait: Callable[[float], None] = time.sleep,
) -> Running:
    """Ask a server to finish what it does and end; wait until it has, and tell which it was.

    `NotFound` if none runs, `AccessDenied` if it is somebody else's. `Timeout` if it takes longer, unless
    `force`, which ends it then.
    """
    found = find(name)
    if found is None:
        raise NotFound("no server of this name runs", where=name)
    _ask(found)
    if not _gone(found, timeout_s, wait):
        if not force:
            raise Timeout(
                f"the server, process {found.pid}, has not ended after {timeout_s:g} s",
                where=name,
                hint="It may be finishing a long upload, and ends then. Stopping it once more ends it now.",
            )
        _ask(found, now=True)
        if not _gone(found, _KILLED_S, wait):
            raise Timeout(f"process {found.pid} does not end; a disk or a network hangs", where=name)
    find(name)  # removes what one that was ended by force has left
    return found


def _ask(server: Running, *, now: bool = False) -> None:
    try:
        terminate(server.pid, server.born, now=now)
    except PermissionError as error:
        raise AccessDenied(f"process {server.pid} belongs to somebody else", where=server.name) from error


def _gone(server: Running, timeout_s: float, wait: Callable[[float], None]) -> bool:
    ends = time.monotonic() + timeout_s
    while birth(server.pid) == server.born:
        if time.monotonic() > ends:
            return False
        wait(_LOOK_S)
    return True


def _is_its(found: Running, process: subprocess.Popen[bytes]) -> bool:
    # The python.exe of a virtual environment on Windows starts another one, which is the server.
    return found.pid == process.pid or sys.platform == "win32"


def _spawn(
    argv: Sequence[str], path: str, secret: Secret[str] | None, environ: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    import subprocess

    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    try:
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise StateWriteFailed(f"the log cannot be opened ({error.strerror})", where=path) from error
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL if secret is None else subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=None if environ is None else dict(environ),
            start_new_session=True,
            creationflags=flags,
        )
    except FileNotFoundError as error:
        raise DependencyMissing(f"there is no program {argv[0]}", where=path) from error
    except OSError as error:
        raise AccessDenied(f"{argv[0]} cannot be started ({error.strerror})", where=path) from error
    finally:
        os.close(log)
    if secret is not None and process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(secret.reveal().encode("utf-8") + b"\n")
    # Whoever started it may live long: it is waited for, so that it does not stay as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def _rotate(path: str) -> int:
    """Put a long log aside; how long the one that goes on is, in bytes."""
    try:
        size = os.path.getsize(path)
        if size <= MAX_LOG:
            return size
        os.replace(path, f"{path}.1")
    except FileNotFoundError:
        pass
    return 0


def _tail(path: str, begin: int) -> str:
    """The last lines that were written since, behind a colon and on one line; nothing for none."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(begin, size - _TAIL_BYTES))
        lines = file.read().decode("utf-8", "backslashreplace").splitlines()[-_TAIL_LINES:]
    said = "; ".join(printable(line.strip()) for line in lines if line.strip())
    return f": {said}" if said else ""
