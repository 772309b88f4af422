"""A writer as a step machine: rules B1 to B6, with a pause or a crash possible at every `yield`."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

from tests.backup.protocol.looking import IndexObject, Steps, View, look
from tests.backup.protocol.rules import INTENT_LIFE, Rules
from tests.backup.protocol.store import Store


@dataclass(frozen=True)
class Snapshot:
    """The blobs it needs, whether it is a backup, and the intent it makes needless."""

    blobs: frozenset[int]
    complete: bool
    supersedes: str | None = None


class Writer:
    """One machine that backs up what it has, again and again. `numbers` gives names."""

    def __init__(
        self, store: Store, rules: Rules, rng: random.Random, numbers: itertools.count[int], skew: int
    ) -> None:
        self._store = store
        self._rules = rules
        self._rng = rng
        self._numbers = numbers
        self._skew = skew

    def _clock(self) -> int:
        return self._store.now + self._skew

    def run(self) -> Steps:
        """One backup of whatever the files hold now."""
        source = frozenset(self._rng.sample(range(6), self._rng.randint(2, 4)))
        view: View = yield from look(self._store, self._rules)
        own: dict[str, frozenset[int]] = {}
        if self._rng.random() < 0.3:
            yield from self._adopt(view, own)
        yield from self._store_blobs(self._missing(source, view, own), own)
        name = str(next(self._numbers))
        while True:
            begun = self._clock()
            intent = f"intent {next(self._numbers)}" if self._rules.intent else None
            if intent is not None:
                yield
                self._store.put("snapshots", intent, Snapshot(source, complete=False))
            if self._rules.recheck:
                view = yield from look(self._store, self._rules)
                yield from self._store_blobs(self._missing(source, view, own), own)
            yield
            limit = INTENT_LIFE // 2 if self._rules.intent else self._rules.commit_within
            if self._clock() - begun <= limit:
                break
        # The last pause: between looking at the clock and the arrival of the request.
        yield
        self._store.put("snapshots", name, Snapshot(source, complete=True, supersedes=intent))

    def _missing(self, source: frozenset[int], view: View, own: dict[str, frozenset[int]]) -> list[int]:
        out = view.marked | view.dropped.keys()
        safe = {blob for blobs in view.packs.values() for blob in blobs if view.holders(blob)}
        safe |= {blob for name, blobs in own.items() if name not in out for blob in blobs}
        return sorted(source - safe)

    def _store_blobs(self, blobs: list[int], own: dict[str, frozenset[int]]) -> Steps:
        stored: dict[str, frozenset[int]] = {}
        while blobs:
            some, blobs = frozenset(blobs[:2]), blobs[2:]
            name = str(next(self._numbers)) if self._rules.random_names else f"of {sorted(some)}"
            yield
            self._store.put("packs", name, some)
            stored[name] = some
        if stored:
            yield
            self._store.put("index", str(next(self._numbers)), IndexObject(stored))
        own.update(stored)

    def _adopt(self, view: View, own: dict[str, frozenset[int]]) -> Steps:
        """Packs that somebody stored and did not live to index."""
        yield
        out = view.marked | view.dropped.keys() | view.packs.keys()
        found = {name: self._store.get("packs", name) for name in self._store.listed("packs")}
        packs = {name: blobs for name, blobs in found.items() if name not in out and blobs is not None}
        if packs:
            yield
            self._store.put("index", str(next(self._numbers)), IndexObject(packs))
            own.update(packs)
