"""What lies in a pack, in four columns: ids, stored lengths, raw lengths, codecs.

Columns, because a reader of millions of entries slices them without parsing one. Offsets are sums of lengths:
blobs cannot overlap, and the sum must meet the footer.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from skycap.backup.format import limits
from skycap.backup.format.blobs import OVERHEAD, RAW_LIMITS
from skycap.backup.format.compression import Codec
from skycap.backup.format.keys import ID_SIZE, Kind
from skycap.core.errors import Damaged

PACK_HEADER_SIZE = 8
Columns = tuple[bytes, bytes, bytes, bytes]
Entry = tuple[bytes, int, int, int, int]
"""Id, offset in the pack, stored length, raw length, codec."""


class BlobTable:
    """The blobs of one pack, in their order."""

    __slots__ = ("codecs", "ids", "lengths", "raw_lengths")

    def __init__(self, ids: bytes, lengths: Sequence[int], raw_lengths: Sequence[int], codecs: bytes) -> None:
        self.ids, self.lengths, self.raw_lengths, self.codecs = ids, lengths, raw_lengths, codecs

    def __len__(self) -> int:
        return len(self.codecs)

    def __iter__(self) -> Iterator[Entry]:
        ids = [self.ids[at : at + ID_SIZE] for at in range(0, len(self.ids), ID_SIZE)]
        offsets = accumulate(self.lengths, initial=PACK_HEADER_SIZE)
        return zip(ids, offsets, self.lengths, self.raw_lengths, self.codecs, strict=False)

    @property
    def end(self) -> int:
        """The offset behind the last blob: that of the footer."""
        return PACK_HEADER_SIZE + sum(self.lengths)

    def columns(self) -> Columns:
        """As they are stored."""
        numbers = struct.Struct(f"<{len(self)}I")
        return self.ids, numbers.pack(*self.lengths), numbers.pack(*self.raw_lengths), self.codecs


def read_columns(kind: Kind, columns: tuple[Any, ...], what: str) -> BlobTable:
    """The table in four columns. Raises Damaged where it cannot describe a pack; `what` names it."""
    if len(columns) != 4 or any(type(column) is not bytes for column in columns):
        raise Damaged(f"{what} is not well-formed: a table of blobs has four columns")
    ids, lengths, raw_lengths, codecs = columns
    count = len(codecs)
    if (
        not 0 < count <= limits.PACK_BLOBS
        or len(ids) != ID_SIZE * count
        or not len(lengths) == len(raw_lengths) == 4 * count
    ):
        raise Damaged(f"{what} is not well-formed: the columns of a table of blobs have different lengths")
    table = BlobTable(ids, _numbers(lengths), _numbers(raw_lengths), codecs)
    if not _plausible(table, RAW_LIMITS[kind]):
        raise Damaged(f"{what} lists a blob of an impossible size or codec")
    return table


def _numbers(column: bytes) -> array[int]:
    """Four bytes a number in memory as well: as objects, those of ten million blobs take a GiB."""
    numbers = array("I", column)
    if sys.byteorder == "big":  # pragma: no cover # no such machine runs the tests
        numbers.byteswap()
    return numbers


def _plausible(table: BlobTable, most: int) -> bool:
    lengths, raws = table.lengths, table.raw_lengths
    return (
        min(lengths) > OVERHEAD
        and max(lengths) <= limits.BLOB_RAW + OVERHEAD
        and min(raws) > 0
        and max(raws) <= most
        and max(table.codecs) <= Codec.ZSTD
        and table.end < limits.PACK
        and all(
            codec or length == raw + OVERHEAD
            for length, raw, codec in zip(lengths, raws, table.codecs, strict=True)
        )
    )
