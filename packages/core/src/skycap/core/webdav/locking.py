"""Who may write, by the locks there are (RFC 4918, sections 6 and 7), and for how long."""

from __future__ import annotations

import re
from collections.abc import Collection

from skycap.core.server.locks import Lock, LockStore
from skycap.core.webdav.answers import locked
from skycap.core.webdav.shares import Place, Shares
from skycap.core.webdav.urls import encode

LONGEST_S = 3600.0
"""A client that dies keeps others out for so long at most; one that lives asks again."""


def wished_seconds(header: str | None) -> float:
    """How long a lock lasts for a header Timeout, `Second-600, Infinite`: its first wish, not for ever."""
    for wish in (header or "").split(","):
        if wish.strip().lower() == "infinite":
            return LONGEST_S
        if found := re.fullmatch(r"(?i)second-([0-9]{1,19})", wish.strip()):
            return min(max(float(found[1]), 1.0), LONGEST_S)
    return LONGEST_S


class Locking:
    """The locks on what is served. A resource is known by its key, so other doors' locks count too."""

    def __init__(self, store: LockStore, shares: Shares) -> None:
        self.store = store
        self._shares = shares

    def check(self, place: Place, tokens: Collection[str], user: str, *, deep: bool = False) -> None:
        """`Refusal` 423 unless each lock on a place was named by `tokens` and is the user's own.

        `deep`: locks below count as well, as they do for what removes or moves a tree.
        """
        found = list(self.store.covering(place.key))
        if deep:
            found += self.store.at_or_below(place.key)
        if foreign := {
            lock.resource for lock in found if not (lock.token in tokens and lock.principal == user)
        }:
            raise locked(*sorted(self.href(place, key) for key in foreign))

    def covering(self, place: Place) -> list[Lock]:
        """The locks that hold a place: its own, and those with depth infinity above it."""
        return list(self.store.covering(place.key))

    def href(self, near: Place, key: str) -> str:
        """The URL path of a resource, seen from a place of the same share; as near as can be told."""
        share = near.share
        top = self._shares.place(share.name)
        if top is not None and key == top.key:
            return encode(share.name, is_dir=True)
        if top is not None and key.startswith(f"{top.key}/"):
            below = key.removeprefix(f"{top.key}/")
            return encode(f"{share.name}/{below}" if share.name else below)
        if key == near.key:  # it lies beside the storage
            return encode(near.url)
        return encode(share.name, is_dir=True)  # above the share: a lock of another door
