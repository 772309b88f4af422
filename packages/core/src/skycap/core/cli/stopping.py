"""Ctrl-C once stops in good order, twice stops now; so does the polite signal of the system.

A handler in Python runs when the main thread gets to it, which may be long after; and what it calls may need
a lock that it interrupted. So handlers do nothing, and a thread of its own reads which signals came.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from skycap.core.cli.telling import tell
from skycap.core.errors import Interrupted
from skycap.core.retry import cut_waits, resume_waits
from skycap.core.units import format_size

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_S = 0.5


@contextmanager
def stopping(
    cancel: threading.Event,
    say: Callable[[str], None],
    *,
    in_flight: Callable[[], int] = int,
    clear: Callable[[], object] = list,
) -> Iterator[list[int]]:
    """While entered, the first signal sets `cancel`; a second one ends the process at once.

    `in_flight` tells how many bytes are still sent after the first, and `clear` takes away what is drawn
    after the second. Gives the list of signals that came. Outside of the main thread signals cannot be
    caught, and are not.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def first() -> None:
        left = in_flight()
        size = f" ({format_size(left)})" if left else ""
        say(f"Finishing what is in flight{size}; once more stops now.")

    def last() -> None:
        clear()
        tell("skycap: stopped")

    reading, writing = socket.socketpair()
    writing.setblocking(False)
    watcher = threading.Thread(target=_watch, args=(reading, came, cancel, first, last), daemon=True)
    watcher.start()
    before = {one: signal.signal(one, _nothing) for one in SIGNALS}
    previous = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield came
    finally:
        signal.set_wakeup_fd(previous)
        for one, handler in before.items():
            signal.signal(one, handler)
        writing.close()
        watcher.join()
        reading.close()
        resume_waits()


@contextmanager
def ends_at_once(came: list[int]) -> Iterator[None]:
    """While entered, within `stopping`, a signal is raised as `Interrupted`: a question waits, no transfer.

    `came` is what `stopping` gave.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        came.append(number)
        raise Interrupted("stopped")

    watched = signal.set_wakeup_fd(-1)
    before = {one: signal.signal(one, end) for one in SIGNALS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        signal.set_wakeup_fd(watched, warn_on_full_buffer=False)


def _nothing(number: int, frame: FrameType | None) -> None:
    """Be there, so that the signal is written down."""


def _watch(
    reading: socket.socket,
    came: list[int],
    cancel: threading.Event,
    first: Callable[[], None],
    last: Callable[[], None],
) -> None:
    while data := reading.recv(1):
        if data[0] not in SIGNALS:
            continue
        came.append(data[0])
        if len(came) == 1:
            cancel.set()
            cut_waits()
        # Whoever draws may hold the lock of the terminal; the second signal must not wait for it.
        telling = threading.Thread(target=first if len(came) == 1 else last, daemon=True)
        telling.start()
        if len(came) > 1:
            telling.join(_PATIENCE_S)
            os._exit(128 + data[0])


def _forget_parent() -> None:
    """A child that was forked tells its parent of no signals."""
    signal.set_wakeup_fd(-1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)


def status_of(came: list[int]) -> int | None:
    """The exit status that a shell expects: 128 and the signal."""
    return 128 + came[0] if came else None
