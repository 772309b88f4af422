"""Packs: many blobs in one object.

    pack = "BKPK" | 1 | suite | kind | 0 | blobs | footer | length of the footer u32 | "KPKB"

A footer is a sealed object with the table of the blobs, padded so that the whole pack has a padded length.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass

from skycap.backup.format import limits, packed, sealed
from skycap.backup.format.blobs import OVERHEAD, BlobOpener, BlobSealer
from skycap.backup.format.keys import Keys, Kind, ObjectType
from skycap.backup.format.names import Folder, name_of
from skycap.backup.format.tables import PACK_HEADER_SIZE, BlobTable, read_columns
from skycap.core.crypto.hashing import Data
from skycap.core.errors import ConfigInvalid, Damaged, FormatUnsupported

_MAGIC = b"BKPK"
_END = b"KPKB"
_VERSION = 1
TRAILER_SIZE = 8
_TRAILER = struct.Struct("<I4s")
_LEAST = PACK_HEADER_SIZE + sealed.OVERHEAD + TRAILER_SIZE
_TYPES = {Kind.DATA: ObjectType.FOOTER_DATA, Kind.TREE: ObjectType.FOOTER_TREE}
FOLDERS = {Kind.DATA: Folder.DATA, Kind.TREE: Folder.TREE}
"""Where packs of each kind lie."""
_ROOM_FOR_FOOTER = limits.MIB


@dataclass(frozen=True)
class PackInfo:
    """A pack without its bytes: name (32 bytes), size in bytes, kind, and what is in it."""

    name: bytes
    size: int
    kind: Kind
    table: BlobTable


class PackWriter:
    """Gathers blobs of one kind in one buffer, which is used again for the next pack. One thread at a time.

    `target` is the size in bytes from which on the pack counts as full. Memory is what the largest pack took
    so far; at most the target, the largest blob and the footer.
    """

    def __init__(self, keys: Keys, kind: Kind, target: int) -> None:
        least, most = limits.PACK_TARGETS
        if not least <= target <= most:
            raise ConfigInvalid(f"a pack is closed at {least} to {most} bytes, not {target}")
        self.kind = kind
        self._keys = keys
        self._target = target
        self._sealer = BlobSealer(keys, kind)
        self._header = _MAGIC + bytes((_VERSION, keys.suite, kind, 0))
        room = target + limits.BLOB_RAW + OVERHEAD + _ROOM_FOR_FOOTER
        # A map of no file, and not a bytearray, which would write zeros into all of it.
        self._buffer = memoryview(mmap.mmap(-1, room + (room >> 5)))
        self._buffer[:PACK_HEADER_SIZE] = self._header
        self.reset()

    def reset(self) -> None:
        """Begin the next pack; views of the last one show garbage from now on."""
        self._end = PACK_HEADER_SIZE
        self._ids: list[bytes] = []
        self._lengths: list[int] = []
        self._raw_lengths: list[int] = []
        self._codecs = bytearray()

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def full(self) -> bool:
        """Is it time to finish this one?"""
        return self._end >= self._target or len(self._ids) >= limits.PACK_BLOBS_WRITTEN

    def add(
        self, blob_id: bytes, stored: Data, raw_length: int, codec: int, *, nonce: bytes | None = None
    ) -> int:
        """Seal what `Compressor.pack` gave into the buffer; how many bytes it takes there."""
        begin = self._room(memoryview(stored).nbytes + OVERHEAD)
        size = self._sealer.seal_into(blob_id, stored, self._buffer[begin : self._end], nonce=nonce)
        self._note(blob_id, size, raw_length, codec)
        return size

    def add_sealed(self, blob_id: bytes, stored: Data, raw_length: int, codec: int) -> int:
        """Copy a blob as it lies in another pack of this repository."""
        size = memoryview(stored).nbytes
        begin = self._room(size)
        self._buffer[begin : self._end] = stored
        self._note(blob_id, size, raw_length, codec)
        return size

    def _room(self, size: int) -> int:
        begin, end = self._end, self._end + size
        if self.full or not OVERHEAD < size <= limits.BLOB_RAW + OVERHEAD:
            raise ConfigInvalid("this pack is full, or the blob is larger than one may be")
        self._end = end
        return begin

    def _note(self, blob_id: bytes, size: int, raw_length: int, codec: int) -> None:
        self._ids.append(blob_id)
        self._lengths.append(size)
        self._raw_lengths.append(raw_length)
        self._codecs.append(codec)

    def finish(self, *, salt: bytes | None = None) -> tuple[PackInfo, memoryview]:
        """Footer and name: what the index needs, and the bytes to store, valid until `reset`."""
        if not self._ids:
            raise ConfigInvalid("a pack holds at least one blob")
        table = BlobTable(
            b"".join(self._ids), tuple(self._lengths), tuple(self._raw_lengths), bytes(self._codecs)
        )
        footer = sealed.seal(
            self._keys,
            _TYPES[self.kind],
            packed.dumps(table.columns()),
            context=self._header,
            compress=False,
            before=self._end + TRAILER_SIZE,
            salt=salt,
        )
        trailer = _TRAILER.pack(len(footer), _END)
        size = self._end + len(footer) + TRAILER_SIZE
        self._buffer[self._end : size] = footer + trailer
        view = self._buffer[:size]
        return PackInfo(name_of(view), size, self.kind, table), view


def footer_size(tail: Data, pack_size: int) -> int:
    """How many bytes at the end of a pack, its last eight included, must be read to have its footer.

    `tail` is the end of the pack, eight bytes or more. Raises Damaged where this is no end of a pack.
    """
    view = memoryview(tail).cast("B")
    if len(view) < TRAILER_SIZE or not _LEAST < pack_size <= limits.PACK:
        raise Damaged(f"no pack is {pack_size} bytes long, or its end is missing")
    length, magic = _TRAILER.unpack(view[-TRAILER_SIZE:])
    if magic != _END or not sealed.OVERHEAD < length <= pack_size - PACK_HEADER_SIZE - TRAILER_SIZE:
        raise Damaged("this is no pack, or it was cut off")
    return int(length) + TRAILER_SIZE


def read_footer(keys: Keys, kind: Kind, tail: Data, pack_size: int) -> BlobTable:
    """The table of a pack, from as much of its end as `footer_size` says, or more; nothing is copied.

    Raises Damaged for what is no footer or does not fit the size, TamperDetected for a footer that was
    changed or is of another kind or repository.
    """
    view = memoryview(tail).cast("B")
    size = footer_size(view, pack_size)
    if size > len(view):
        raise Damaged("the end of the pack is missing")
    header = _MAGIC + bytes((_VERSION, keys.suite, kind, 0))
    body = sealed.open_sealed(keys, _TYPES[kind], view[-size:-TRAILER_SIZE], context=header)
    table = read_columns(kind, packed.loads(body, "the footer of a pack", length=4), "the footer of a pack")
    if table.end != pack_size - size:
        raise Damaged("the blobs of a pack do not end where its footer begins")
    return table


def read_pack(keys: Keys, kind: Kind, pack: Data) -> PackInfo:
    """Header, footer and name of a whole pack; its blobs are not opened."""
    view = memoryview(pack).cast("B")
    if view[:4] != _MAGIC:
        raise Damaged("this is no pack")
    if view[4:5] != bytes((_VERSION,)):
        raise FormatUnsupported("the pack is of another version of the format")
    if view[:PACK_HEADER_SIZE] != _MAGIC + bytes((_VERSION, keys.suite, kind, 0)):
        raise Damaged("the pack is of another kind, or sealed with another cipher")
    return PackInfo(name_of(view), len(view), kind, read_footer(keys, kind, view, len(view)))


def verify_pack(keys: Keys, kind: Kind, pack: Data, opener: BlobOpener, out: memoryview) -> PackInfo:
    """Open every blob of a whole pack, each into `out`; for the check before an upload, and for `check`."""
    info = read_pack(keys, kind, pack)
    view = memoryview(pack).cast("B")
    for blob_id, offset, length, raw_length, codec in info.table:
        opener.open_into(blob_id, view[offset : offset + length], raw_length, codec, out)
    return info
