"""How big the parts of an upload are, and where each begins.

A store has its limits: a least and a largest part, so many parts at most, a multiple that sizes must have.
Where the total is known, parts are equal. Where it is not, they begin small, so that a short stream costs
little memory, and grow, so that the last allowed part reaches the largest object the store takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skycap.core.errors import ConfigInvalid, Unsupported

_STEPS = 100


@dataclass(frozen=True)
class PartLimits:
    """What a store allows; sizes in bytes. The least size does not bind the last part, nor the multiple."""

    min_size: int = 1
    max_size: int = 5 * 1024**3
    max_parts: int | None = None
    multiple: int = 1
    max_total: int | None = None
    equal_sizes: bool = False

    def __post_init__(self) -> None:
        whole = self.max_size // self.multiple * self.multiple if self.multiple > 0 else 0
        if not 0 < self.min_size <= whole or (self.max_parts is not None and self.max_parts < 1):
            raise ConfigInvalid(f"no part size fits these limits: {self}")

    def round_up(self, size: int) -> int:
        """The least allowed part size from `size` on; it may be over `max_size`."""
        return -(-max(size, self.min_size) // self.multiple) * self.multiple

    @property
    def largest_total(self) -> int | None:
        """The largest object, by its own limit or by number times size of parts; None for no limit."""
        if self.max_parts is None:
            return self.max_total
        reach = self.max_parts * (self.max_size // self.multiple * self.multiple)
        return reach if self.max_total is None else min(self.max_total, reach)


@dataclass(frozen=True)
class Part:
    """One part: its number from 0, its offset and its length in bytes."""

    index: int
    offset: int
    length: int
    last: bool


@dataclass(frozen=True)
class Parts:
    """The sizes of all parts: `size` bytes each, and `growth` more after every `step` parts.

    `total` is None while nobody knows it; then `range_of` gives what a part may hold at most. Four numbers,
    so that a journal can keep them and another process goes on with the same parts.
    """

    size: int
    total: int | None = None
    growth: int = 0
    step: int = 1

    def __post_init__(self) -> None:
        if self.size < 1 or self.growth < 0 or self.step < 1 or (self.total is not None and self.total < 0):
            raise ConfigInvalid(f"these are no parts: {self}")
        if self.growth and self.total is not None:
            raise ConfigInvalid("parts grow only while the total is unknown")

    @property
    def count(self) -> int:
        """How many parts there are, at least one. Raises ValueError while the total is unknown."""
        if self.total is None:
            raise ValueError("the number of parts is not known before the end of the stream")
        return max(1, -(-self.total // self.size))

    def size_of(self, index: int) -> int:
        """How many bytes a part holds, if it is not the last."""
        return self.size + self.growth * (index // self.step)

    def offset_of(self, index: int) -> int:
        """Where a part begins: the sum of all before it."""
        steps, rest = divmod(index, self.step)
        grown = self.step * (steps * (steps - 1) // 2) + rest * steps
        return self.size * index + self.growth * grown

    def range_of(self, index: int) -> Part:
        """Where a part is. Raises IndexError for one behind the end."""
        if index < 0 or (self.total is not None and index >= self.count):
            raise IndexError(f"there is no part {index}")
        offset = self.offset_of(index)
        if self.total is None:
            return Part(index, offset, self.size_of(index), last=False)
        return Part(index, offset, min(self.size, self.total - offset), last=index == self.count - 1)

    def __iter__(self) -> Iterator[Part]:
        return (self.range_of(index) for index in range(self.count))


def plan_parts(total: int | None, limits: PartLimits, *, preferred: int = 16 * 1024 * 1024) -> Parts:
    """Parts for an object of `total` bytes, or of a size that nobody knows, near `preferred` bytes each.

    An empty object is one empty part. Raises Unsupported for an object larger than the store can take.
    """
    largest = limits.largest_total
    if total is None:
        return _plan_unknown(limits, preferred, largest)
    if largest is not None and total > largest:
        raise Unsupported(
            f"an object of {total} bytes is too large: this store takes {largest}",
            hint="Split the file, or send it to another store.",
        )
    needed = -(-total // limits.max_parts) if limits.max_parts else 0
    return Parts(_bounded(max(preferred, needed), limits), total)


def _plan_unknown(limits: PartLimits, preferred: int, largest: int | None) -> Parts:
    first = _bounded(preferred, limits)
    if limits.max_parts is None or largest is None or first * limits.max_parts >= largest:
        return Parts(first)
    equal = Parts(_bounded(-(-largest // limits.max_parts), limits))
    if limits.equal_sizes:
        return equal
    # Growing evenly ends at twice the mean; doubling would end at eight times, all of it in memory.
    step = -(-limits.max_parts // _STEPS)
    unit = Parts(1, growth=1, step=step).offset_of(limits.max_parts) - limits.max_parts
    if not unit:
        return equal
    missing = largest - first * limits.max_parts
    growth = -(-missing // unit)
    growing = Parts(first, growth=-(-growth // limits.multiple) * limits.multiple, step=step)
    return growing if growing.size_of(limits.max_parts - 1) <= limits.max_size else equal


def _bounded(size: int, limits: PartLimits) -> int:
    return min(limits.round_up(size), limits.max_size // limits.multiple * limits.multiple)
