"""What has to be done to make a target like its source: a stream of actions, never a list.

Two listings in one order are joined like two sorted files; a million entries cost what one costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from skycap.core.storage.entry import Entry, Kind
from skycap.core.transfer.compare import Compare, Verdict, fingerprint, verdict


class ActionType(StrEnum):
    """What to do with one path."""

    COPY = "copy"
    CHECK = "check"
    """Look at both files themselves, and copy if they differ."""
    MAKE_DIR = "mkdir"
    LINK = "link"
    REMOVE = "remove"
    KEEP = "keep"
    SKIP = "skip"


class Action(NamedTuple):
    """One step of a plan. `source` is None for what only the target has."""

    type: ActionType
    path: str
    source: Entry | None = None
    target: Entry | None = None
    reason: str = ""

    @property
    def size(self) -> int:
        """Bytes to move."""
        return (self.source.size or 0) if self.source else 0


class Known(Protocol):
    """The state table, as the planner sees it: rows asked for in rising order of path."""

    def same(self, path: str, source: str, target: str) -> bool:
        """Whether these two fingerprints are those written down after the last transfer."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What the planner goes by. `tolerance_ns` is how far equal times may be apart."""

    compare: Compare = Compare.MTIME
    tolerance_ns: int = 1
    links: str = "keep"
    links_possible: bool = True
    dirs: bool = True
    """Whether directories exist by themselves on both sides."""
    remove: bool = False
    overwrite: str = "always"
    """`always`, `never`, or `newer`: only what is newer at the source."""


def plan(
    source: Iterator[Entry], target: Iterator[Entry], rules: Rules, known: Known | None = None
) -> Iterator[Action]:
    """Join two listings in merging order. What is only at the target becomes `REMOVE` where rules say so."""
    ours, theirs = next(source, None), next(target, None)
    our_key = ours.order if ours else b""
    their_key = theirs.order if theirs else b""
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and our_key < their_key):
            assert ours is not None  # noqa: S101 - one of the two is there
            yield from _only_source(ours, rules)
            ours = next(source, None)
            our_key = ours.order if ours else b""
        elif ours is None or their_key < our_key:
            if rules.remove and (theirs.kind is not Kind.DIRECTORY or rules.dirs):
                yield Action(ActionType.REMOVE, theirs.path, None, theirs, "only at the target")
            theirs = next(target, None)
            their_key = theirs.order if theirs else b""
        else:
            yield from _both(ours, theirs, rules, known)
            ours, theirs = next(source, None), next(target, None)
            our_key = ours.order if ours else b""
            their_key = theirs.order if theirs else b""


def _only_source(entry: Entry, rules: Rules, target: Entry | None = None) -> Iterator[Action]:
    if entry.kind is Kind.FILE:
        yield Action(ActionType.COPY, entry.path, entry, target, "new" if target is None else "another kind")
    elif entry.kind is Kind.DIRECTORY:
        if rules.dirs:
            yield Action(ActionType.MAKE_DIR, entry.path, entry, target, "new")
    elif entry.kind is Kind.SYMLINK:
        yield _link(entry, target, rules)
    else:
        yield Action(ActionType.SKIP, entry.path, entry, target, "neither a file, a directory nor a link")


def _link(entry: Entry, target: Entry | None, rules: Rules) -> Action:
    if rules.links == "follow":
        return Action(ActionType.SKIP, entry.path, entry, target, "a broken link, or one that leads back up")
    if rules.links == "skip":
        return Action(ActionType.SKIP, entry.path, entry, target, "a symbolic link")
    if not rules.links_possible:
        return Action(ActionType.SKIP, entry.path, entry, target, "the target cannot keep symbolic links")
    if target is not None and target.kind is Kind.SYMLINK and target.target == entry.target:
        return Action(ActionType.KEEP, entry.path, entry, target)
    return Action(ActionType.LINK, entry.path, entry, target, "new" if target is None else "changed")


def _both(ours: Entry, theirs: Entry, rules: Rules, known: Known | None) -> Iterator[Action]:
    if ours.kind is Kind.DIRECTORY:
        yield Action(ActionType.KEEP, ours.path, ours, theirs)
        return
    if ours.kind is not Kind.FILE or theirs.kind is not Kind.FILE:
        yield from _only_source(ours, rules, theirs)
        return
    answer = verdict(ours, theirs, rules.compare, rules.tolerance_ns)
    by_table = known is not None and rules.compare is Compare.MTIME and answer is Verdict.UNSURE
    if by_table and known is not None and known.same(ours.path, fingerprint(ours), fingerprint(theirs)):
        answer = Verdict.SAME
    if answer is Verdict.SAME:
        yield Action(ActionType.KEEP, ours.path, ours, theirs)
    elif rules.overwrite == "never":
        yield Action(ActionType.SKIP, ours.path, ours, theirs, "it exists already")
    elif rules.overwrite == "newer" and _is_newer(theirs, ours):
        yield Action(ActionType.SKIP, ours.path, ours, theirs, "the target is newer")
    else:
        kind = ActionType.CHECK if answer is Verdict.UNSURE else ActionType.COPY
        yield Action(kind, ours.path, ours, theirs, _difference(ours, theirs))


def _is_newer(a: Entry, b: Entry) -> bool:
    first, second = a.mtime_ns or a.stored_at_ns, b.mtime_ns or b.stored_at_ns
    return first is not None and second is not None and first > second


def _difference(ours: Entry, theirs: Entry) -> str:
    if ours.size != theirs.size:
        return "another size"
    if ours.mtime_ns is not None and theirs.mtime_ns is not None:
        return "another time"
    return "perhaps changed"
