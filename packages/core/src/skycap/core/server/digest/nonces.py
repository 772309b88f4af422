"""Nonces: made without being remembered, good for a while, and each number counted once."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import threading
import time
from collections.abc import Callable

from skycap.core.crypto.compare import same

LIFE_S = 300.0
_WINDOW = 256
"""Requests of one client overtake each other by no more than that."""
_STAMP, _RANDOM, _MARK = 8, 12, 16


class Nonces:
    """Makes and counts nonces; threads may share it. The key lives and dies with this process."""

    def __init__(self, *, most: int = 4096, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = os.urandom(32)
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: dict[str, tuple[int, int]] = {}  # the highest number, and a bit for each below it
        self._forgotten = -1  # what was made up to then and is not in the table was used

    def make(self) -> str:
        """A fresh one."""
        text = self._now().to_bytes(_STAMP, "big") + os.urandom(_RANDOM)
        return base64.urlsafe_b64encode(text + self._sign(text)).decode("ascii")

    def use(self, nonce: str, count: int) -> bool:
        """Whether it is ours, has not expired, and was not used with this number before."""
        made = self._made(nonce)
        if made is None or not 0 <= self._now() - made <= LIFE_S * 1000 or count < 1:
            return False
        with self._lock:
            if nonce not in self._counted and made <= self._forgotten:
                return False
            highest, seen = self._counted.get(nonce, (0, 0))
            if count > highest:
                shift = min(count - highest, _WINDOW)
                seen = (seen << shift | 1) & ((1 << _WINDOW) - 1)
                highest = count
            else:
                bit = 1 << (highest - count)
                if highest - count >= _WINDOW or seen & bit:
                    return False
                seen |= bit
            self._counted[nonce] = highest, seen
            if len(self._counted) > self._most:
                self._forget()
        return True

    def _forget(self) -> None:
        oldest = min(self._counted, key=lambda nonce: self._made(nonce) or 0)
        self._forgotten = max(self._forgotten, self._made(oldest) or 0)
        del self._counted[oldest]

    def _made(self, nonce: str) -> int | None:
        try:
            raw = base64.b64decode(nonce, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        text, mark = raw[: _STAMP + _RANDOM], raw[_STAMP + _RANDOM :]
        return int.from_bytes(text[:_STAMP], "big") if same(mark, self._sign(text)) else None

    def _sign(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, "sha256")[:_MARK]

    def _now(self) -> int:
        return int(self._clock() * 1000)
