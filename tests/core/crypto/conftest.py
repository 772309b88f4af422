"""Readers that misbehave within the rules, and the other side of the streaming format."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pytest


class Dribble(io.RawIOBase):
    """Gives its bytes in pieces of the given sizes, over and over, as a slow network does."""

    def __init__(self, data: bytes, sizes: Sequence[int]) -> None:
        self._data = memoryview(data)
        self._sizes = list(sizes)
        self._turn = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = min(self._sizes[self._turn % len(self._sizes)], len(buffer), len(self._data))
        self._turn += 1
        buffer[:size] = self._data[:size]
        self._data = self._data[size:]
        return size


@pytest.fixture(scope="session")
def dribble() -> Callable[[bytes, Sequence[int]], Dribble]:
    return Dribble
