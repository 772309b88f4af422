"""Marks: packs and index objects that are going to be deleted. A mark is never taken back.

body = [1, time_ns, run (16), data packs, tree packs, index objects, extra]
"""

from __future__ import annotations

from dataclasses import dataclass

from skycap.backup.format import packed, sealed
from skycap.backup.format.index import split_names
from skycap.backup.format.keys import Keys, ObjectType
from skycap.core.errors import Damaged

_VERSION = 1
_RUN_SIZE = 16
_WHAT = "a mark"


@dataclass(frozen=True)
class Mark:
    """What one pruning wants deleted, by names of 32 bytes; `time_ns` is its clock, and decides nothing."""

    time_ns: int
    run: bytes
    data: tuple[bytes, ...] = ()
    tree: tuple[bytes, ...] = ()
    index: tuple[bytes, ...] = ()


def seal_mark(keys: Keys, mark: Mark, *, salt: bytes | None = None) -> bytes:
    """The stored bytes of a mark."""
    names = (b"".join(sorted(group)) for group in (mark.data, mark.tree, mark.index))
    body = packed.dumps((_VERSION, mark.time_ns, mark.run, *names, {}))
    return sealed.seal(keys, ObjectType.MARK, body, compress=False, salt=salt)


def open_mark(keys: Keys, stored: bytes | memoryview) -> Mark:
    """A mark. Raises what `open_sealed` does, and Damaged for a body that is none."""
    body = packed.loads(sealed.open_sealed(keys, ObjectType.MARK, stored), _WHAT, length=7)
    version, time_ns, run, *groups, extra = body
    if version != _VERSION or type(time_ns) is not int or type(extra) is not dict or not is_run(run):
        raise Damaged(f"{_WHAT} is not well-formed")
    data, tree, index = (split_names(group, _WHAT) for group in groups)
    return Mark(time_ns, run, data, tree, index)


def is_run(value: object) -> bool:
    """Is it the id of a run, 16 bytes?"""
    return type(value) is bytes and len(value) == _RUN_SIZE
