"""Times as servers write them: RFC 1123 and 850, asctime, ISO 8601, seconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime

_SECONDS = re.compile(r"-?\d{1,12}(\.\d+)?")
SECOND_NS = 1_000_000_000


def to_ns(text: str | None) -> int | None:
    """Nanoseconds since the epoch; None for what is no time."""
    text = (text or "").strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        whole, _, fraction = text.partition(".")
        return int(whole) * SECOND_NS + int((fraction + "0" * 9)[:9])
    moment = _parsed(text)
    if moment is None:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000


def _parsed(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def to_http(ns: int) -> str:
    """As RFC 9110 wants it, whole seconds."""
    return formatdate(ns // SECOND_NS, usegmt=True)
