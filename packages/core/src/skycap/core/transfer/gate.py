"""How many files move at once: more while it goes well, half as many when the store says slow down.

Additive increase, multiplicative decrease, as TCP does it. And as there, what was under way when the limit
was halved may complain once more without halving it again: it is the same jam.
"""

from __future__ import annotations

import threading
from types import TracebackType

from skycap.core.errors import Error, RateLimited, Timeout

_CLEAN = 32


class Gate:
    """At most `limit` are inside; the limit moves between 1 and `ceiling`."""

    def __init__(self, ceiling: int) -> None:
        self.ceiling = max(ceiling, 1)
        self.limit = self.ceiling
        self._inside = 0
        self._clean = 0
        self._jammed = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            while self._inside >= self.limit:
                self._changed.wait()
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._inside -= 1
            if self._jammed:
                self._jammed -= 1
            elif self.limit < self.ceiling:
                self._clean += 1
                if self._clean >= _CLEAN:
                    self.limit += 1
                    self._clean = 0
                    self._changed.notify()
            self._changed.notify()

    def slow_down(self, error: Error) -> None:
        """Halve the limit, if this error is about load."""
        if isinstance(error, RateLimited | Timeout):
            with self._changed:
                if not self._jammed:
                    self.limit = max(self.limit // 2, 1)
                    self._jammed = self._inside
                self._clean = 0
