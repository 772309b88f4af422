"""Times as HTTP and WebDAV write and read them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

NS = 1_000_000_000
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=4096)
def http_date(seconds: int) -> str:
    """`Wed, 25 Nov 2026 04:00:00 GMT` (RFC 9110), whatever the locale."""
    when = _utc(seconds)
    return (
        f"{_DAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month - 1]} {when.year:04} {when:%H:%M:%S} GMT"
    )


@lru_cache(maxsize=4096)
def iso_date(seconds: int) -> str:
    """`2026-11-25T04:00:00Z` (RFC 3339)."""
    return f"{_utc(seconds).replace(tzinfo=None).isoformat()}Z"


def _utc(seconds: int) -> datetime:
    # A file can bear any time; HTTP has years of four digits.
    return datetime.fromtimestamp(min(max(seconds, -62_135_596_800), 253_402_300_799), UTC)


def parse_date(text: str) -> int | None:
    """Nanoseconds since the epoch of a date of RFC 9110 or RFC 3339, or of Unix seconds; None for others."""
    text = text.strip()
    try:
        return round(float(text) * NS)
    except (ValueError, OverflowError):
        pass
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            when = parse(text)
        except (ValueError, TypeError, OverflowError):
            continue
        return round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()) * NS
    return None
