from __future__ import annotations

import hashlib
import io
import math
import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.core.chunking.cdc import Chunker
from skycap.core.errors import ConfigInvalid, DependencyMissing

# The masks that the fastcdc crate publishes for its v2020, by the bits of the normal size.
MASKS = {
    5: 0x0000000001804110,
    6: 0x0000000001803110,
    7: 0x0000000018035100,
    8: 0x0000001800035300,
    9: 0x0000019000353000,
    10: 0x0000590003530000,
    11: 0x0000D90003530000,
    12: 0x0000D90103530000,
    13: 0x0000D90303530000,
    14: 0x0000D90313530000,
    15: 0x0000D90F03530000,
    16: 0x0000D90303537000,
    17: 0x0000D90703537000,
    18: 0x0000D90707537000,
    19: 0x0000D91707537000,
    20: 0x0000D91747537000,
    21: 0x0000D91767537000,
    22: 0x0000D93767537000,
}
# The authors' table: the first eight bytes of the MD5 of 64 times the byte.
GEAR = [int.from_bytes(hashlib.md5(bytes([byte]) * 64).digest()[:8], "big") for byte in range(256)]


def content(size: int, seed: int = 0) -> bytes:
    return hashlib.shake_128(f"chunks {seed}".encode()).digest(size)


def cuts_by_the_paper(
    data: bytes, least: int, normal: int, most: int, *, seed: int = 0, normalization: int = 2
) -> list[int]:
    """FastCDC with its four ideas: gear hash, cut-point skipping, normalized chunking, two bytes a step."""
    gear = [word ^ seed for word in GEAR]
    bits = math.floor(math.log2(normal) + 0.5)
    hard, easy = MASKS[bits + normalization], MASKS[bits - normalization]
    ends: list[int] = []
    begin = 0
    while begin < len(data):
        begin += one_cut(data[begin : begin + most], least, normal, gear, hard, easy)
        ends.append(begin)
    return ends


def one_cut(data: bytes, least: int, normal: int, gear: list[int], hard: int, easy: int) -> int:
    size = len(data)
    if size <= least:
        return size
    # Two bytes a step: a byte without a partner before either limit is never looked at.
    switch, stop = min(normal, size) // 2 * 2, size // 2 * 2
    fingerprint = 0
    for position in range(least, stop):
        fingerprint = ((fingerprint << 1) + gear[data[position]]) & (2**64 - 1)
        if not fingerprint & (hard if position < switch else easy):
            return position
    return size


@settings(max_examples=60)
@given(
    size=st.integers(0, 30_000),
    seed=st.integers(0, 1000),
    gear_seed=st.sampled_from([0, 1, 2**62 + 12345, 2**63 - 1]),
    normalization=st.integers(0, 3),
    sizes=st.sampled_from([(64, 256, 1024), (128, 300, 2000), (256, 1024, 4096), (512, 512, 1024)]),
)
def test_cuts_are_those_of_the_paper(
    size: int, seed: int, gear_seed: int, normalization: int, sizes: tuple[int, int, int]
) -> None:
    data = content(size, seed)
    expected = cuts_by_the_paper(data, *sizes, seed=gear_seed, normalization=normalization)
    assert Chunker(*sizes, seed=gear_seed, normalization=normalization).cut(data) == expected


def test_the_default_sizes_cut_as_in_the_paper_too() -> None:
    data = content(5_000_001)
    assert Chunker().cut(data) == cuts_by_the_paper(data, 2**19, 2**20, 2**23)


def digest(ends: list[int]) -> str:
    return hashlib.sha256(repr(ends).encode()).hexdigest()


def test_stored_cuts_never_change() -> None:
    default = Chunker().cut(content(32 * 2**20))
    small = Chunker(2048, 8192, 65536, seed=42, normalization=1).cut(content(4 * 2**20))
    assert (len(default), default[:3]) == (26, [1092543, 2359882, 3656549])
    assert digest(default) == "b30a58dfd43a4a17d919514041406b172450b0aed688203fa0adfdd7edc2d42b"
    assert digest(small) == "f00e3b0b9cdf2fbecb18a23d22882d1e6f1e6ae241827a559963851729d827aa"


SMALL = Chunker(64, 256, 1024)


@given(size=st.integers(0, 20_000), seed=st.integers(0, 1000))
def test_chunks_cover_the_content_within_the_bounds(size: int, seed: int) -> None:
    data = content(size, seed)
    ends = SMALL.cut(data)
    lengths = [end - begin for begin, end in pairwise([0, *ends])]
    assert sum(lengths) == size
    assert all(64 <= length <= 1024 for length in lengths[:-1])
    assert all(0 < length <= 1024 for length in lengths[-1:])


@given(data=st.binary(max_size=5000), kind=st.sampled_from([bytes, bytearray, memoryview]))
def test_any_buffer_is_cut_the_same(data: bytes, kind: Any) -> None:
    assert SMALL.cut(kind(data)) == SMALL.cut(data) == cuts_by_the_paper(data, 64, 256, 1024)


class Dribble:
    """A stream that gives its bytes in pieces of the given sizes, over and over."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self.inner = io.BytesIO(data)
        self.sizes = sizes
        self.turn = 0

    def read(self, size: int, /) -> bytes:
        self.turn += 1
        return self.inner.read(min(size, self.sizes[self.turn % len(self.sizes)]))


@settings(max_examples=30)
@given(
    size=st.integers(0, 300_000) | st.sampled_from([2**20 - 1, 2**20, 2**20 + 1, 2**21, 3 * 2**20 - 7]),
    sizes=st.lists(st.integers(1, 2**20), min_size=1, max_size=5).filter(lambda sizes: max(sizes) > 1000),
)
def test_a_stream_is_cut_like_the_whole_however_it_is_read(size: int, sizes: list[int]) -> None:
    chunker = Chunker(1024, 4096, 65536)
    data = content(size)
    streamed = [bytes(chunk) for chunk in chunker.chunks(Dribble(data, sizes))]
    whole = [data[begin:end] for begin, end in pairwise([0, *chunker.cut(data)])]
    assert streamed == whole


@given(seed=st.integers(0, 10_000), where=st.integers(0, 60_000), added=st.binary(min_size=1, max_size=50))
def test_an_insertion_changes_only_the_chunks_around_it(seed: int, where: int, added: bytes) -> None:
    data = content(60_000, seed)
    before = SMALL.cut(data)
    after = SMALL.cut(data[:where] + added + data[where:])
    untouched = [end for end in before if end <= where - 1024]
    assert after[: len(untouched)] == untouched
    rejoined = {end - len(added) for end in after} & {end for end in before if end >= where}
    assert min(rejoined) - where < 20_000 or where > 40_000
    joined = min(rejoined)
    assert [end for end in before if end >= joined] == [
        end - len(added) for end in after if end - len(added) >= joined
    ]


def test_a_chunk_that_is_kept_too_long_is_dead_and_not_wrong() -> None:
    stream = SMALL.chunks(io.BytesIO(content(10_000)))
    first = next(stream)
    assert bytes(first) == content(10_000)[: len(first)]
    next(stream)
    with pytest.raises(ValueError, match="released"):
        bytes(first)


def test_an_interrupted_stream_gives_back_its_error() -> None:
    class Failing(io.BytesIO):
        def readinto(self, buffer: Any, /) -> int:
            raise OSError("cable")

    with pytest.raises(OSError, match="cable"):
        list(SMALL.chunks(Failing()))


def test_memory_is_two_largest_chunks_however_long_the_stream() -> None:
    import tracemalloc

    class Noise(io.RawIOBase):
        block = memoryview(content(2**20))
        left = 40 * 2**20

        def readinto(self, buffer: Any) -> int:
            count = min(len(buffer), self.left, len(self.block))
            buffer[:count] = self.block[:count]
            self.left -= count
            return count

    chunker = Chunker(2**16, 2**18, 2**20)
    tracemalloc.start()
    try:
        total = sum(len(chunk) for chunk in chunker.chunks(Noise()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == 40 * 2**20
    assert peak < 2.5 * 2**20


def test_another_seed_gives_other_cuts() -> None:
    data = content(50_000)
    assert len({tuple(Chunker(64, 256, 1024, seed=seed).cut(data)) for seed in range(5)}) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_size": 62},
        {"min_size": 65},
        {"max_size": 32 * 2**20},
        {"min_size": 2**20, "avg_size": 2**19},
        {"avg_size": 4 * 2**20, "max_size": 2 * 2**20},
        {"normalization": 4},
        {"seed": -1},
        {"seed": 2**63},
    ],
    ids=str,
)
def test_sizes_and_settings_that_cannot_be_kept_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigInvalid):
        Chunker(**wrong)


def without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyfastcdc"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)


def test_the_slow_fallback_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "pyfastcdc.cy")
    with pytest.raises(DependencyMissing, match="compiled half") as caught:
        Chunker()
    assert "pyfastcdc" in (caught.value.hint or "")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "pyfastcdc")
    with pytest.raises(DependencyMissing, match="not installed"):
        Chunker()
