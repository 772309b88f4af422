"""An object store of which one sees late what was put and what was removed, and a clock that jumps on.

Until `lag` has passed, each listing shows or hides a new object as it likes, and likewise one that was
deleted; so two listings may disagree, and a later one may know less. Getting what was listed is exact.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any


@dataclass
class Stored:
    """One object: what it holds, and when it came and went in the store's time."""

    value: Any
    put_at: int
    gone_at: int | None = None


class Store:
    """Objects by path. Time is in minutes."""

    def __init__(self, rng: random.Random, lag: int) -> None:
        self.now = 0
        self.lag = lag
        self.changes = 0
        self._rng = rng
        self._objects: dict[str, dict[str, Stored]] = {}

    def put(self, folder: str, name: str, value: Any) -> None:
        """Store whole; putting what is there already changes nothing."""
        objects = self._objects.setdefault(folder, {})
        if name not in objects or objects[name].gone_at is not None:
            objects[name] = Stored(value, self.now)
            self.changes += 1

    def delete(self, folder: str, name: str) -> None:
        """Remove; what is gone already stays so."""
        stored = self._objects.get(folder, {}).get(name)
        if stored is not None and stored.gone_at is None:
            stored.gone_at = self.now
            self.changes += 1

    def get(self, folder: str, name: str) -> Any:
        """The value, or None."""
        stored = self._objects.get(folder, {}).get(name)
        return None if stored is None or stored.gone_at is not None else stored.value

    def listed(self, folder: str) -> dict[str, int]:
        """Names and the time of each, as this listing happens to see them."""
        seen = {}
        objects = self._objects.get(folder, {})
        for name, stored in list(objects.items()):
            since = self.now - (stored.put_at if stored.gone_at is None else stored.gone_at)
            settled = since >= self.lag
            if settled and stored.gone_at is not None:
                del objects[name]
            elif settled or self._rng.random() < 0.5:
                seen[name] = stored.put_at
        return seen

    def present(self, folder: str) -> dict[str, Any]:
        """What is really there, for whoever judges the run."""
        return {
            name: stored.value
            for name, stored in self._objects.get(folder, {}).items()
            if stored.gone_at is None
        }
