"""What no transfer may do: copy a place onto itself, or into itself."""

from __future__ import annotations

import os

from skycap.core.errors import UsageError
from skycap.core.location import Location
from skycap.core.storage.capability import Capability

_BESIDE = "Choose a target beside the source."


def refuse_overlap(source: Location, target: Location) -> None:
    """`UsageError` if the two are the same place, or one lies inside the other."""
    ours, theirs = _local(source), _local(target)
    if ours is not None and theirs is not None:
        here, there = _lineage(ours), _lineage(theirs)
        same = here[0] == there[0]
        inside, around = here[0] in there[1:], there[0] in here[1:]
    elif source.storage.identity == target.storage.identity:
        same = source.path == target.path
        inside, around = _below(target.path, source.path), _below(source.path, target.path)
    else:
        return
    if same:
        raise UsageError("source and target are the same", where=target.shown(), hint=_BESIDE)
    if inside:
        raise UsageError("the target is inside the source", where=target.shown(), hint=_BESIDE)
    if around:
        raise UsageError("the source is inside the target", where=source.shown(), hint=_BESIDE)


def _local(location: Location) -> str | None:
    """Where it is on this machine, also where overlays do not let one get at the files themselves."""
    storage = location.storage
    while not storage.can(Capability.LOCAL_PATH):
        inner = getattr(storage, "inner", None)
        if inner is None or inner.identity != storage.identity:
            return None
        storage = inner
    return os.path.realpath(storage.local_path(location.path))


def _lineage(path: str) -> list[tuple[object, ...]]:
    """What stands for the path itself and for each folder above it, however it is reached or spelled."""
    found: list[tuple[object, ...]] = []
    while True:
        try:
            info = os.stat(path)
        except OSError:
            found.append((path,))
        else:
            found.append((info.st_dev, info.st_ino))
        parent = os.path.dirname(path)
        if parent == path:
            return found
        path = parent


def _below(path: str, parent: str) -> bool:
    return path != parent and (not parent or path.startswith(f"{parent}/"))
