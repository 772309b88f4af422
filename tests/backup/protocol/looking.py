"""What a writer or a pruner knows after looking at a repository: packs, drops, marks."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from tests.backup.protocol.rules import Rules
from tests.backup.protocol.store import Store

Steps = Generator[None, None, Any]


@dataclass(frozen=True)
class IndexObject:
    """Packs with the blobs of each, drops with the time of each, and the index objects that it replaces."""

    packs: dict[str, frozenset[int]] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Mark:
    """Packs and index objects to be deleted, and the time by the clock of whoever wrote it."""

    packs: frozenset[str]
    index: frozenset[str]
    time: int


@dataclass
class View:
    """One look."""

    marks: dict[str, Mark] = field(default_factory=dict)
    marked_at: dict[str, int] = field(default_factory=dict)
    index: dict[str, IndexObject] = field(default_factory=dict)
    packs: dict[str, frozenset[int]] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def marked(self) -> set[str]:
        """Every pack that some mark names."""
        return {name for mark in self.marks.values() for name in mark.packs}

    def holders(self, blob: int, *, marked_too: bool = False) -> list[str]:
        """The packs that hold a blob and are not on their way out."""
        marked = set() if marked_too else self.marked
        return sorted(name for name, blobs in self.packs.items() if blob in blobs and name not in marked)


def look(store: Store, rules: Rules) -> Steps:
    """Marks, then index; a pause may fall between any two requests."""
    view = View()
    if rules.marks_first:
        yield from _marks(store, view)
        yield from _index(store, view, rules)
    else:
        yield from _index(store, view, rules)
        yield from _marks(store, view)
    return view


def _marks(store: Store, view: View) -> Steps:
    yield
    for name, put_at in store.listed("marks").items():
        mark = store.get("marks", name)
        if mark is not None:
            view.marks[name] = mark
            view.marked_at[name] = put_at


def _index(store: Store, view: View, rules: Rules) -> Steps:
    while True:
        yield
        names = store.listed("index")
        yield
        objects = {name: store.get("index", name) for name in names}
        # What was listed and is not found was replaced meanwhile.
        if all(one is not None for one in objects.values()):
            break
    view.index = objects
    view.packs, view.dropped = merge(objects, rules)


def merge(objects: dict[str, IndexObject], rules: Rules) -> tuple[dict[str, frozenset[int]], dict[str, int]]:
    """The packs of the repository, and what was dropped."""
    needless = {old for one in objects.values() for old in one.replaces} if not rules.drops else set()
    packs: dict[str, frozenset[int]] = {}
    dropped: dict[str, int] = {}
    for name, one in objects.items():
        if name not in needless:
            packs.update(one.packs)
            dropped.update(one.dropped)
    if rules.drops:
        packs = {name: blobs for name, blobs in packs.items() if name not in dropped}
    return packs, dropped
