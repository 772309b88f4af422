"""One after the other, for whoever looks at a resource and changes it by what was seen.

A file system does not compare and replace in one step, and WebDAV promises it (`If-Match`, `Overwrite: F`).
So between the look and the change nobody else of this server changes the same resource, nor what it is in,
nor what is in it: a tree that is moved file by file must not get new files meanwhile. A store that can by
itself is asked to besides, since it may have other doors.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Turns by the keys of resources, first come first served. Bodies are not waited for within one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._turns: list[tuple[str, ...]] = []  # of those who have one and those who wait, as they came

    @contextmanager
    def at(self, *keys: str) -> Iterator[None]:
        """Have the turn at these resources while the block runs. Not to be asked for within another one."""
        mine = tuple(f"{key}/" for key in keys)
        if not mine:
            yield
            return
        with self._changed:
            self._turns.append(mine)
            # Each waits only for who came before, so nobody waits for ever.
            self._changed.wait_for(lambda: not self._is_taken(mine))
        try:
            yield
        finally:
            with self._changed:
                self._turns = [other for other in self._turns if other is not mine]
                self._changed.notify_all()

    def _is_taken(self, mine: tuple[str, ...]) -> bool:
        for other in self._turns:
            if other is mine:
                return False
            if any(one.startswith(two) or two.startswith(one) for one in mine for two in other):
                return True
        return False
