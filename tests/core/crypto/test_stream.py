from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.crypto.secret import Secret
from skycap.core.crypto.segments import Header, Layout, SegmentCipher
from skycap.core.crypto.stream import (
    AES256_GCM_HKDF_1MB,
    AES256_GCM_HKDF_4KB,
    open_range,
    open_sealed,
    seal,
)
from skycap.core.errors import ConfigInvalid, IntegrityError, Unsupported

KEY = Secret(bytes(range(32)))
HEADER = Header(bytes(range(32)), bytes(range(7)))
TINY = Layout(64)  # 8 plain bytes in the first segment, 48 in the others: many segments out of little


def content(size: int) -> bytes:
    return hashlib.shake_128(b"content").digest(size)


def sealed(plain: bytes, layout: Layout = TINY, **more: Any) -> bytes:
    return seal(io.BytesIO(plain), key=KEY, layout=layout, **more).readall()


def opened(data: bytes, layout: Layout = TINY, **more: Any) -> bytes:
    return open_sealed(io.BytesIO(data), key=KEY, layout=layout, **more).readall()


def read_by_bytes(reader: io.RawIOBase, into: bytearray) -> None:
    while byte := reader.read(1):
        into += byte


class Store:
    """Sealed content that is fetched by range, and remembers what was asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[tuple[int, int]] = []
        self.readers: list[io.BytesIO] = []

    def fetch(self, offset: int, length: int) -> io.BytesIO:
        self.asked.append((offset, length))
        self.readers.append(io.BytesIO(self.data[offset : offset + length]))
        return self.readers[-1]


sizes = st.integers(0, 400)
pieces = st.lists(st.integers(1, 150), min_size=1, max_size=8)


@given(size=sizes, aad=st.binary(max_size=20), give=pieces, take=pieces)
def test_content_comes_back_however_it_is_read(
    size: int, aad: bytes, give: list[int], take: list[int], dribble: Callable[..., io.RawIOBase]
) -> None:
    plain = content(size)
    data = seal(dribble(plain, give), key=KEY, aad=aad, layout=TINY).readall()
    assert len(data) == TINY.sealed_size(size)
    assert TINY.plain_size(len(data)) == size
    reader = open_sealed(dribble(data, give), key=KEY, aad=aad, layout=TINY)
    result = bytearray()
    turn = 0
    while piece := reader.read(take[turn % len(take)]):
        assert len(piece) == take[turn % len(take)] or len(result) + len(piece) == size
        result += piece
        turn += 1
    assert result == plain


@given(size=sizes, give=pieces)
def test_a_source_that_only_knows_read_is_sealed_too(size: int, give: list[int], dribble: Any) -> None:
    class OnlyRead:
        def __init__(self) -> None:
            self.inner = dribble(content(size), give)

        def read(self, size: int, /) -> bytes | None:
            return self.inner.read(size)  # type: ignore[no-any-return]

    data = seal(OnlyRead(), key=KEY, layout=TINY, header=HEADER).readall()
    assert data == sealed(content(size), header=HEADER)


@pytest.mark.parametrize("layout", [AES256_GCM_HKDF_1MB, AES256_GCM_HKDF_4KB], ids=["1MB", "4KB"])
@pytest.mark.parametrize("extra", [-1, 0, 1])
@pytest.mark.parametrize("segments", [1, 2, 3])
def test_every_border_of_the_real_layouts(layout: Layout, segments: int, extra: int) -> None:
    size = layout.plain_offset(segments) + extra
    data = sealed(content(size), layout)
    assert len(data) == layout.sealed_size(size)
    assert len(data) // layout.segment_size == segments - (extra < 0)
    assert layout.plain_size(len(data)) == size
    assert opened(data, layout) == content(size)


@given(offset=st.integers(0, 450), length=st.none() | st.integers(0, 450), size=sizes, known=st.booleans())
def test_a_range_is_a_slice_of_the_content(offset: int, length: int | None, size: int, known: bool) -> None:
    plain = content(size)
    store = Store(sealed(plain, header=HEADER))
    with open_range(
        store.fetch,
        offset,
        length,
        key=KEY,
        sealed_size=len(store.data),
        layout=TINY,
        header=HEADER if known else None,
    ) as reader:
        end = size if length is None else offset + length
        assert reader.read() == plain[offset:end]
    assert all(reader.closed for reader in store.readers)
    assert len(store.asked) <= (1 if known else 2)
    assert sum(asked for _, asked in store.asked) <= (length or size) + 40 + 2 * 64 + 16 * (size // 48)


@pytest.mark.parametrize("size", [0, 7, 8, 9, 55, 56, 57, 104])
@pytest.mark.parametrize("behind", [0, 1, 48, 1000])
@pytest.mark.parametrize("length", [None, 0, 5])
def test_a_range_at_or_behind_the_end_is_empty(size: int, behind: int, length: int | None) -> None:
    store = Store(sealed(content(size)))
    reader = open_range(store.fetch, size + behind, length, key=KEY, sealed_size=len(store.data), layout=TINY)
    assert reader.read() == b""


@given(size=sizes, where=st.integers(0), bit=st.integers(0, 7), offset=sizes, length=sizes)
def test_a_range_never_gives_a_changed_byte(
    size: int, where: int, bit: int, offset: int, length: int
) -> None:
    plain = content(size)
    data = bytearray(sealed(plain))
    data[where % len(data)] ^= 1 << bit
    store = Store(bytes(data))
    try:
        reader = open_range(store.fetch, offset, length, key=KEY, sealed_size=len(data), layout=TINY)
        assert reader.read() == plain[offset : offset + length]
    except IntegrityError:
        pass


def test_one_flipped_bit_at_any_position_is_noticed_and_nothing_after_it_given_out() -> None:
    plain = content(150)
    data = sealed(plain)
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            reader = open_sealed(io.BytesIO(changed), key=KEY, layout=TINY)
            got = bytearray()
            with pytest.raises(IntegrityError):
                read_by_bytes(reader, got)
            assert got == plain[: TINY.plain_offset(position // 64)]
            with pytest.raises(IntegrityError):
                reader.read(1)


def test_a_cut_off_content_is_noticed_at_every_length() -> None:
    data = sealed(content(150))
    for length in range(len(data)):
        with pytest.raises(IntegrityError):
            opened(data[:length])
    with pytest.raises(IntegrityError):
        opened(data + b"\0")


def test_reordered_repeated_and_missing_segments_are_noticed() -> None:
    data = sealed(content(200))
    first, second, third, *rest = (data[begin : begin + 64] for begin in range(0, len(data), 64))
    tail = b"".join(rest)
    for wrong in (
        first + third + second + tail,
        first + second + second + third + tail,
        first + third + tail,
    ):
        with pytest.raises(IntegrityError):
            opened(wrong)


def test_the_last_flag_is_part_of_what_is_authenticated() -> None:
    cipher = SegmentCipher(KEY, b"", HEADER)
    sealed_segment = memoryview(bytearray(24))
    cipher.seal_into(0, False, memoryview(content(8)), sealed_segment)
    with pytest.raises(IntegrityError):
        opened(bytes(HEADER) + bytes(sealed_segment))


def test_an_empty_last_segment_is_not_accepted_even_if_it_authenticates() -> None:
    cipher = SegmentCipher(KEY, b"", HEADER)
    first, last = memoryview(bytearray(24)), memoryview(bytearray(16))
    cipher.seal_into(0, False, memoryview(content(8)), first)
    cipher.seal_into(1, True, memoryview(b""), last)
    with pytest.raises(IntegrityError, match="empty"):
        opened(bytes(HEADER) + bytes(first) + bytes(last))


def test_another_key_or_associated_data_or_layout_does_not_open() -> None:
    data = sealed(content(100), aad=b"here")
    assert opened(data, aad=b"here") == content(100)
    with pytest.raises(IntegrityError):
        opened(data, aad=b"there")
    with pytest.raises(IntegrityError):
        open_sealed(io.BytesIO(data), key=bytes(32), aad=b"here", layout=TINY).read()
    with pytest.raises(IntegrityError):
        opened(data, Layout(128), aad=b"here")


def test_a_buffer_that_failed_holds_no_unauthenticated_bytes() -> None:
    data = bytearray(sealed(content(8)))
    data[-1] ^= 1
    buffer = bytearray(b"\xaa" * 64)
    with pytest.raises(IntegrityError):
        open_sealed(io.BytesIO(data), key=KEY, layout=TINY).readinto(buffer)
    assert content(8) not in buffer


@pytest.mark.parametrize("short", [True, False])
def test_a_store_that_gives_another_range_than_asked_is_noticed(short: bool) -> None:
    data = sealed(content(300), header=HEADER)

    def fetch(offset: int, length: int) -> io.BytesIO:
        return io.BytesIO(data[offset : offset + length - 64] if short else data[offset:])

    with pytest.raises(IntegrityError, match="fewer" if short else "more"):
        open_range(fetch, 10, 100, key=KEY, sealed_size=len(data), layout=TINY, header=HEADER).read()


@pytest.mark.parametrize("offset", [0, 5, 1000])
def test_a_false_end_is_noticed_even_by_a_range_that_gives_nothing(offset: int) -> None:
    data = sealed(content(300))[:56]
    with pytest.raises(IntegrityError):
        open_range(Store(data).fetch, offset, key=KEY, sealed_size=56, layout=TINY)


def test_a_failed_range_closes_what_it_fetched() -> None:
    data = bytearray(sealed(content(300)))
    data[70] ^= 1
    store = Store(bytes(data))
    with pytest.raises(IntegrityError, match="segment 1 "):
        open_range(store.fetch, 20, 1, key=KEY, sealed_size=len(data), layout=TINY)
    assert len(store.readers) == 2
    assert all(reader.closed for reader in store.readers)


@given(size=sizes)
def test_sizes_that_no_sealing_gives_are_refused(size: int) -> None:
    possible = {TINY.sealed_size(plain): plain for plain in range(size + 1)}
    for sealed_size in range(-1, TINY.sealed_size(size) + 1):
        if sealed_size in possible:
            assert TINY.plain_size(sealed_size) == possible[sealed_size]
        else:
            with pytest.raises(IntegrityError, match=str(sealed_size)):
                TINY.plain_size(sealed_size)


@given(size=sizes, segment=st.integers(0, 10))
def test_a_sealing_goes_on_where_it_was_interrupted(size: int, segment: int) -> None:
    plain = content(size)
    whole = sealed(plain, header=HEADER)
    source = io.BytesIO(plain[TINY.plain_offset(segment) :])
    again = seal(source, key=KEY, layout=TINY, header=HEADER, first_segment=segment)
    if segment and TINY.plain_offset(segment) >= size:
        with pytest.raises(IntegrityError, match="shorter"):
            again.readall()
    else:
        assert again.readall() == whole[segment * 64 :]


def test_a_sealing_says_which_header_it_used() -> None:
    reader = seal(io.BytesIO(content(100)), key=KEY, layout=TINY)
    data = reader.readall()
    assert Header.parse(data[:40]) == reader.header
    assert data == sealed(content(100), header=reader.header)
    assert data != sealed(content(100))


def test_going_on_needs_the_header() -> None:
    with pytest.raises(ValueError, match="header"):
        seal(io.BytesIO(b""), key=KEY, first_segment=1)


@pytest.mark.parametrize("damaged", [b"", b"\x28", bytes(40), b"\x27" + bytes(39), b"\x28" + bytes(40)])
def test_what_is_no_header_is_refused(damaged: bytes) -> None:
    with pytest.raises(IntegrityError, match="header"):
        Header.parse(damaged)


def test_a_source_that_fails_cannot_leave_a_hole() -> None:
    class Failing(io.BytesIO):
        failed = False

        def readinto(self, buffer: Any, /) -> int:
            if self.tell() > 50 and not self.failed:
                self.failed = True
                raise OSError("cable")
            return super().readinto(buffer[:30])

    reader = seal(Failing(content(200)), key=KEY, layout=TINY)
    with pytest.raises(OSError, match="cable"):
        reader.read()
    with pytest.raises(IntegrityError, match="cannot go on"):
        reader.read()


def test_the_source_stays_open_and_a_closed_reader_refuses() -> None:
    source = io.BytesIO(b"x")
    reader = seal(source, key=KEY)
    reader.close()
    assert not source.closed
    with pytest.raises(ValueError, match="closed"):
        reader.read(1)


def test_a_reader_that_does_not_block_is_refused() -> None:
    class Waiting(io.RawIOBase):
        def readinto(self, buffer: object) -> None:
            return None

    with pytest.raises(BlockingIOError):
        seal(Waiting(), key=KEY).read()


def test_wrong_keys_headers_and_ranges_are_refused() -> None:
    with pytest.raises(ConfigInvalid, match="32 bytes"):
        seal(io.BytesIO(b""), key=b"short")
    with pytest.raises(ConfigInvalid, match="nonce prefix"):
        Header(bytes(32), bytes(8))
    with pytest.raises(ConfigInvalid, match="56 bytes"):
        Layout(56)
    store = Store(sealed(b""))
    with pytest.raises(ConfigInvalid, match="32 bytes"):
        open_range(store.fetch, 0, key=b"short", sealed_size=56, header=HEADER)
    assert store.readers[0].closed
    with pytest.raises(ValueError, match="range"):
        open_range(Store(b"").fetch, -1, key=KEY, sealed_size=56)


def test_a_content_has_at_most_as_many_segments_as_the_counter_counts() -> None:
    cipher = SegmentCipher(KEY, b"", HEADER)
    cipher.seal_into(2**32 - 1, True, memoryview(b"x"), memoryview(bytearray(17)))
    with pytest.raises(Unsupported, match="segments"):
        cipher.seal_into(2**32, True, memoryview(b"x"), memoryview(bytearray(17)))


def test_a_stored_content_stays_readable() -> None:
    data = sealed(content(10_000), AES256_GCM_HKDF_4KB, aad=b"aad", header=HEADER)
    assert (
        hashlib.sha256(data).hexdigest() == "b85f41b37fd44fabf4e2cfb32c26aa0323b07f719185ce1df7855612d18fd581"
    )


def test_memory_is_a_few_segments_however_long_the_content() -> None:
    import tracemalloc

    class Zeros(io.RawIOBase):
        left = 64 * 2**20

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            count = min(len(buffer), self.left)
            self.left -= count
            return count

    reader = open_sealed(seal(Zeros(), key=KEY), key=KEY)
    buffer = bytearray(100_000)
    tracemalloc.start()
    try:
        while reader.readinto(buffer):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * 2**20
