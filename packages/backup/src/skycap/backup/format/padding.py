"""How long objects are made, so that their length tells little of what is in them."""

from __future__ import annotations

_LEAST_STEP = 512
_STEPS = 6


def padded(size: int) -> int:
    """`size` rounded up to one of 64 lengths between two powers of two, and to a multiple of 512."""
    step = max(_LEAST_STEP, 1 << max(size.bit_length() - 1 - _STEPS, 0))
    return -(-size // step) * step
