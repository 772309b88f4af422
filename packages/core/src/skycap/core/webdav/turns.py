"""One after the other, for whoever looks at a resource and changes it by what was seen.

A file system does not compare and replace in one step, and WebDAV promises it (`If-Match`, `Overwrite: F`).
So between the look and the change nobody else of this server changes the same resource. A store that can by
itself is asked to besides, since it may have other doors.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


class Turns:
    """Turns by the key of a resource. Bodies are not waited for within one."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._turns: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def at(self, *keys: str) -> Iterator[None]:
        """Have the turn at these resources while the block runs. Not to be asked for within another one."""
        with ExitStack() as stack:
            for key in sorted(set(keys)):  # in one order, so that nobody waits for who waits for them
                stack.enter_context(self._at(key))
            yield

    @contextmanager
    def _at(self, key: str) -> Iterator[None]:
        with self._guard:
            turn, count = self._turns.get(key, (threading.Lock(), 0))
            self._turns[key] = turn, count + 1
        try:
            with turn:
                yield
        finally:
            with self._guard:
                turn, count = self._turns[key]
                if count == 1:
                    del self._turns[key]
                else:
                    self._turns[key] = turn, count - 1
