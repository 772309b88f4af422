"""Chunks whose ends the content decides, so that an insertion changes only the chunks around it.

The algorithm is FastCDC as of 2020: Xia and others, "The Design of Fast Content-Defined Chunking for Data
Deduplication Based Storage Systems", IEEE TPDS 31 (9), with the gear table and the masks of the fastcdc
crate's `v2020`. The chunks of a repository depend on every bit of it: the tests hold a second
implementation, and vectors, so that another version of the package cannot change it unnoticed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from skycap.core.chunking.filling import Reader, fill
from skycap.core.errors import ConfigInvalid, DependencyMissing

if TYPE_CHECKING:
    from typing_extensions import Buffer

_KIB = 1024
_MIB = 1024 * 1024
_SMALLEST_WINDOW = _MIB
_LIMITS = {"min": (64, _MIB), "avg": (256, 4 * _MIB), "max": (_KIB, 16 * _MIB)}


class Chunker:
    """Cuts bytes into chunks of `min_size` to `max_size` bytes; only the last may be smaller.

    `avg_size` is where the cut gets easier, so the real mean is near `min_size + avg_size`. `normalization` 0
    to 3 is how hard sizes are pulled towards it. `seed` is mixed into the gear table; it makes cuts differ
    between repositories and is no protection by itself. One object serves one thread at a time.

    Raises ConfigInvalid for sizes outside 64 B to 1 MiB, 256 B to 4 MiB, 1 KiB to 16 MiB, out of order, or
    odd; DependencyMissing if the compiled package is not there.
    """

    def __init__(
        self,
        min_size: int = 512 * _KIB,
        avg_size: int = _MIB,
        max_size: int = 8 * _MIB,
        *,
        seed: int = 0,
        normalization: int = 2,
    ) -> None:
        sizes = {"min": min_size, "avg": avg_size, "max": max_size}
        for name, size in sizes.items():
            least, most = _LIMITS[name]
            # The algorithm looks at two bytes a step: an odd bound would be undercut by one byte.
            if not least <= size <= most or size % 2:
                raise ConfigInvalid(f"{name}_size must be even, from {least} to {most} bytes, not {size}")
        if not min_size <= avg_size <= max_size:
            raise ConfigInvalid(f"chunk sizes must rise: {min_size}, {avg_size}, {max_size}")
        if not 0 <= normalization <= 3:
            raise ConfigInvalid(f"normalization must be 0 to 3, not {normalization}")
        if not 0 <= seed < 2**63:
            raise ConfigInvalid("the seed of a chunker must be 0 to 2**63 - 1")
        self.min_size, self.avg_size, self.max_size = min_size, avg_size, max_size
        self._native = _native()(
            avg_size, min_size=min_size, max_size=max_size, normalized_chunking=normalization, seed=seed
        )

    def cut(self, buffer: Buffer) -> list[int]:
        """The end of every chunk in a buffer that is the whole content; the last is its length."""
        end = 0
        ends = []
        for chunk in self._native.cut_buf(memoryview(buffer).cast("B")):
            end += chunk.length
            ends.append(end)
        return ends

    def chunks(self, reader: Reader) -> Iterator[memoryview]:
        """The chunks of a stream, in memory of two largest chunks, however the reader gives its bytes.

        A chunk is a view of the window, valid until the next one is asked for: then it is released, and using
        it raises ValueError. Whoever keeps a chunk copies it first, slices of it too.
        """
        window = memoryview(bytearray(max(2 * self.max_size, _SMALLEST_WINDOW)))
        held = 0
        ended = False
        while not ended:
            held += fill(reader, window[held:])
            ended = held < len(window)
            begin = 0
            for native in self._native.cut_buf(window[:held]):
                with window[begin : begin + native.length] as chunk:
                    yield chunk
                begin += native.length
                if not ended and held - begin < self.max_size:
                    break
            window[: held - begin] = window[begin:held]
            held -= begin


def _native() -> Any:
    with warnings.catch_warnings():
        # Without its compiled half the package warns and goes on 200 times slower. Here that is an error.
        warnings.simplefilter("ignore")
        try:
            from pyfastcdc import FastCDC
        except ImportError as error:
            raise _missing("is not installed") from error
    if ".cy." not in FastCDC.__module__:
        raise _missing("is installed without its compiled half, and would be 200 times slower")
    return FastCDC


def _missing(why: str) -> DependencyMissing:
    return DependencyMissing(
        f"the package pyfastcdc {why}",
        hint="Run: pip install --force-reinstall --only-binary :all: pyfastcdc",
    )
