"""Sizes and durations, as people write and read them: binary units, `4.0 MiB`, `1h30m`."""

from __future__ import annotations

import re
from math import isfinite

from skycap.core.errors import UsageError

KiB = 1024
MiB = 1024 * KiB
GiB = 1024 * MiB

_SIZE = re.compile(r"(?i)^\s*(\d+(?:\.\d+)?)\s*([kmgtpe]?)(i?b?)\s*$")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w|y)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31557600}


def parse_size(text: str) -> int:
    """Bytes from `512`, `64k`, `16MiB`, `1.5G`; every unit is binary."""
    match = _SIZE.match(text)
    if match is None:
        raise UsageError(f"{text!r} is not a size", hint="Write it like 512, 64k, 16MiB or 1.5G.")
    from decimal import Decimal

    number, power, _ = match.groups()
    return int(Decimal(number) * 1024 ** _POWERS[power.lower()])


def format_size(size: int) -> str:
    """`4.0 MiB`; whole bytes below one KiB."""
    if size < KiB:
        return f"{size} B"
    number = float(size)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        number /= 1024
        if round(number, 1) < 1024:
            return f"{number:.1f} {unit}"
    return f"{number / 1024:.1f} PiB"


def parse_duration(text: str) -> float:
    """Seconds from `30`, `1.5s`, `1h30m`, `7d`."""
    compact = text.strip()
    found = [(compact, "s")] if re.fullmatch(r"\d+(\.\d+)?", compact) else _DURATION.findall(compact)
    seconds = float(sum(float(number) * _SECONDS[unit] for number, unit in found))
    rest = _DURATION.sub("", compact).strip() if found != [(compact, "s")] else ""
    if not found or rest or not isfinite(seconds):
        raise UsageError(f"{text!r} is not a duration", hint="Write it like 30s, 1h30m or 7d.")
    return seconds


def parse_age(text: str, now: float) -> float:
    """Seconds before `now`, from a duration like `7d` or a date like `2024-12-31`: its first moment here."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip()):
        from datetime import datetime

        try:
            return now - datetime.fromisoformat(text.strip()).timestamp()
        except ValueError:
            raise UsageError(f"{text!r} is not a date", hint="Write it like 2024-12-31.") from None
    try:
        return parse_duration(text)
    except UsageError as error:
        error.hint = "Write it like 30s, 1h30m, 7d or 2024-12-31."
        raise


def format_duration(seconds: float) -> str:
    """`0.4s`, `12s`, `3m 05s`, `2h 10m`."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if seconds < 59.5:
        return f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m"


def format_count(count: int, what: str) -> str:
    """`1 item`, `2 items`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
