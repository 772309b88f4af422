"""What a PROPFIND tells about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skycap.core.server.locks import Lock
from skycap.core.storage.entry import Entry
from skycap.core.webdav.shares import Place

_NO_PROPERTIES: Mapping[str, str] = {}


class Subject:
    """One resource: its entry, its name and its href.

    `near` is the place of itself or of the folder it is in, or None for the list of shares. Thousands of them
    come by in one answer, so they are plain.
    """

    __slots__ = ("dead", "entry", "href", "is_dir", "locks", "name", "near")

    def __init__(
        self,
        entry: Entry,
        name: str,
        href: str,
        near: Place | None,
        dead: Mapping[str, str] = _NO_PROPERTIES,
        locks: Sequence[Lock] = (),
    ) -> None:
        self.entry = entry
        self.is_dir = entry.is_dir
        self.name = name
        self.href = href
        self.near = near
        self.dead = dead
        self.locks = locks

    @property
    def key(self) -> str:
        """Its resource key."""
        if self.near is None:
            return ""
        return self.near.key if self.is_near else f"{self.near.key}/{self.name}"

    @property
    def is_near(self) -> bool:
        """Whether it is the place itself."""
        return self.near is not None and self.near.path == self.entry.path

    @property
    def is_top(self) -> bool:
        """Whether it is the top of a share, or the list of them."""
        return self.near is None or (self.near.is_top and self.is_near)
