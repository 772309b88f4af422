"""Index objects: which blob lies in which pack, and which packs are gone for good.

    body = [1, packs, dropped, replaces, extra]

The index is a set that only grows, of packs, less another that only grows, of dropped packs: whatever order
its objects appear in, and whoever wrote an old one late, a dropped pack stays dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from skycap.backup.format import limits, packed, sealed
from skycap.backup.format.keys import Keys, Kind, ObjectType
from skycap.backup.format.names import HASH_SIZE
from skycap.backup.format.packs import PackInfo
from skycap.backup.format.tables import read_columns
from skycap.core.errors import Damaged

_VERSION = 1
_WHAT = "an index object"
DROPS_KEPT_S = 90 * 24 * 3600
"""Seconds for which whoever replaces index objects carries their dropped packs over."""


@dataclass(frozen=True)
class IndexObject:
    """One index object. `dropped` is by name the time, seconds since 1970; names have 32 bytes."""

    packs: tuple[PackInfo, ...] = ()
    dropped: Mapping[bytes, int] | None = None
    replaces: tuple[bytes, ...] = ()

    @property
    def blobs(self) -> int:
        """How many entries it has; a writer stores it before they are `limits.INDEX_BLOBS_WRITTEN`."""
        return sum(len(pack.table) for pack in self.packs)


def seal_index(keys: Keys, index: IndexObject, *, salt: bytes | None = None) -> bytes:
    """The stored bytes of an index object."""
    packs = [(pack.name, pack.size, int(pack.kind), *pack.table.columns()) for pack in index.packs]
    by_time: dict[int, list[bytes]] = {}
    for name, time_s in (index.dropped or {}).items():
        by_time.setdefault(time_s, []).append(name)
    dropped = [(time_s, b"".join(sorted(names))) for time_s, names in sorted(by_time.items())]
    body = packed.dumps((_VERSION, packs, dropped, b"".join(index.replaces), {}))
    return sealed.seal(keys, ObjectType.INDEX, body, salt=salt)


def open_index(keys: Keys, stored: bytes | memoryview) -> IndexObject:
    """An index object. Raises what `open_sealed` does, and Damaged for a body that is none."""
    body = packed.loads(sealed.open_sealed(keys, ObjectType.INDEX, stored), _WHAT, length=5)
    version, packs, dropped, replaces, extra = body
    if (
        version != _VERSION
        or type(packs) is not tuple
        or type(dropped) is not tuple
        or type(extra) is not dict
    ):
        raise _malformed()
    return IndexObject(tuple(map(_pack, packs)), _drops(dropped), split_names(replaces, _WHAT))


def _pack(row: Any) -> PackInfo:
    if type(row) is not tuple or len(row) != 7:
        raise _malformed()
    name, size, number, *columns = row
    if type(name) is not bytes or len(name) != HASH_SIZE or type(size) is not int or type(number) is not int:
        raise _malformed()
    try:
        kind = Kind(number)
    except ValueError:
        raise _malformed() from None
    table = read_columns(kind, tuple(columns), _WHAT)
    if not table.end < size <= limits.PACK:
        raise Damaged("an index object lists a pack that is smaller than its blobs")
    return PackInfo(name, size, kind, table)


def _drops(rows: tuple[Any, ...]) -> dict[bytes, int]:
    dropped = {}
    for row in rows:
        if type(row) is not tuple or len(row) != 2 or type(row[0]) is not int:
            raise _malformed()
        dropped.update(dict.fromkeys(split_names(row[1], _WHAT), row[0]))
    return dropped


def split_names(joined: Any, what: str) -> tuple[bytes, ...]:
    """Names of 32 bytes that were joined. Raises Damaged for anything else."""
    if type(joined) is not bytes or len(joined) % HASH_SIZE:
        raise Damaged(f"{what} is not well-formed: these are no names")
    return tuple(joined[at : at + HASH_SIZE] for at in range(0, len(joined), HASH_SIZE))


def _malformed() -> Damaged:
    return Damaged(f"{_WHAT} is not well-formed")


def needless(objects: Mapping[bytes, IndexObject]) -> set[bytes]:
    """The names of those index objects that another one of these replaces, and that need not be read."""
    return {old for name, one in objects.items() for old in one.replaces if old != name} & objects.keys()


def merged(objects: Iterable[IndexObject]) -> tuple[dict[bytes, PackInfo], dict[bytes, int]]:
    """The packs of the repository by name, and the dropped ones with the latest time of each."""
    packs: dict[bytes, PackInfo] = {}
    dropped: dict[bytes, int] = {}
    for one in objects:
        packs.update((pack.name, pack) for pack in one.packs)
        for name, time_s in (one.dropped or {}).items():
            dropped[name] = max(time_s, dropped.get(name, time_s))
    for name in dropped.keys() & packs.keys():
        del packs[name]
    return packs, dropped


def replacement(
    objects: Mapping[bytes, IndexObject], listed: Iterable[bytes], now_s: int
) -> tuple[dict[bytes, int], tuple[bytes, ...]]:
    """What one object in the place of all carries over: drops that are young enough, and what it replaces.

    `objects` are those that were read, `listed` the names of all that are there, needless ones included.
    """
    _, dropped = merged(objects.values())
    kept = {name: time_s for name, time_s in dropped.items() if time_s > now_s - DROPS_KEPT_S}
    return kept, tuple(sorted(listed))
