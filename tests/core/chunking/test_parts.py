from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skycap.core.chunking.parts import Part, PartLimits, Parts, plan_parts
from skycap.core.errors import ConfigInvalid, Unsupported

MIB = 2**20
S3 = PartLimits(min_size=5 * MIB, max_size=5 * 2**30, max_parts=10_000, max_total=5 * 2**40)


@st.composite
def limits(draw: st.DrawFn) -> PartLimits:
    multiple = draw(st.integers(1, 64))
    least = draw(st.integers(1, 500))
    most = draw(st.integers(least + multiple, 5000))
    return PartLimits(
        min_size=least,
        max_size=most,
        max_parts=draw(st.none() | st.integers(1, 500)),
        multiple=multiple,
        max_total=draw(st.none() | st.integers(1, 300_000)),
        equal_sizes=draw(st.booleans()),
    )


@given(limit=limits(), total=st.integers(0, 300_000), preferred=st.integers(0, 6000))
def test_parts_cover_the_object_within_the_limits(limit: PartLimits, total: int, preferred: int) -> None:
    largest = limit.largest_total
    if largest is not None and total > largest:
        with pytest.raises(Unsupported, match=str(largest)):
            plan_parts(total, limit, preferred=preferred)
        return
    parts = plan_parts(total, limit, preferred=preferred)
    listed = list(parts)
    assert len(listed) == parts.count
    assert limit.max_parts is None or parts.count <= limit.max_parts
    offset = 0
    for part in listed:
        assert part.offset == offset
        assert part.length > 0 or total == 0
        assert part.length <= limit.max_size
        if not part.last:
            assert part.length >= limit.min_size
            assert part.length % limit.multiple == 0
        offset += part.length
    assert offset == total
    assert [part.last for part in listed] == [False] * (len(listed) - 1) + [True]


@given(limit=limits(), preferred=st.integers(0, 6000))
def test_parts_of_an_unknown_total_reach_the_largest_object(limit: PartLimits, preferred: int) -> None:
    parts = plan_parts(None, limit, preferred=preferred)
    offset = 0
    lengths = []
    for index in range(limit.max_parts or 50):
        part = parts.range_of(index)
        assert part.offset == offset
        assert limit.min_size <= part.length <= limit.max_size
        assert part.length % limit.multiple == 0
        offset += part.length
        lengths.append(part.length)
    assert lengths == sorted(lengths)
    assert not limit.equal_sizes or len(set(lengths)) == 1
    if limit.max_parts is not None:
        assert limit.largest_total is not None
        assert offset >= limit.largest_total


@given(
    size=st.integers(1, 100), growth=st.integers(0, 100), step=st.integers(1, 20), index=st.integers(0, 500)
)
def test_growing_parts_leave_no_gap(size: int, growth: int, step: int, index: int) -> None:
    parts = Parts(size, growth=growth, step=step)
    assert parts.offset_of(index) == sum(parts.size_of(before) for before in range(index))


def test_an_unknown_total_begins_small_and_reaches_five_tebibytes_without_huge_parts() -> None:
    parts = plan_parts(None, S3, preferred=8 * MIB)
    assert parts.size_of(0) == parts.size_of(99) == 8 * MIB
    assert parts.offset_of(10_000) >= 5 * 2**40
    assert parts.size_of(9_999) < 1.1 * 2**30
    assert parts.offset_of(1000) > 50 * 2**30


def test_a_known_total_keeps_the_preferred_size_while_it_can() -> None:
    assert plan_parts(10 * 2**30, S3, preferred=8 * MIB).size == 8 * MIB
    assert plan_parts(10 * 2**30, S3, preferred=MIB).size == 5 * MIB
    large = plan_parts(5 * 2**40, S3, preferred=8 * MIB)
    assert large.count == 10_000


def test_an_empty_object_is_one_empty_part() -> None:
    assert list(plan_parts(0, S3)) == [Part(0, 0, 0, last=True)]


def test_a_journal_can_keep_parts_and_go_on_with_them() -> None:
    parts = plan_parts(None, S3)
    assert Parts(**asdict(parts)).range_of(4321) == parts.range_of(4321)


def test_the_number_of_unknown_parts_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="not known"):
        list(Parts(10))


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_part_outside(index: int) -> None:
    with pytest.raises(IndexError):
        Parts(10, 30).range_of(index)


@given(least=st.integers(-5, 50), most=st.integers(-5, 50), multiple=st.integers(-5, 60))
def test_limits_that_nothing_fits_are_refused(least: int, most: int, multiple: int) -> None:
    fits = multiple > 0 and least > 0 and any(size % multiple == 0 for size in range(least, most + 1))
    assume(not fits)
    with pytest.raises(ConfigInvalid):
        PartLimits(min_size=least, max_size=most, multiple=multiple)


@pytest.mark.parametrize(
    ("size", "total", "growth", "step"),
    [(0, 1, 0, 1), (1, -1, 0, 1), (1, 1, 1, 1), (1, None, -1, 1), (1, 1, 0, 0)],
)
def test_a_damaged_journal_gives_no_parts(size: int, total: int | None, growth: int, step: int) -> None:
    with pytest.raises(ConfigInvalid):
        Parts(size, total, growth, step)
