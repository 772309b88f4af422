"""Ctrl-C once stops in good order, twice stops now; so does the polite signal of the system."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping(cancel: threading.Event, say: Callable[[str], None]) -> Iterator[list[int]]:
    """While entered, the first signal sets `cancel`; a second one ends the process at once.

    Gives the list of signals that came. Outside of the main thread signals cannot be caught, and are not.
    """
    came: list[int] = []

    def first(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        came.append(number)
        cancel.set()
        for one in SIGNALS:
            signal.signal(one, signal.SIG_DFL)
        # The thread that draws may hold the lock of the terminal; a signal handler must not wait for it.
        threading.Thread(
            target=say, args=("Finishing what is in flight; once more stops now.",), daemon=True
        ).start()

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = {one: signal.signal(one, first) for one in SIGNALS}
    try:
        yield came
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def status_of(came: list[int]) -> int | None:
    """The exit status that a shell expects: 128 and the signal."""
    return 128 + came[0] if came else None
