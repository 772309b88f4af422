"""What has to be done to make a target like its source: a stream of actions, never a list.

Two listings in one order are joined like two sorted files; a million entries cost what one costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from skycap.core.storage.entry import Entry, Kind
from skycap.core.transfer.compare import Compare, Verdict, fingerprint, tells, verdict
from skycap.core.transfer.merging import InTheWay, Side
from skycap.core.transfer.walk import Selects, fits


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
    REFUSE = "refuse"
    """It is larger than the target takes, or would take the place of another file of the source."""


class Action(NamedTuple):
    """One step of a plan. `source` is None for what only the target has."""

    type: ActionType
    path: str
    source: Entry | None = None
    target: Entry | None = None
    reason: str = ""
    behind: str = ""
    """The link at the target that stands where a directory above this path is needed."""

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
    """`always` and `rename`; `never`; or `newer`: only what is newer at the source."""
    select: Selects | None = None
    """Limits of size and age. What one side leaves out is left alone at the other."""


def plan(
    source: Iterator[Entry], target: Iterator[Entry], rules: Rules, known: Known | None = None
) -> Iterator[Action]:
    """Join two listings in merging order. What is only at the target becomes `REMOVE` where rules say so.

    `ScanFailed` if a listing is not in that order: what it hides would seem to be gone, and be removed.
    """
    ours, theirs = Side(source), Side(target)
    links = InTheWay()
    plain = rules.compare is Compare.MTIME and rules.select is None
    tolerance, file, keep = rules.tolerance_ns, Kind.FILE, ActionType.KEEP
    shadows = InTheWay() if rules.remove and not rules.dirs else None
    while (entry := ours.entry) is not None or theirs.entry is not None:
        other = theirs.entry
        if entry is not None and (other is None or ours.key < theirs.key):
            link = links.above(ours.key)
            for action in _only_source(entry, rules):
                yield action if link is None else action._replace(behind=link.path)
            if shadows is not None and entry.kind is not Kind.DIRECTORY:
                shadows.add(ours.key, entry)
            ours.step()
        elif other is not None and (entry is None or theirs.key < ours.key):
            if other.kind is Kind.SYMLINK:
                links.add(theirs.key, other)
            if _is_to_go(other, rules) and (
                # Where directories are only prefixes, nobody misses one, unless it shadows a file.
                other.kind is not Kind.DIRECTORY or shadows is None or shadows.above(theirs.key)
            ):
                yield Action(ActionType.REMOVE, other.path, None, other, "only at the target")
            theirs.step()
        elif entry is not None and other is not None:
            if (  # what nearly all of them are, decided without a call
                plain
                and entry.kind is file
                and other.kind is file
                and entry.size == other.size
                and entry.mtime_ns is not None
                and other.mtime_ns is not None
                and -tolerance < entry.mtime_ns - other.mtime_ns < tolerance
            ):
                yield Action(keep, entry.path, entry, other)
            else:
                yield from _both(entry, other, rules, known)
            ours.step()
            theirs.step()
        while ours.twins:
            twin = ours.twins.pop()
            yield Action(ActionType.SKIP, twin.path, twin, None, "another of the same name was there first")


def _is_left_out(entry: Entry, rules: Rules) -> bool:
    """Whether its size or age says that nothing happens to it."""
    return rules.select is not None and entry.kind is Kind.FILE and not fits(entry, rules.select)


def _is_to_go(entry: Entry, rules: Rules) -> bool:
    # What is never moved is not removed either: nobody could bring a device or a pipe back.
    return rules.remove and entry.kind is not Kind.OTHER and not _is_left_out(entry, rules)


def _only_source(entry: Entry, rules: Rules, target: Entry | None = None) -> Iterator[Action]:
    if _is_left_out(entry, rules):
        yield Action(ActionType.SKIP, entry.path, entry, target, "left out by its size or age")
    elif entry.kind is Kind.FILE:
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
    if ours.kind is not Kind.FILE or theirs.kind is not Kind.FILE or _is_left_out(ours, rules):
        for action in _only_source(ours, rules, theirs):
            yield action if action.type is ActionType.KEEP else _spared(action, rules) or action
        return
    answer = verdict(ours, theirs, rules.compare, rules.tolerance_ns)
    if (
        known is not None
        and rules.compare is Compare.MTIME
        and answer is Verdict.UNSURE
        and tells(ours)
        and tells(theirs)
        and known.same(ours.path, fingerprint(ours), fingerprint(theirs))
    ):
        answer = Verdict.SAME
    if answer is Verdict.SAME:
        yield Action(ActionType.KEEP, ours.path, ours, theirs)
        return
    kind = ActionType.CHECK if answer is Verdict.UNSURE else ActionType.COPY
    action = Action(kind, ours.path, ours, theirs, _difference(ours, theirs))
    yield _spared(action, rules) or action


def _spared(action: Action, rules: Rules) -> Action | None:
    """A `SKIP` in place of what would replace something that rules protect."""
    ours, theirs = action.source, action.target
    if ours is None or theirs is None or action.type is ActionType.SKIP:
        return None
    if rules.overwrite == "never":
        return Action(ActionType.SKIP, action.path, ours, theirs, "it exists already")
    if rules.overwrite == "newer" and _is_newer(theirs, ours):
        return Action(ActionType.SKIP, action.path, ours, theirs, "the target is newer")
    return None


def _is_newer(a: Entry, b: Entry) -> bool:
    first = a.stored_at_ns if a.mtime_ns is None else a.mtime_ns
    second = b.stored_at_ns if b.mtime_ns is None else b.mtime_ns
    return first is not None and second is not None and first > second


def _difference(ours: Entry, theirs: Entry) -> str:
    if ours.size != theirs.size:
        return "another size"
    if ours.mtime_ns is not None and theirs.mtime_ns is not None:
        return "another time"
    return "perhaps changed"
