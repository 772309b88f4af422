"""A lock, and the name of what it is on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, get_args

from skycap.core.errors import UsageError
from skycap.core.location import Location
from skycap.core.paths import to_bytes
from skycap.core.storage.interface import Storage
from skycap.core.units import KiB

Scope = Literal["exclusive", "shared"]

TOKEN_MAX = 1024
"""Bytes of a token: what the longest lock id of WOPI has."""
OWNER_MAX = 16 * KiB
"""Bytes of what a client says about itself."""
NEVER_NS = 2**63 - 1
"""The last nanosecond that both databases can hold, in the year 2262."""


def resource_key(place: Storage | Location, path: str = "") -> str:
    """The one name of a resource, whichever remote or door it is reached by.

    The identity of the storage and the path in it, joined by a slash: `local:/srv/docs/a`. Keys form a tree
    by their slashes. With a `Location`, `path` is below it.
    """
    if isinstance(place, Location):
        return resource_key(place.storage, place.below(path))
    base = place.identity
    if os.name == "nt":
        base = base.replace("\\", "/")
    base = base.rstrip("/")
    return f"{base}/{path}" if path else base


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on one resource, or with `deep` on all below it too. `UsageError` for one that cannot be stored.

    To ask for one, `Lock.wanted` says for how long; the store sets both times by its own clock.
    """

    resource: str
    """A `resource_key`."""
    token: str
    """What its holder shows: 1 to 1,024 bytes in UTF-8."""
    door: str
    """Which server gave it: `webdav`, `wopi`."""
    scope: Scope = "exclusive"
    deep: bool = False
    principal: str | None = None
    """Who alone may use the token; None: whoever knows it."""
    owner: str = ""
    """What the client says about itself, as it came: XML or text of 16 KiB at most."""
    created_at_ns: int = 0
    """Nanoseconds since the epoch, by the clock of the store."""
    expires_at_ns: int | None = None
    """The same; from then on the lock is none. None: it does not end by itself."""

    def __post_init__(self) -> None:
        """Refuse what a database could not hold."""
        if self.scope not in get_args(Scope):
            raise UsageError(f"a lock is exclusive or shared, not {self.scope!r}")
        if not self.resource or not self.door:
            raise UsageError("a lock is on a resource, and given by a door")
        for what, text, limit in (("token", self.token, TOKEN_MAX), ("owner", self.owner, OWNER_MAX)):
            if len(encode(text)) > limit:
                raise UsageError(f"the {what} of a lock has at most {limit:,} bytes")
        check_token(self.token)
        encode(self.resource + self.door + (self.principal or ""))

    @classmethod
    def wanted(
        cls,
        resource: str,
        token: str,
        *,
        door: str,
        scope: Scope = "exclusive",
        deep: bool = False,
        principal: str | None = None,
        owner: str = "",
        timeout_s: float | None,
    ) -> Lock:
        """A lock to ask for, for that many seconds from the moment it is given; None: without end."""
        return cls(resource, token, door, scope, deep, principal, owner, 0, later(0, timeout_s))

    @property
    def timeout_ns(self) -> int | None:
        """For how long it was given, in nanoseconds; None: without end."""
        return None if self.expires_at_ns is None else self.expires_at_ns - self.created_at_ns


def check_token(token: str) -> None:
    """`UsageError` unless it has 1 to 1,024 bytes."""
    if not 0 < len(encode(token)) <= TOKEN_MAX:
        raise UsageError(f"the token of a lock has 1 to {TOKEN_MAX:,} bytes")


def later(now_ns: int, timeout_s: float | None) -> int | None:
    """When that many seconds from `now_ns` have passed; None: never. `UsageError` for no time at all."""
    if timeout_s is None:
        return None
    if not timeout_s > 0:
        raise UsageError("a lock is given for more than no time")
    # Before it is made a whole number: infinity cannot be.
    return NEVER_NS if timeout_s >= NEVER_NS / 1e9 else min(now_ns + round(timeout_s * 1e9), NEVER_NS)


def encode(text: str) -> bytes:
    """Text as it lies in a database; `UsageError` for characters that stand for nothing."""
    try:
        return to_bytes(text)
    except UnicodeEncodeError as error:
        raise UsageError("a lock cannot hold half a character") from error


def decode(stored: bytes) -> str:
    """What `encode` was given."""
    return stored.decode("utf-8", "surrogateescape")
