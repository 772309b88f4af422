"""What waits for a worker: put in by one thread, taken out by many, a few at a time.

An executor's own queue costs a future, a lock and a change of threads for each file, which is more than a
small file costs. Here a worker takes its fair share of what waits at once, and whoever fills it sleeps until
half of it is gone.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Backlog(Generic[T]):
    """At most `most` things wait for `takers` threads, each of which gets up to `share` of them at a time."""

    def __init__(self, takers: int, *, most: int, share: int) -> None:
        self._takers = takers
        self._most = most
        self._share = share
        self._waiting: deque[tuple[T, bool]] = deque()
        self._ended = False
        self._idle = 0
        lock = threading.Lock()
        self._something = threading.Condition(lock)
        self._space = threading.Condition(lock)

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, item: T, *, alone: bool = False) -> bool:
        """One more; waits while too many are there. False if nobody is free to take it at once.

        What is to go `alone` is large: nothing else is to wait behind it while others have nothing to do.
        """
        with self._space:
            while len(self._waiting) >= self._most and not self._ended:
                self._space.wait()
            self._waiting.append((item, alone))
            if self._idle:
                self._something.notify()
                return True
            return False

    def take(self) -> list[T]:
        """The next ones; waits while there are none, and is empty when no more will come."""
        with self._something:
            while not self._waiting:
                if self._ended:
                    return []
                self._idle += 1
                self._something.wait()
                self._idle -= 1
            item, alone = self._waiting.popleft()
            taken = [item]
            fair = 1 if alone else min(self._share, 1 + len(self._waiting) // self._takers)
            while len(taken) < fair and not self._waiting[0][1]:
                taken.append(self._waiting.popleft()[0])
            if len(self._waiting) <= self._most // 2:
                self._space.notify()
            return taken

    def end(self, *, drop: bool = False) -> None:
        """No more will come; with `drop`, what waits is not wanted any more."""
        with self._something:
            self._ended = True
            if drop:
                self._waiting.clear()
            self._something.notify_all()
            self._space.notify_all()
