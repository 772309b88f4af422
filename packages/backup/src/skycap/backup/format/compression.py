"""zstd, one frame a blob, and never unpacked to more than was promised under authentication."""

from __future__ import annotations

import enum
from typing import Any

from skycap.core.crypto.hashing import Data
from skycap.core.errors import Damaged

_SAMPLE = 16 * 1024
_SAVING = 0.97
DEFAULT_LEVEL = 3


class Codec(enum.IntEnum):
    """How the bytes of a blob or object are packed before they are sealed."""

    RAW = 0
    ZSTD = 1


class Compressor:
    """Packs blobs at one level; one thread at a time."""

    def __init__(self, level: int = DEFAULT_LEVEL) -> None:
        import zstandard

        self._native: Any = zstandard.ZstdCompressor(level=level, write_checksum=False)

    def pack(self, raw: Data, *, sample: bool = True) -> tuple[Data, Codec]:
        """The smaller of both forms. With `sample`, two small pieces decide whether all of it is tried."""
        view = memoryview(raw).cast("B")
        size = len(view)
        if sample and size > 4 * _SAMPLE and not self._promising(view):
            return view, Codec.RAW
        packed: bytes = self._native.compress(view)
        return (packed, Codec.ZSTD) if len(packed) < size * _SAVING else (view, Codec.RAW)

    def _promising(self, view: memoryview) -> bool:
        middle = len(view) // 2
        for begin in (0, middle):
            piece = view[begin : begin + _SAMPLE]
            if len(self._native.compress(piece)) < len(piece) * _SAVING:
                return True
        return False


class Decompressor:
    """Unpacks into a buffer of exactly the size that must come out; one thread at a time."""

    def __init__(self) -> None:
        import zstandard

        self._native: Any = zstandard.ZstdDecompressor()
        self._content_size = zstandard.frame_content_size
        self._error = zstandard.ZstdError

    def unpack_into(self, packed: Data, out: memoryview) -> None:
        """Fill `out`. Raises Damaged where the frame does not say, or not hold, that many bytes."""
        size = len(out)
        try:
            # The size in the frame decides how much zstd allocates: it must be the one that was promised.
            if self._content_size(packed) != size:
                raise Damaged("a compressed piece says another size than was recorded")
            with self._native.stream_reader(packed) as reader:
                filled = 0
                while filled < size and (count := reader.readinto(out[filled:])):
                    filled += count
        except self._error as error:
            raise Damaged(f"a compressed piece cannot be unpacked ({error})") from None
        if filled != size:
            raise Damaged("a compressed piece is cut off")
