"""Sizes and durations are read and written as people do."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.errors import UsageError
from skycap.core.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("512B", 512),
        ("64k", 65536),
        ("64K", 65536),
        ("64KiB", 65536),
        ("64kb", 65536),
        (" 16 MiB ", 16 << 20),
        ("1.5G", 3 << 29),
        ("2T", 2 << 40),
        ("1P", 1 << 50),
        ("1E", 1 << 60),
        ("9007199254740993", 9007199254740993),
    ],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "-1", "1.5.2", "1 2", "12Q", "1e3", "ten", ".5", "1,5G", "0x10"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_size(text)
    assert "16MiB" in (caught.value.hint or "")


@given(st.integers(0, 1 << 80))
def test_every_number_of_bytes_is_read_exactly(size: int) -> None:
    assert parse_size(str(size)) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        ((1 << 20) - 1, "1.0 MiB"),
        (4 << 20, "4.0 MiB"),
        (5 << 40, "5.0 TiB"),
        (3 << 50, "3.0 PiB"),
    ],
)
def test_a_size_is_written(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(0, 1 << 70))
def test_a_size_that_was_written_can_be_read_again(size: int) -> None:
    assert parse_size(format_size(size)) == pytest.approx(size, rel=0.06)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        ("0", 0),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        (" 7d ", 604800),
        ("2w", 1209600),
        ("1y", 31557600),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-3", "5x", "1h-30m", "1h 30", "soon", "1e3", "9" * 400])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_duration(text)
    assert "1h30m" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (0.44, "0.4s"),
        (9.96, "10s"),
        (12.3, "12s"),
        (59.7, "1m 00s"),
        (185, "3m 05s"),
        (3599.9, "1h 00m"),
        (7800, "2h 10m"),
        (360000, "100h 00m"),
    ],
)
def test_a_duration_is_written(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading(text: str) -> None:
    for parse in (parse_size, parse_duration):
        with contextlib.suppress(UsageError):
            assert parse(text) >= 0
