"""Moments on the calendar of a place: buckets, and spans before a moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

from skycap.backup.retention.policy import Bucket, Span
from skycap.core.errors import UsageError

_SECOND = 1_000_000_000
Zone = tzinfo | None
"""None is the zone of this computer, with its summer times."""


def zone_of(name: str) -> Zone:
    """A zone by its name, such as `Europe/Berlin`; `local` is that of this computer. Raises UsageError."""
    import zoneinfo

    if name == "local":
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"there is no time zone {name!r}", hint='Use a name such as Europe/Berlin, "UTC" or "local".'
        ) from error


def at(time_ns: int, zone: Zone) -> datetime:
    """What a clock there shows, to the second."""
    return datetime.fromtimestamp(time_ns // _SECOND, zone)


def _hour(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:00")


def _day(when: datetime) -> str:
    return when.strftime("%Y-%m-%d")


def _week(when: datetime) -> str:
    year, week, _ = when.isocalendar()
    return f"{year:04}-W{week:02}"


def _month(when: datetime) -> str:
    return when.strftime("%Y-%m")


def _year(when: datetime) -> str:
    return when.strftime("%Y")


BUCKETS: dict[Bucket, Callable[[datetime], str]] = {
    "hourly": _hour,
    "daily": _day,
    "weekly": _week,
    "monthly": _month,
    "yearly": _year,
}
"""The bucket of a moment. An hour that comes twice, when summer time ends, is one bucket."""


def before(time_ns: int, span: Span, zone: Zone) -> int | None:
    """The moment that is `span` before, ns since 1970; None where the calendar does not reach so far.

    Years, months and days go back on the calendar, at the same time of day; a day that this month lacks
    counts on into the next (a month before 31 March is 3 March, or 2 March). Hours are of sixty minutes.
    """
    when = at(time_ns, zone)
    months = when.year * 12 + when.month - 1 - span.years * 12 - span.months
    try:
        first = when.replace(year=months // 12, month=months % 12 + 1, day=1, fold=0)
        back = first + timedelta(days=when.day - 1 - span.days)
        seconds = int(back.timestamp())
    except (ValueError, OverflowError, OSError):
        return None
    return (seconds - span.hours * 3600) * _SECOND + time_ns % _SECOND
