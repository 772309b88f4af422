"""Which policy for which kind of work, read from the configuration of a remote and from a command.

Four kinds, since they hurt differently when they are given up. In the configuration of a remote:

    [remotes.photos]
    retries = 5                 # more tries after the first, of every kind
    timeout = "2m"              # one try
    retry_base = "500ms"        # also retry_cap, retry_multiplier, retry_total

    [remotes.photos.retry.upload]
    attempts = 12               # also base, cap, multiplier, timeout, total

The same in one word, as the environment needs it: `retry_upload_attempts`. What is said of one kind wins
over what is said of all; what a command says wins over what its remote says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from skycap.core.errors import ConfigInvalid, UsageError
from skycap.core.retry.policy import Policy
from skycap.core.units import parse_duration


class Operation(StrEnum):
    """A kind of work, as far as trying again goes. A look at one entry is a listing too."""

    UPLOAD = "upload"
    DOWNLOAD = "download"
    LIST = "list"
    DELETE = "delete"


_FIELDS = {
    "attempts": "attempts",
    "base": "base_s",
    "cap": "cap_s",
    "multiplier": "multiplier",
    "timeout": "per_try_timeout_s",
    "total": "total_timeout_s",
}
_FOR_ALL = {
    "retries": "attempts",
    "timeout": "timeout",
    "retry_base": "base",
    "retry_cap": "cap",
    "retry_multiplier": "multiplier",
    "retry_total": "total",
}
_FOR_ONE = {f"retry_{kind}_{field}": (kind, field) for kind in Operation for field in _FIELDS}

_DEFAULT = Policy()

OPTION_NAMES = frozenset({"retry", *_FOR_ALL, *_FOR_ONE})
"""The option names that belong here, and not to a storage type."""


@dataclass(frozen=True, slots=True)
class Policies:
    """A policy for each kind of work."""

    upload: Policy = _DEFAULT
    download: Policy = _DEFAULT
    list: Policy = _DEFAULT
    delete: Policy = _DEFAULT

    def of(self, operation: Operation) -> Policy:
        """The one for this kind of work."""
        found: Policy = getattr(self, operation.value)
        return found

    def merge(self, values: Mapping[str, Any], *, where: str) -> Policies:
        """These, with what `values` says; text or TOML values, by the names of the module docstring.

        Names that are not in `OPTION_NAMES` are left to others. `ConfigInvalid` names what is wrong and
        where it stands.
        """
        changes: dict[Operation, dict[str, Any]] = {kind: {} for kind in Operation}
        for name, field in _FOR_ALL.items():
            if name in values:
                number = _number(field, values[name], name, where)
                for found in changes.values():
                    found[_FIELDS[field]] = (number or 0) + 1 if name == "retries" else number
        for kind, field, value, name in _of_one_kind(values, where):
            changes[kind][_FIELDS[field]] = _number(field, value, name, where)
        try:
            return Policies(**{kind.value: replace(self.of(kind), **changes[kind]) for kind in Operation})
        except UsageError as error:
            raise ConfigInvalid(error.message, where=where) from error


def _of_one_kind(values: Mapping[str, Any], where: str) -> list[tuple[Operation, str, Any, str]]:
    found = []
    tables = values.get("retry", {})
    if not isinstance(tables, Mapping):
        raise ConfigInvalid(
            "option 'retry' is a table", where=where, hint="Write [remotes.NAME.retry.upload]."
        )
    for kind, table in tables.items():
        _known(kind, list(Operation), f"retry.{kind}", where)
        if not isinstance(table, Mapping):
            raise ConfigInvalid(f"option 'retry.{kind}' is a table", where=where)
        for field, value in table.items():
            _known(field, list(_FIELDS), f"retry.{kind}.{field}", where)
            found.append((Operation(kind), field, value, f"retry.{kind}.{field}"))
    found += [(kind, field, values[name], name) for name, (kind, field) in _FOR_ONE.items() if name in values]
    return found


def _known(name: str, names: list[Any], shown: str, where: str) -> None:
    if name not in names:
        import difflib

        close = difflib.get_close_matches(name, names, 1, 0.5)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known are: {', '.join(names)}."
        raise ConfigInvalid(f"unknown option {shown!r}", where=where, hint=hint)


def _number(field: str, value: Any, name: str, where: str) -> float | int | None:
    try:
        if isinstance(value, bool):
            raise ValueError("a number, not true or false")
        if field == "attempts":
            return int(_plain_number(value, whole=True))
        if field == "multiplier":
            return _plain_number(value)
        seconds = parse_duration(value) if isinstance(value, str) else float(value)
        return seconds or (None if field in {"timeout", "total"} else 0.0)
    except (ValueError, TypeError, OverflowError, UsageError) as error:
        raise ConfigInvalid(
            f"option {name!r}: {value!r} does not fit ({error})",
            where=where,
            hint="A number of tries like 5, a time like 500ms, 30s or 2m; 0 means no limit.",
        ) from error


def _plain_number(value: Any, *, whole: bool = False) -> float:
    """A number in plain words where it is none."""
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"a {'whole ' * whole}number") from None
    if whole and not number.is_integer():
        raise ValueError("a whole number")
    return number
