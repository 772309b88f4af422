"""What requests are checked against, with the words that the real server's validation has."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

from skycap.internxt.emulator.errors import Refused

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
ID24 = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*(Z|[+-]\d\d:?\d\d)?)?",
    re.IGNORECASE,
)


class Fields:
    """The fields of one body or query; says all that is wrong with them at once."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._wrong: list[str] = []

    def done(self) -> None:
        """Refuse with 400 if anything was wrong."""
        if self._wrong:
            raise Refused(400, self._wrong)

    def wrong(self, message: str) -> None:
        """Note one thing."""
        self._wrong.append(message)

    def text(
        self, name: str, *, optional: bool = False, longest: int | None = None, empty: bool = True
    ) -> str | None:
        """A string; None if it is optional and absent, or null."""
        value = self._given.get(name)
        if value is None:
            if not optional:
                if not empty:
                    self.wrong(f"{name} should not be empty")
                self.wrong(f"{name} must be a string")
            return None
        if not isinstance(value, str):
            self.wrong(f"{name} must be a string")
            return None
        if not value and not empty:
            self.wrong(f"{name} should not be empty")
        if longest is not None and len(value) > longest:
            self.wrong(f"{name} must be shorter than or equal to {longest} characters")
        return value

    def needed(self, name: str, *, longest: int | None = None) -> str:
        """A string that is not empty."""
        return self.text(name, longest=longest, empty=False) or ""

    def email(self, name: str) -> str:
        """An e-mail address, in lower case."""
        value = self._given.get(name)
        if not isinstance(value, str) or not _EMAIL.fullmatch(value):
            self.wrong(f"{name} must be an email")
            return ""
        return value.lower()

    def uuid(self, name: str) -> str:
        """A uuid, in lower case."""
        value = self._given.get(name)
        if not isinstance(value, str) or not UUID.fullmatch(value):
            self.wrong(f"{name} must be a UUID")
            return ""
        return value.lower()

    def whole(self, name: str, *, least: int = 0, most: int | None = None, default: int | None = None) -> int:
        """A whole number. Without a `default` it must be there."""
        value = self._given.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(f"{name} must be an integer number")
            return least
        if value < least:
            self.wrong(f"{name} must not be less than {least}")
        if most is not None and value > most:
            self.wrong(f"{name} must not be greater than {most}")
        return value

    def maybe_whole(self, name: str) -> int | None:
        """A whole number that may be absent."""
        return None if self._given.get(name) is None else self.whole(name)

    def date(self, name: str) -> str | None:
        """A time in ISO 8601, with any number of decimals, as this server would write it; None if absent."""
        value = self._given.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or (found := parsed_time(value)) is None:
            self.wrong(f"{name} must be a valid ISO 8601 date string")
            return None
        return found

    def choice(self, name: str, among: Sequence[str], default: str | None = None) -> str | None:
        """One of some words; `default` if it is absent."""
        value = self._given.get(name)
        if value is None or value == "":
            return default
        if value not in among:
            self.wrong(f"{name} must be one of the following values: {', '.join(among)}")
            return default
        return str(value)

    def items(self, name: str, *, least: int = 1, most: int) -> list[Any]:
        """A list of some length."""
        value = self._given.get(name)
        if not isinstance(value, list):
            self.wrong(f"{name} must be an array")
            return []
        if len(value) < least:
            self.wrong(f"{name} must contain at least {least} elements")
        if len(value) > most:
            self.wrong(f"{name} must contain no more than {most} elements")
        return value


def parsed_time(text: str) -> str | None:
    """An ISO 8601 time with milliseconds and `Z`; what is finer is cut off. None if it is none."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    day, minute, second, fraction, zone = found.groups()
    zone = {None: "+00:00", "Z": "+00:00", "z": "+00:00"}.get(zone, zone)
    try:
        moment = datetime.datetime.fromisoformat(f"{day}T{minute or '00:00'}:{second or '00'}{zone}")
    except ValueError:
        return None
    moment = moment.replace(microsecond=int((fraction or "").ljust(6, "0")[:3]) * 1000)
    return written(moment)


def written(moment: datetime.datetime) -> str:
    """A time as the real server writes it."""
    utc = moment.astimezone(datetime.UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}Z"


def time_text(seconds: float) -> str:
    """The same, of seconds since the epoch."""
    return written(datetime.datetime.fromtimestamp(seconds, datetime.UTC))


def path_uuid(value: str) -> str:
    """A uuid in a path, in lower case."""
    if not UUID.fullmatch(value):
        raise Refused(400, "Value of 'uuid' is not a valid UUID.")
    return value.lower()
