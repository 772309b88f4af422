"""Files with several names: what was learned from the first name, for the others."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")
REMEMBERED = 100_000


class HardLinks(Generic[T]):
    """What is known of files that have more names, by device and inode.

    It forgets a file when all its names were seen, and the one longest unused when there are more than
    `most`: such a file is read again.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._known: OrderedDict[tuple[int, int], tuple[T, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, info: os.stat_result) -> T | None:
        """What was kept of this file under another name, if it is the same still."""
        if info.st_nlink < 2:
            return None
        key = (info.st_dev, info.st_ino)
        known = self._known.pop(key, None)
        if known is None:
            return None
        value, left = known
        if left > 1:
            self._known[key] = (value, left - 1)
        return value

    def keep(self, info: os.stat_result, value: T) -> None:
        """Keep `value` for the other names of this file."""
        if info.st_nlink < 2:
            return
        self._known[info.st_dev, info.st_ino] = (value, info.st_nlink - 1)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
