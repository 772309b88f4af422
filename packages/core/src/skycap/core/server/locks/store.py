"""What every store of locks does, whatever lies under it.

Rules are those of RFC 4918, sections 6 and 7. An exclusive lock meets no other lock on the same resource, a
shared one meets shared ones. A deep lock is also on everything below it, so it meets what is there.

A lock whose time is over counts for nothing, whether or not it was purged. Times come from one clock a
database. Every change is one transaction. Threads may share a store; a process opens its own, also after a
fork.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from skycap.core.server.locks.lock import Lock

CONFLICTS_MAX = 1000
"""So many of the locks in the way an error carries at most."""


class LockStore(ABC):
    """Who holds what, until when. Errors: `StateReadFailed`, `StateWriteFailed`, `Timeout`, and as said."""

    @abstractmethod
    def now_ns(self) -> int:
        """Nanoseconds since the epoch by the clock of the store, to tell how long a lock still lives."""

    @abstractmethod
    def acquire(self, lock: Lock) -> Lock:
        """Take a lock if nothing is in its way, as one step; the lock with its times as they are stored.

        `Locked` carries what is in its way in `conflicts`, parents and the resource itself first, 1,000 at
        most. A lock of the same resource, token, door, principal, scope and depth is renewed.
        """

    @abstractmethod
    def refresh(
        self,
        resource: str,
        token: str,
        principal: str | None,
        timeout_s: float | None,
        *,
        door: str | None = None,
    ) -> Lock:
        """Let the lock of that token live for `timeout_s` seconds from now on; None: without end.

        `resource` is its own or lies in its depth. `NotFound` if nothing is locked there, `Locked` with what
        holds it if that token does not, `AccessDenied` if the lock is another principal's. With `door`, only
        locks of that door are found.
        """

    @abstractmethod
    def replace(
        self,
        resource: str,
        old_token: str,
        new_token: str,
        *,
        principal: str | None = None,
        timeout_s: float | None,
        door: str | None = None,
    ) -> Lock:
        """Give a lock on just this resource another token, and time from now on, as one step.

        Errors are those of `refresh`; `Locked` also if another lock of the door there has the new token.
        """

    @abstractmethod
    def release(self, resource: str, token: str, principal: str | None, *, door: str | None = None) -> Lock:
        """Give a lock back; it is returned as it was. Errors are those of `refresh`."""

    @abstractmethod
    def covering(self, resource: str) -> tuple[Lock, ...]:
        """The locks on a resource: deep ones of its parents from the root down, its own; then by age."""

    @abstractmethod
    def at_or_below(self, resource: str) -> tuple[Lock, ...]:
        """The locks on a resource itself and on all below it, in the order of their bytes, then by age."""

    @abstractmethod
    def held(self, token: str) -> tuple[Lock, ...]:
        """The locks of that token, on whatever resource: the ids that WOPI clients choose are not unique."""

    @abstractmethod
    def drop_below(self, resource: str) -> int:
        """Forget the locks on a resource and on all below it, after it was removed or moved; how many."""

    @abstractmethod
    def purge(self) -> int:
        """Remove what is over; how many. `acquire` does it too, so nobody has to."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections and files. Twice is fine; afterwards the store is of no use."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
