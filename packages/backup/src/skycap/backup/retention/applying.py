"""Applies a policy: what is kept, what is not, and every reason for it.

The rules are those of restic, the oldest-snapshot rule among them: while a counting rule has some of its
count left, the oldest snapshot of the group is kept too. A snapshot that several rules want uses up each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import NamedTuple

from skycap.backup.retention.calendar import BUCKETS, Zone, at, before
from skycap.backup.retention.policy import COUNTED, SPANNED, UNLIMITED, Bucket, Field, Policy, Snapshot, Span
from skycap.core.errors import UsageError


class Reason(NamedTuple):
    """Why a snapshot is kept, or not. `code` is stable, `text` is for people.

    Codes: the kinds of counts, `oldest-` and a kind, `within`, `within-` and a kind, `tag`, `name`, `pinned`,
    `locked`, `unfinished`, `last-left` for those kept; `no-rule`, `superseded` for the others.
    """

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one snapshot. `group` holds the values of the fields that snapshots are grouped by."""

    snapshot: Snapshot
    group: tuple[object, ...]
    keep: bool
    reasons: tuple[Reason, ...]


_NO_RULE = Reason("no-rule", "no rule keeps it")


def plan(
    snapshots: Iterable[Snapshot],
    policy: Policy,
    *,
    now_ns: int,
    zone: Zone,
    group_by: Sequence[Field] = ("host", "paths"),
    allow_last: bool = False,
) -> list[Decision]:
    """A decision for each snapshot, group by group, newest first. Raises UsageError for an empty policy.

    Never given up: pinned snapshots, those locked beyond `now_ns`, the last one of a group unless
    `allow_last`, and unfinished ones that no finished snapshot supersedes.
    """
    if policy.is_empty:
        raise UsageError(
            "the policy keeps nothing", hint="Say what to keep, for example --keep-daily 7 --keep-weekly 5."
        )
    groups: dict[tuple[object, ...], list[Snapshot]] = {}
    for snapshot in snapshots:
        groups.setdefault(group_of(snapshot, group_by), []).append(snapshot)
    found = []
    for group in sorted(groups, key=repr):
        members = groups[group]
        members.sort(key=lambda one: one.id)
        members.sort(key=lambda one: one.time_ns, reverse=True)
        decisions = [
            Decision(one, group, bool(reasons), reasons or (_NO_RULE,))
            for one, reasons in zip(members, _reasons(members, policy, now_ns, zone), strict=True)
        ]
        decisions = [_without_superseded(one, decisions) for one in decisions]
        found += decisions if allow_last else _with_one_left(decisions)
    return found


def group_of(snapshot: Snapshot, fields: Sequence[Field]) -> tuple[object, ...]:
    """What snapshots of one group have in common."""
    values: dict[Field, object] = {
        "host": snapshot.host,
        "paths": tuple(sorted(snapshot.paths)),
        "tags": tuple(sorted(snapshot.tags.items())),
        "name": snapshot.name,
    }
    return tuple(values[one] for one in fields)


def _reasons(members: list[Snapshot], policy: Policy, now_ns: int, zone: Zone) -> list[tuple[Reason, ...]]:
    complete = [one for one in members if one.complete]
    rules = _Rules(policy, complete, now_ns, zone)
    found = []
    number = 0
    for one in members:
        reasons = list(_protected(one, now_ns))
        if one.complete:
            reasons += rules.look(number, one)
            number += 1
        else:
            reasons.append(Reason("unfinished", "unfinished, and no finished backup stands for it"))
        found.append(tuple(reasons))
    return found


def _protected(one: Snapshot, now_ns: int) -> Iterator[Reason]:
    if one.pinned:
        yield Reason("pinned", "pinned")
    if one.locked_until_ns is not None and one.locked_until_ns > now_ns:
        yield Reason("locked", f"locked until {at(one.locked_until_ns, UTC):%Y-%m-%d %H:%M} UTC")


class _Rules:
    """The rules of a policy over one group, looked at from the newest snapshot to the oldest."""

    def __init__(self, policy: Policy, complete: list[Snapshot], now_ns: int, zone: Zone) -> None:
        self._policy = policy
        self._zone = zone
        self._oldest = len(complete) - 1
        self._left = {kind: policy.counts.get(kind, 0) for kind in COUNTED}
        self._bucket: dict[Bucket, str | None] = dict.fromkeys(COUNTED)
        self._spans = {
            kind: policy.within_each[kind] for kind in SPANNED if any(policy.within_each.get(kind, ()))
        }
        self._span_bucket: dict[Bucket, str | None] = dict.fromkeys(SPANNED)
        newest = next((one.time_ns for one in complete if one.time_ns <= now_ns), None)
        self._within = self._since(newest, policy.within) if any(policy.within) else None
        self._each = {kind: self._since(newest, span) for kind, span in self._spans.items()}

    def _since(self, newest: int | None, span: Span) -> float:
        # Where all are in the future, or the calendar ends, everything is inside.
        since = None if newest is None else before(newest, span, self._zone)
        return float("-inf") if since is None else since

    def look(self, number: int, one: Snapshot) -> list[Reason]:
        """Why the complete snapshot of that number is kept; empty where no rule wants it."""
        policy = self._policy
        found = [Reason("tag", f"has the tag {rule}") for rule in policy.tags if rule.fits(one.tags)]
        if one.name and one.name in policy.names:
            found.append(Reason("name", f"is named {one.name}"))
        if self._within is not None and one.time_ns > self._within:
            found.append(Reason("within", f"within {policy.within}"))
        when = at(one.time_ns, self._zone)
        for kind in COUNTED:
            bucket = str(number) if kind == "last" else BUCKETS[kind](when)
            found += self._count(kind, bucket, number)
        for kind, since in self._each.items():
            bucket = BUCKETS[kind](when)
            if one.time_ns > since and (bucket != self._span_bucket[kind] or number == self._oldest):
                self._span_bucket[kind] = bucket
                found.append(Reason(f"within-{kind}", f"{kind} within {self._spans[kind]} ({bucket})"))
        return found

    def _count(self, kind: Bucket, bucket: str, number: int) -> Iterator[Reason]:
        left = self._left[kind]
        if not left:
            return
        is_new = bucket != self._bucket[kind]
        if not is_new and number != self._oldest:
            return
        self._bucket[kind] = bucket
        nth = (
            "all"
            if left == UNLIMITED
            else f"{self._policy.counts[kind] - left + 1} of {self._policy.counts[kind]}"
        )
        shown = "" if kind == "last" else f" ({bucket})"
        if left != UNLIMITED:
            self._left[kind] = left - 1
        if is_new:
            yield Reason(kind, f"{kind} {nth}{shown}")
        else:
            yield Reason(f"oldest-{kind}", f"oldest, {kind} {nth}{shown}")


def _without_superseded(one: Decision, decisions: list[Decision]) -> Decision:
    snapshot = one.snapshot
    if snapshot.complete or [reason.code for reason in one.reasons] != ["unfinished"]:
        return one
    if any(other.snapshot.complete and snapshot.id in other.snapshot.supersedes for other in decisions):
        return replace(one, keep=False, reasons=(Reason("superseded", "a finished backup stands for it"),))
    return one


def _with_one_left(decisions: list[Decision]) -> list[Decision]:
    if any(one.keep and one.snapshot.complete for one in decisions):
        return decisions
    number = next((number for number, one in enumerate(decisions) if one.snapshot.complete), None)
    if number is not None:
        text = "the last one left of its group; --allow-last gives it up too"
        decisions[number] = replace(decisions[number], keep=True, reasons=(Reason("last-left", text),))
    return decisions
