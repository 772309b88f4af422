"""What no transfer may do: copy a place onto itself, or into itself; empty a target from an empty source."""

from __future__ import annotations

import os
from collections.abc import Iterator

from skycap.core.errors import UsageError
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Kind
from skycap.core.transfer.walk import Selects, fits

_BESIDE = "Choose a target beside the source."


def refuse_overlap(source: Location, target: Location) -> None:
    """`UsageError` if the two are the same place, or one lies inside the other."""
    if source.storage.identity == target.storage.identity:
        _refuse_pair(source, target)
        return
    for ours in _places(source):
        for theirs in _places(target):
            _refuse_pair(ours, theirs)


def _places(location: Location) -> Iterator[Location]:
    """The place, and those it stands on: a vault and the folder that its sealed files lie in."""
    yield location
    storage = location.storage
    while (inner := getattr(storage, "inner", None)) is not None:
        if inner.identity != storage.identity:
            yield Location(inner, getattr(storage, "base", ""), location.name)
        storage = inner


def _refuse_pair(source: Location, target: Location) -> None:
    ours, theirs = _local(source), _local(target)
    if ours is not None and theirs is not None:
        up, down = _lineage(ours), _lineage(theirs)
        same = up[0] == down[0]
        inside, around = up[0] in down[1:], down[0] in up[1:]
    elif source.storage.identity == target.storage.identity:
        here, there = source.path, target.path
        if not (source.storage.facts.case_sensitive and target.storage.facts.case_sensitive):
            here, there = here.casefold(), there.casefold()
        same = here == there
        inside, around = _below(there, here), _below(here, there)
    else:
        return
    if same:
        raise UsageError("source and target are the same", where=target.shown(), hint=_BESIDE)
    if inside:
        raise UsageError("the target is inside the source", where=target.shown(), hint=_BESIDE)
    if around:
        raise UsageError("the source is inside the target", where=source.shown(), hint=_BESIDE)


class Presence:
    """Notices, while a listing goes by, whether it holds any file that is to be at the target."""

    def __init__(self, select: Selects | None, *, links: bool) -> None:
        self._select = select
        self._links = links
        self.found = False

    def watch(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """The same entries; once there was a file, nobody looks at them any more."""
        self.found = False
        for entry in entries:
            if entry.kind is Kind.FILE:
                self.found = self._select is None or fits(entry, self._select)
            else:
                self.found = self._links and entry.kind is Kind.SYMLINK
            yield entry
            if self.found:
                break
        yield from entries


def place_itself(location: Location) -> object:
    """What tells a local folder from another one that took its name; None where there is no such thing."""
    local = _local(location)
    return None if local is None else _lineage(local)[0]


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
