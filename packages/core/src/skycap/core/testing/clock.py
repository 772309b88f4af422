"""A clock that only moves when it is told to, so that no test waits."""

from __future__ import annotations

import threading


class ManualClock:
    """Called, it tells nanoseconds since the epoch. Sleeping on it moves it. Threads may share it."""

    def __init__(self, start_ns: int = 1_700_000_000_000_000_000) -> None:
        self._now_ns = start_ns
        self._lock = threading.Lock()
        self.slept_s: list[float] = []

    def __call__(self) -> int:
        """Nanoseconds since the epoch."""
        with self._lock:
            return self._now_ns

    def monotonic(self) -> float:
        """The same in seconds, in the place of `time.monotonic`."""
        return self() / 1e9

    def advance(self, seconds: float) -> None:
        """Let that much time pass."""
        with self._lock:
            self._now_ns += round(seconds * 1e9)

    def sleep(self, seconds: float) -> None:
        """Let that much time pass and remember it, in the place of `time.sleep`."""
        with self._lock:
            self.slept_s.append(seconds)
        self.advance(seconds)
