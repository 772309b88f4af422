"""Keeping both: what stands at a target is renamed beside, before a new file takes its place."""

from __future__ import annotations

from skycap.core.errors import Conflict, NotFound, UsageError
from skycap.core.location import Location
from skycap.core.paths import join, split
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import IF_ABSENT
from skycap.core.storage.interface import Storage

_MOST = 10_000


def refuse_aside(target: Location, *, remove: bool) -> None:
    """`UsageError` for a sync, that would remove what was renamed; `Unsupported` where nothing can be."""
    if remove:
        raise UsageError(
            "--overwrite rename keeps what sync would remove as only at the target",
            where=target.shown(),
            hint="Copy in place of it.",
        )
    if not target.storage.can(Capability.RENAME):
        refusal = target.storage.refusal(Capability.RENAME)
        refusal.where = target.shown()
        refusal.hint = "--overwrite always or never says what else shall become of it."
        raise refusal


def set_aside(storage: Storage, path: str) -> str | None:
    """Rename a file to the first free name beside it, `a (1).txt`; its path then, None if it is gone."""
    folder, name = split(path)
    stem, dot, extension = name.rpartition(".")
    if not (stem and extension):
        stem, dot, extension = name, "", ""
    condition = IF_ABSENT if storage.can(Capability.RENAME_IF_ABSENT) else None
    for number in range(1, _MOST):
        free = join(folder, f"{stem} ({number}){dot}{extension}")
        if _is_there(storage, free):
            continue
        try:
            storage.rename(path, free, condition=condition)
        except NotFound:
            return None
        except Conflict:
            continue  # somebody took the name meanwhile
        return free
    raise Conflict("all names beside it are taken", where=storage.where(path))


def _is_there(storage: Storage, path: str) -> bool:
    try:
        storage.stat(path)
    except NotFound:
        return False
    return True
