"""Removing, copying and moving what stands at a place, with all below it."""

from __future__ import annotations

import secrets

from skycap.core.errors import Error
from skycap.core.paths import join, split
from skycap.core.webdav.answers import Refusal, refusal
from skycap.core.webdav.shares import Place

Failures = list[tuple[Place, Refusal]]
"""What could not be done, and why. Empty: all was done."""


def failed(place: Place, error: Error) -> tuple[Place, Refusal]:
    """One failure."""
    return place, refusal(error)


def sibling(place: Place) -> Place:
    """A place beside another, under a name that nobody has."""
    parent, name = split(place.path)[0], f".skycap-{secrets.token_hex(8)}"
    return Place(
        join(split(place.url)[0], name),
        place.share,
        place.storage,
        join(parent, name),
        f"{place.key.rpartition('/')[0]}/{name}",
    )
