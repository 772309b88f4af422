"""Names in order, in bounded memory."""

from __future__ import annotations

import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.backup.scan.names import in_order, sorted_names
from tests.backup.scan.trees import make

names = st.lists(st.binary(min_size=1, max_size=4).map(lambda raw: raw.replace(b"\0", b"0")), max_size=60)


@given(names, st.integers(1, 20))
def test_names_come_sorted_and_each_once(found: list[bytes], run: int) -> None:
    assert list(in_order(found, run)) == sorted(set(found))


def test_more_names_than_are_held_one_by_one_come_in_order() -> None:
    found = [b"%07d-%s" % (number, number % 50 * b"x") for number in range(20_000)]
    assert list(in_order(reversed(found))) == found


def test_memory_does_not_grow_with_the_number_of_names() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            for _ in in_order((b"%020d" % (number * 7919 % count) for number in range(count)), 2_000):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # Two runs, and ten of them: a block of each waits.
    assert peak(20_000) < 2 * peak(4_000)


@pytest.mark.parametrize("size", [0, 1 << 30])
def test_the_names_of_a_directory_are_raw_bytes(top: bytes, size: int) -> None:
    wanted = [b"\x01", b"a", b"\xc3\xa9", "\U0001f600".encode(), b"\xff\xfe"]
    make(top, *wanted)
    handle = os.open(top, os.O_RDONLY)
    try:
        assert list(sorted_names(handle, size)) == wanted
        assert list(sorted_names(top, size)) == wanted
    finally:
        os.close(handle)


@pytest.mark.parametrize("size", [0, 1 << 30])
def test_a_directory_that_cannot_be_listed_is_told_before_the_first_name(top: bytes, size: int) -> None:
    with pytest.raises(FileNotFoundError):
        sorted_names(top + b"/gone", size)
