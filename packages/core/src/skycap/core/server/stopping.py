"""A signal stops a server in good order; a second one stops it now.

Handlers in Python run in the main thread, between two steps of whatever it does, and stopping takes locks
that it may hold. So handlers do nothing: a thread reads which signals came, and another one calls what stops
the server.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[list[int]]:
    """While entered, the first SIGTERM or SIGINT calls `stop` in a thread; a second one ends the process.

    Gives the list of signals that came, and leaves when `stop` is done. What handled the signals before does
    so again afterwards. Outside of the main thread signals cannot be caught, and are not.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    stopper = threading.Thread(target=stop, name="skycap-stop", daemon=True)
    watcher = threading.Thread(target=_watch, args=(reading, came, stopper), daemon=True)
    watcher.start()
    before = {one: signal.signal(one, _nothing) for one in SIGNALS}
    previous = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield came
        if stopper.ident is not None:
            stopper.join()  # still listening: a second signal ends what hangs
    finally:
        signal.set_wakeup_fd(previous)
        for one, handler in before.items():
            signal.signal(one, handler)
        writing.close()
        watcher.join()
        reading.close()


def _nothing(number: int, frame: FrameType | None) -> None:
    """Be there, so that the signal is written down."""


def _watch(reading: socket.socket, came: list[int], stopper: threading.Thread) -> None:
    while data := _next(reading):
        if data[0] not in SIGNALS:
            continue
        came.append(data[0])
        if len(came) > 1:
            os._exit(128 + data[0])
        stopper.start()


def _next(reading: socket.socket) -> bytes:
    with contextlib.suppress(ConnectionError):
        return reading.recv(1)
    return b""


def _forget_parent() -> None:
    """A child that was forked tells its parent of no signals."""
    if threading.current_thread() is threading.main_thread():
        signal.set_wakeup_fd(-1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
