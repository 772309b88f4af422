"""A pruner as a step machine: forget, then rules P1 to P5; a pause or a crash may come at every `yield`."""

from __future__ import annotations

import itertools
import random

from tests.backup.protocol.looking import IndexObject, Mark, Steps, View, look
from tests.backup.protocol.rules import GRACE, INTENT_LIFE, Rules
from tests.backup.protocol.store import Store
from tests.backup.protocol.writer import Snapshot


class Pruner:
    """Maintenance on one machine. `store_times`: ages are measured by the store's clock, else by its own."""

    def __init__(
        self,
        store: Store,
        rules: Rules,
        rng: random.Random,
        numbers: itertools.count[int],
        skew: int,
        *,
        store_times: bool,
        keep_young: int,
    ) -> None:
        self._store = store
        self._rules = rules
        self._rng = rng
        self._numbers = numbers
        self._skew = skew
        self._store_times = store_times
        self._keep_young = keep_young
        self._seen_at_mark: dict[str, dict[str, Snapshot]] = {}

    def _clock(self) -> int:
        return self._store.now + self._skew

    def run(self) -> Steps:
        """One maintenance."""
        yield from self._forget()
        view: View = yield from look(self._store, self._rules)
        snapshots = yield from self._snapshots()
        if not self._whole(view, snapshots):
            return
        if self._rng.random() < 0.8:
            yield from self._mark(view, snapshots)
        yield from self._sweep()
        if self._rng.random() < 0.5:
            yield from self._compact()

    def _snapshots(self) -> Steps:
        while True:
            yield
            names = self._store.listed("snapshots")
            yield
            found = {name: self._store.get("snapshots", name) for name in names}
            if all(one is not None for one in found.values()):
                return found

    def _needed(self, snapshots: dict[str, Snapshot]) -> set[int]:
        counted = (one for one in snapshots.values() if one.complete or self._rules.intents_count)
        return {blob for one in counted for blob in one.blobs}

    def _whole(self, view: View, snapshots: dict[str, Snapshot]) -> bool:
        """Does this look know where everything is? Else it is too early to judge."""
        return all(view.holders(blob, marked_too=True) for blob in self._needed(snapshots))

    def _old(self, put_at: int, written: int, now: int) -> bool:
        """Was it a grace old at `now`? Where the store has no times, by own clock, and twice that."""
        if self._store_times:
            return now - put_at >= self._rules.grace
        return now + self._skew - written >= 2 * self._rules.grace

    def _forget(self) -> Steps:
        yield
        ages = self._store.listed("snapshots")
        found = {name: self._store.get("snapshots", name) for name in ages}
        complete = sorted((name for name, one in found.items() if one and one.complete), key=int)
        wait = self._rules.grace if self._rules.intents_stay else 0
        going = [
            one.supersedes
            for name in complete
            if (one := found[name]) and self._store.now - ages[name] >= wait and one.supersedes
        ]
        going += [
            name
            for name, one in found.items()
            if one and not one.complete and self._store.now - ages[name] >= INTENT_LIFE
        ]
        kept = self._rng.randint(1, 3)
        going += [name for name in complete[:-kept] if self._store.now - ages[name] >= wait]
        for name in going:
            yield
            self._store.delete("snapshots", name)

    def _mark(self, view: View, snapshots: dict[str, Snapshot]) -> Steps:
        needed = self._needed(snapshots)
        marked = view.marked
        counted_too = not self._rules.marked_is_gone
        # P2: what is needed of a wasteful pack goes into a new one.
        for name, blobs in sorted(view.packs.items()):
            if blobs & needed and (self._rng.random() < 0.2 or blobs - needed) and name not in marked:
                yield from self._store_pack(frozenset(blobs & needed), view)
        # P3: one place for each needed blob stays, whichever it is; all other packs may go.
        staying = set()
        for blob in sorted(needed):
            holders = view.holders(blob, marked_too=counted_too)
            if holders:
                staying.add(self._rng.choice(holders))
        yield
        young = self._store.now - self._keep_young
        orphans = {
            name
            for name, put_at in self._store.listed("packs").items()
            if name not in view.packs and name not in view.dropped and put_at <= young
        }
        going = frozenset((view.packs.keys() - staying - marked) | (orphans - marked))
        old_index = frozenset(old for one in view.index.values() for old in one.replaces) & view.index.keys()
        if going or old_index:
            yield
            name = str(next(self._numbers))
            self._seen_at_mark[name] = snapshots
            self._store.put("marks", name, Mark(going, old_index, self._clock()))

    def _store_pack(self, blobs: frozenset[int], view: View) -> Steps:
        """Copy these blobs from wherever they still are, and say where they lie."""
        sources = [name for name, held in view.packs.items() if held & blobs]
        yield
        there = {blob for name in sources for blob in (self._store.get("packs", name) or ())}
        if not blobs <= there:
            return False
        name = str(next(self._numbers)) if self._rules.random_names else f"of {sorted(blobs)}"
        yield
        self._store.put("packs", name, blobs)
        yield
        self._store.put("index", str(next(self._numbers)), IndexObject({name: blobs}))
        view.packs[name] = blobs
        return True

    def _sweep(self) -> Steps:
        """P4 and P5."""
        begun = self._store.now
        view: View = yield from look(self._store, self._rules)
        snapshots = yield from self._snapshots()
        for name, mark in sorted(view.marks.items(), key=lambda one: int(one[0])):
            now = begun if self._rules.age_first else self._store.now
            if not self._old(view.marked_at[name], mark.time, now):
                continue
            gone = (
                mark.packs <= view.dropped.keys() if self._rules.drops else not mark.packs & view.packs.keys()
            )
            if gone and self._rules.marks_stay:
                yield from self._finish(name, mark, view)
                continue
            listed = snapshots if self._rules.fresh_list else self._seen_at_mark.get(name, snapshots)
            going = set(mark.packs)
            if not self._whole(view, listed):
                return
            needed = self._needed(listed)
            for blob in sorted(needed):
                if not view.holders(blob, marked_too=not self._rules.marked_is_gone):
                    if self._rules.rescue:
                        if not (yield from self._store_pack(frozenset({blob}), view)):
                            return
                    else:
                        # The way that this replaced: the lowest name lives again.
                        going.discard(view.holders(blob, marked_too=True)[0])
            yield from self._drop(name, mark, going, view)

    def _is_swept(self, mark: Mark, view: View) -> bool:
        if self._rules.drops:
            return mark.packs <= view.dropped.keys()
        return not mark.packs & view.packs.keys()

    def _drop(self, name: str, mark: Mark, going: set[str], view: View) -> Steps:
        now = self._clock()
        if self._rules.drops:
            one = IndexObject(dropped=dict.fromkeys(going, now))
        else:
            one = IndexObject(
                {n: b for n, b in view.packs.items() if n not in going}, {}, frozenset(view.index)
            )
        yield
        self._store.put("index", str(next(self._numbers)), one)
        view.dropped.update(dict.fromkeys(going, now))
        for pack in sorted(going):
            view.packs.pop(pack, None)
            yield
            self._store.delete("packs", pack)
        if not self._rules.rescue or not self._rules.marks_stay:
            yield
            self._store.delete("marks", name)

    def _finish(self, name: str, mark: Mark, view: View) -> Steps:
        """P5: what a stopped sweep left, then the mark, once everybody can see the drops."""
        for pack in sorted(mark.packs):
            yield
            self._store.delete("packs", pack)
        for old in sorted(mark.index):
            yield
            self._store.delete("index", old)
        last = max((view.dropped.get(pack, mark.time + GRACE) for pack in mark.packs), default=mark.time)
        if self._clock() - last >= GRACE * 3 // 2:
            yield
            self._store.delete("marks", name)

    def _compact(self) -> Steps:
        """One index object in the place of all."""
        view: View = yield from look(self._store, self._rules)
        dropped = view.dropped if self._rules.drops_are_carried else {}
        replaced = frozenset(view.index).union(*(one.replaces for one in view.index.values()))
        name = str(next(self._numbers))
        yield
        self._store.put("index", name, IndexObject(dict(view.packs), dict(dropped), replaced))
        if not self._rules.old_index_stays:
            for old in sorted(view.index):
                yield
                self._store.delete("index", old)
