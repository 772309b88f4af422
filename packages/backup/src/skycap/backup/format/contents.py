"""Contents: the ids of a file or directory, inline where they are few, else behind levels of lists.

    content = [depth, ids]        list = tree blob [2, depth - 1, ids]

Lists end where an id says so, so that an insertion into a file of many TiB rewrites one of each level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from skycap.backup.format import limits, packed
from skycap.backup.format.keys import ID_SIZE
from skycap.core.errors import Damaged

TAG = 2
INLINE = 256
_LEAST = 1_024
_MOST = 32_768
_EVERY = 4_096


class Content(NamedTuple):
    """Ids of 32 bytes, joined, and how many levels of lists are above the blobs."""

    depth: int = 0
    ids: bytes = b""


def check_content(value: Any) -> Content:
    """A content as msgpack gives it. Raises Damaged for anything else."""
    if type(value) is not tuple or len(value) != 2:
        raise Damaged("a content is a depth and ids")
    depth, ids = value
    if (
        type(depth) is not int
        or not 0 <= depth <= limits.DEPTH
        or type(ids) is not bytes
        or len(ids) % ID_SIZE
    ):
        raise Damaged("a content is a depth and ids")
    return Content(depth, ids)


class ContentWriter:
    """Takes ids in order, in memory of one list a level. `store` keeps a tree blob and gives its id."""

    def __init__(self, store: Callable[[bytes], bytes]) -> None:
        self._store = store
        self._levels = [bytearray()]
        self._cut = [False]

    def add(self, blob_id: bytes, level: int = 0) -> None:
        """The next id."""
        if level == len(self._levels):
            self._levels.append(bytearray())
            self._cut.append(False)
        ids = self._levels[level]
        ids += blob_id
        count = len(ids) // ID_SIZE
        if count >= _MOST or (count >= _LEAST and int.from_bytes(blob_id[:4], "little") % _EVERY == 0):
            self._flush(level)

    def _flush(self, level: int) -> None:
        raw = packed.dumps((TAG, level, bytes(self._levels[level])))
        self._levels[level].clear()
        self._cut[level] = True
        self.add(self._store(raw), level + 1)

    def finish(self) -> Content:
        """The content of all that was added."""
        level = 0
        while self._cut[level] or len(self._levels[level]) > INLINE * ID_SIZE:
            if self._levels[level]:
                self._flush(level)
            level += 1
        return Content(level, bytes(self._levels[level]))


def expand(content: Content, load: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """The ids of the blobs, in order. `load` gives the raw bytes of a tree blob.

    Raises Damaged for a list that is none, or of another level.
    """
    below = [_ids(content.ids)]
    while below:
        depth = content.depth - len(below) + 1
        one = next(below[-1], None)
        if one is None:
            below.pop()
        elif not depth:
            yield one
        else:
            below.append(_ids(_list(load(one), depth - 1)))


def _ids(joined: bytes) -> Iterator[bytes]:
    return (joined[at : at + ID_SIZE] for at in range(0, len(joined), ID_SIZE))


def _list(raw: bytes, depth: int) -> bytes:
    tag, level, ids = packed.loads(raw, "a list of blobs", length=3)
    if tag != TAG or level != depth:
        raise Damaged("a list of blobs is something else, or of another level")
    return check_content((level, ids)).ids
