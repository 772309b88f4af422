"""What no transfer may do: copy a place onto itself, or into itself."""

from __future__ import annotations

import os

from skycap.core.errors import UsageError
from skycap.core.location import Location
from skycap.core.storage.capability import Capability


def refuse_overlap(source: Location, target: Location) -> None:
    """`UsageError` if the two are the same place, or one lies inside the other."""
    ours, theirs = _address(source), _address(target)
    if ours is None or theirs is None or ours[0] != theirs[0]:
        return
    inner, outer = ours[1], theirs[1]
    if inner == outer:
        raise UsageError("source and target are the same", where=target.shown())
    if _below(outer, inner):
        raise UsageError(
            "the target is inside the source", where=target.shown(), hint="Choose a target beside the source."
        )
    if _below(inner, outer):
        raise UsageError(
            "the source is inside the target", where=source.shown(), hint="Choose a target beside the source."
        )


def _address(location: Location) -> tuple[str, str] | None:
    if location.storage.can(Capability.LOCAL_PATH):
        return "local", os.path.realpath(location.storage.local_path(location.path))
    return location.storage.identity, location.path


def _below(path: str, parent: str) -> bool:
    return not parent or path.startswith(
        parent.rstrip("/" + os.sep) + ("/" if os.sep not in parent else os.sep)
    )
