"""Slows down who guesses passwords: failures are counted for an address, for a user, and for both together.

Each count is a bucket that leaks: a failure adds one, and one leaks every `every_s` seconds. A full bucket
lets nobody try until one has leaked. Success empties nothing, or whoever has an account could clear his
address between guesses at others'. A user who logged in from an address before has a bucket of their own
there, so that neither guesses from elsewhere nor those of a neighbour behind the same address keep them out.

The tables are bounded. When one is full, a newcomer takes the place of the emptiest bucket and what is in it
(the space-saving counter of Metwally, Agrawal and El Abbadi): so a flood of addresses or names makes nobody's
count less.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

_KNOWN = 4096


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures at once, and then one more every so many seconds."""

    burst: int
    every_s: float


class Buckets:
    """Leaking buckets by key, at most `most` of them. Not locked."""

    def __init__(self, limit: Limit, most: int) -> None:
        self._limit = limit
        self._most = most
        # Until when it leaks, in seconds: a bucket is empty at that time, and full `burst * every_s` before.
        self._empty_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._empty_at)

    def wait(self, key: str, now: float) -> float:
        """Seconds until one more failure fits; 0 if it fits now."""
        room_at = self._empty_at.get(key, now) - (self._limit.burst - 1) * self._limit.every_s
        return max(0.0, room_at - now)

    def add(self, key: str, now: float) -> None:
        """One more failure."""
        empty_at = self._empty_at.pop(key, now)
        if len(self._empty_at) >= self._most:
            emptiest = min(self._empty_at, key=self._empty_at.__getitem__)
            empty_at = max(empty_at, self._empty_at.pop(emptiest))
        # A bucket holds no more than its burst: who goes on against a closed door does not wait for ever.
        full = now + self._limit.burst * self._limit.every_s
        self._empty_at[key] = min(max(empty_at, now) + self._limit.every_s, full)


class Throttle:
    """Says whether an address may try to log in as a user. Threads may share it; the clock is in seconds."""

    def __init__(
        self,
        *,
        address: Limit = Limit(10, 10.0),
        user: Limit = Limit(50, 10.0),
        most: int = 4096,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._addresses = Buckets(address, most)
        self._users = Buckets(user, most)
        self._pairs = Buckets(address, most)
        self._known: dict[tuple[str, str], None] = {}

    def allowed(self, address: str, user: str) -> float | None:
        """None if it may try now, else the seconds until it may."""
        block, now = network(address), self._clock()
        with self._lock:
            if (block, user) in self._known:
                wait = self._pairs.wait(_pair(block, user), now)
            else:
                wait = max(self._addresses.wait(block, now), self._users.wait(user, now))
        return wait or None

    def failed(self, address: str, user: str) -> None:
        """It tried, and the password was wrong."""
        block, now = network(address), self._clock()
        with self._lock:
            if (block, user) in self._known:
                self._pairs.add(_pair(block, user), now)
            else:
                self._addresses.add(block, now)
                self._users.add(user, now)

    def succeeded(self, address: str, user: str) -> None:
        """It logged in; the last few thousand that did are remembered."""
        key = (network(address), user)
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = None
            if len(self._known) > _KNOWN:
                del self._known[next(iter(self._known))]


def _pair(block: str, user: str) -> str:
    return f"{block} {user}"


@lru_cache(maxsize=1024)
def network(address: str) -> str:
    """Who stands behind an address: itself for IPv4, its /64 for IPv6; other text as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(found) >> 64 << 64)) + "/64"
