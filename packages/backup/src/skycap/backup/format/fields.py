"""What the members of a JSON object must be: one small check each, and one error for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skycap.backup.format.canonical import is_hex, is_time
from skycap.core.errors import Damaged

Check = Callable[[Any], bool]


def require(members: Mapping[str, Any], checks: Mapping[str, Check], what: str) -> None:
    """Raise Damaged unless every member that `checks` names is there and passes; `what` names the object."""
    for name, check in checks.items():
        if name not in members or not check(members[name]):
            raise Damaged(f"{what} is not well-formed: the member {name!r} is missing or wrong")


def text(value: Any) -> bool:
    """A string."""
    return isinstance(value, str)


def flag(value: Any) -> bool:
    """true or false."""
    return isinstance(value, bool)


def count(value: Any) -> bool:
    """An integer from 0."""
    return type(value) is int and value >= 0


def time(value: Any) -> bool:
    """A time."""
    return is_time(value)


def hex_of(size: int) -> Check:
    """`size` bytes in hexadecimal."""
    return lambda value: is_hex(value, size)


def one_of(*allowed: Any) -> Check:
    """One of these."""
    return lambda value: type(value) is not bool and value in allowed


def or_null(check: Check) -> Check:
    """null, or what passes."""
    return lambda value: value is None or check(value)


def list_of(check: Check) -> Check:
    """A list of what passes."""
    return lambda value: isinstance(value, list) and all(map(check, value))


def object_of(check: Check) -> Check:
    """An object whose members pass."""
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def object_with(checks: Mapping[str, Check]) -> Check:
    """An object that has these members."""
    return lambda value: (
        isinstance(value, dict)
        and all(name in value and check(value[name]) for name, check in checks.items())
    )
