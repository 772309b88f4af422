"""How many uploads an account starts a minute."""

from __future__ import annotations

import math
import threading
from collections import defaultdict, deque

from skycap.internxt.emulator.settings import Settings

_WINDOW_S = 60


class Starts:
    """A window of one minute for each account."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._times: defaultdict[int, deque[float]] = defaultdict(deque)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._times.clear()

    def wait_s(self, account: int, limit: int) -> int:
        """Count one, or say after how many seconds another may come. 0: it was counted."""
        now = self._settings.now()
        with self._lock:
            times = self._times[account]
            while times and times[0] <= now - _WINDOW_S:
                times.popleft()
            if len(times) < limit:
                times.append(now)
                return 0
            return max(1, math.ceil((times[0] if times else now) + _WINDOW_S - now))
