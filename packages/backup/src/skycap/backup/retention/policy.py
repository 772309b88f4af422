"""What a retention policy is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from skycap.core.errors import UsageError

UNLIMITED = -1
Bucket = Literal["last", "hourly", "daily", "weekly", "monthly", "yearly"]
Field = Literal["host", "paths", "tags", "name"]
COUNTED: tuple[Bucket, ...] = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
SPANNED: tuple[Bucket, ...] = COUNTED[1:]
FIELDS: tuple[Field, ...] = ("host", "paths", "tags", "name")
_PARTS = re.compile(r"(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a policy looks at. Times are nanoseconds since 1970 in UTC; `supersedes` are ids."""

    id: str
    time_ns: int
    host: str = ""
    paths: tuple[bytes, ...] = ()
    name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    supersedes: tuple[str, ...] = ()
    pinned: bool = False
    locked_until_ns: int | None = None


class Span(NamedTuple):
    """A length of time on the calendar: a month is as long as that month is."""

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0

    @classmethod
    def parse(cls, text: str) -> Span:
        """From text such as `1y6m`, `8w`, `7d12h`; `m` is months. Raises UsageError."""
        found = _PARTS.fullmatch(text.strip())
        if not found or not any(found.groups()):
            raise UsageError(
                f"{text!r} is no length of time",
                hint="Write years, months, weeks, days, hours: 1y6m, 8w, 7d12h.",
            )
        years, months, weeks, days, hours = (int(part or 0) for part in found.groups())
        if max(years, months, weeks, days, hours) > 1_000_000:
            raise UsageError(f"{text!r} is too long", hint="Use 1000y for everything.")
        return cls(years, months, days + 7 * weeks, hours)

    def __str__(self) -> str:
        parts = zip(self, "ymdh", strict=True)
        return "".join(f"{count}{unit}" for count, unit in parts if count) or "0h"


NO_SPAN = Span()


class TagRule(NamedTuple):
    """Tags that a snapshot needs, all of them; a value of None stands for any."""

    needed: tuple[tuple[str, str | None], ...]

    @classmethod
    def parse(cls, text: str) -> TagRule:
        """From `key`, `key=value`, or several with commas. Raises UsageError."""
        needed = []
        for part in text.split(","):
            key, equals, value = part.partition("=")
            if not key.strip():
                raise UsageError(f"{text!r} names no tag", hint="Write --keep-tag KEY or KEY=VALUE.")
            needed.append((key.strip(), value if equals else None))
        return cls(tuple(needed))

    def fits(self, tags: Mapping[str, str]) -> bool:
        """Does a snapshot with these tags have them?"""
        return all(key in tags and value in {None, tags[key]} for key, value in self.needed)

    def __str__(self) -> str:
        return ",".join(key if value is None else f"{key}={value}" for key, value in self.needed)


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules of which one is enough to keep a snapshot.

    `counts` keep so many of a kind, `UNLIMITED` for all; `within` keeps all that is newer than the span
    before the newest snapshot, `within_each` one of a kind inside such a span. Zero is none.
    Raises UsageError for a count below zero and for a kind that is none.
    """

    counts: Mapping[Bucket, int] = field(default_factory=dict)
    within: Span = NO_SPAN
    within_each: Mapping[Bucket, Span] = field(default_factory=dict)
    tags: tuple[TagRule, ...] = ()
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for kind, count in self.counts.items():
            if kind not in COUNTED or count < UNLIMITED:
                raise UsageError(f"--keep-{kind} cannot be {count}", hint="Give a number, or -1 for all.")
        for kind in self.within_each:
            if kind not in SPANNED:
                raise UsageError(f"there is no --keep-within-{kind}", hint=f"There is {', '.join(SPANNED)}.")

    @property
    def is_empty(self) -> bool:
        """Does it keep nothing?"""
        spans = (self.within, *self.within_each.values())
        return not (any(self.counts.values()) or any(map(any, spans)) or self.tags or self.names)


def group_fields(text: str) -> tuple[Field, ...]:
    """The fields of `--group-by`, such as `host,paths`; none for an empty text. Raises UsageError."""
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    found = tuple(one for one in FIELDS if one in wanted)
    if len(found) != len(wanted):
        wrong = ", ".join(sorted(wanted - set(FIELDS)))
        raise UsageError(f"snapshots cannot be grouped by {wrong}", hint=f"Choose of {', '.join(FIELDS)}.")
    return found
