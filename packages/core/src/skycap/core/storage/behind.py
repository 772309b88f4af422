"""The storage behind the overlays of a remote."""

from __future__ import annotations

from typing import TypeVar

from skycap.core.storage.interface import Storage

S = TypeVar("S", bound=Storage)


def backend(storage: Storage, kind: type[S]) -> S | None:
    """The storage of this type that stands behind retries and limits; None if there is none.

    It stops at an overlay that changes names or bytes: what is below an encrypted place is another place.
    What is asked of the backend itself is neither tried again nor counted against a limit.
    """
    from skycap.core.storage.overlays.overlay import Transparent

    found = storage
    while not isinstance(found, kind):
        if not isinstance(found, Transparent):
            return None
        found = found.inner
    return found
