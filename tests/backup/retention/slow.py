"""The retention rules once more, slowly, from their words: what the fast ones are compared with.

Every question is answered by looking at all snapshots again; nothing is counted on the way.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from skycap.backup.retention.policy import Policy, Snapshot, Span

BILLION = 10**9


def clock(snapshot_ns: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(snapshot_ns // BILLION, UTC).astimezone(zone)


def bucket_of(kind: str) -> Callable[[datetime], tuple[int, ...]]:
    return {
        "hourly": lambda when: (when.year, when.month, when.day, when.hour),
        "daily": lambda when: (when.year, when.month, when.day),
        "weekly": lambda when: tuple(when.isocalendar())[:2],
        "monthly": lambda when: (when.year, when.month),
        "yearly": lambda when: (when.year,),
    }[kind]


def cut_off(newest_ns: int, span: Span, zone: tzinfo) -> int:
    """A month before 31 March is the 31st of February: three days after its 28th."""
    when = clock(newest_ns, zone)
    year, month = when.year - span.years, when.month
    for _ in range(span.months):
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    surplus = max(0, when.day - calendar.monthrange(year, month)[1])
    day = when.day - surplus
    there = datetime(year, month, day, when.hour, when.minute, when.second, tzinfo=zone)
    there = there + timedelta(days=surplus) - timedelta(days=span.days)
    moment = there.astimezone(UTC) - timedelta(hours=span.hours)
    return round(moment.timestamp()) * BILLION + newest_ns % BILLION


def firsts_of(group: list[Snapshot], kind: str, zone: tzinfo) -> list[Snapshot]:
    """Those whose bucket is another than that of the one before."""
    buckets: list[object] = (
        list(range(len(group)))
        if kind == "last"
        else [bucket_of(kind)(clock(one.time_ns, zone)) for one in group]
    )
    return [one for number, one in enumerate(group) if number == 0 or buckets[number] != buckets[number - 1]]


def kept_by_count(group: list[Snapshot], kind: str, count: int, zone: tzinfo) -> set[str]:
    if not count:
        return set()
    firsts = firsts_of(group, kind, zone)
    wanted = firsts if count == -1 else firsts[:count]
    kept = {one.id for one in wanted}
    if group and (count == -1 or len(firsts) < count):  # some of its count is left
        kept.add(group[-1].id)
    return kept


def kept_in_group(group: list[Snapshot], policy: Policy, now_ns: int, zone: tzinfo) -> set[str]:
    """Ids of complete snapshots of one group, newest first, that any rule keeps."""
    kept: set[str] = set()
    for kind, count in policy.counts.items():
        kept |= kept_by_count(group, kind, count, zone)
    past = [one.time_ns for one in group if one.time_ns <= now_ns]

    def inside(one: Snapshot, span: Span) -> bool:
        return not past or one.time_ns > cut_off(max(past), span, zone)

    if any(policy.within):
        kept |= {one.id for one in group if inside(one, policy.within)}
    for kind, span in policy.within_each.items():
        if any(span):
            near = [one for one in group if inside(one, span)]
            kept |= {one.id for one in firsts_of(near, kind, zone)}
            if near and near[-1] is group[-1]:
                kept.add(group[-1].id)
    for one in group:
        if any(rule.fits(one.tags) for rule in policy.tags) or (one.name and one.name in policy.names):
            kept.add(one.id)
    return kept
