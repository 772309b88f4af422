"""What can be set for a storage type: one frozen dataclass each, read from configuration and environment.

    from skycap.core.storage.options import Duration, Secret, Size, StorageOptions, option

    @dataclass(frozen=True, kw_only=True)
    class BoxOptions(StorageOptions):
        endpoint: str = option("Where the service answers")
        token: Secret | None = option("Access token", default=None)
        part_size: Size = option("Bytes a part", default=Size(16 * MiB))

Text from outside becomes the annotated type; an unknown name is refused with the nearest match. A field of
type `Secret` is never shown, and in the configuration it is a reference to where the value lives.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar, Union, get_args, get_origin, get_type_hints

from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid, UsageError
from skycap.core.units import parse_duration, parse_size

__all__ = ["Duration", "OptionInfo", "Secret", "Size", "StorageOptions", "nearest", "option"]


class Size(int):
    """Bytes; as text `16MiB`."""


class Duration(float):
    """Seconds; as text `1h30m`."""


N = TypeVar("N", int, float)
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def option(
    help: str,  # noqa: A002
    *,
    default: Any = dataclasses.MISSING,
    env: tuple[str, ...] = (),
    login: bool = False,
    file: bool = False,
    must_exist: bool = False,
    url: bool = False,
) -> Any:
    """A field of options: what it is for, its default, and other environment variables that set it.

    `login` says that a login needs it; secrets beside such a field may be skipped there. `file` says that it
    is a path of this machine: a configuration keeps it absolute, for it is used from any folder;
    `must_exist` that it is a file without which nothing works. `url` says that it is an address, taken to be
    one of https where it names no scheme.
    """
    metadata = {
        "help": help, "env": env, "login": login, "file": file, "must_exist": must_exist, "url": url
    }  # fmt: skip
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, slots=True)
class OptionInfo:
    """One option, for help, prompts and docs."""

    name: str
    help: str
    type: Any
    required: bool
    default: Any
    secret: bool
    env: tuple[str, ...]
    login: bool = False
    file: bool = False
    must_exist: bool = False
    url: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class StorageOptions:
    """Base of all options."""

    @classmethod
    def describe(cls) -> list[OptionInfo]:
        """Every option in the order it was declared."""
        hints = get_type_hints(cls)
        return [
            OptionInfo(
                field.name,
                field.metadata.get("help", ""),
                hints[field.name],
                field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
                None if field.default is dataclasses.MISSING else field.default,
                _is_secret(hints[field.name]),
                field.metadata.get("env", ()),
                field.metadata.get("login", False),
                field.metadata.get("file", False),
                field.metadata.get("must_exist", False),
                field.metadata.get("url", False),
            )
            for field in dataclasses.fields(cls)
        ]

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, where: str) -> Self:
        """Options from text or TOML values; `ConfigInvalid` names the option at fault and where it stands."""
        found, wrong = cls._read(values, where)
        if wrong:
            raise wrong[0]
        return cls(**found)

    @classmethod
    def faults(cls, values: Mapping[str, Any], *, where: str) -> list[ConfigInvalid]:
        """All that `parse` would refuse."""
        found, wrong = cls._read(values, where)
        if not wrong:
            try:
                cls(**found)
            except ConfigInvalid as error:
                wrong.append(error)
        return wrong

    @classmethod
    def _read(cls, values: Mapping[str, Any], where: str) -> tuple[dict[str, Any], list[ConfigInvalid]]:
        known = {info.name: info for info in cls.describe()}
        wrong = [
            ConfigInvalid(f"unknown option {name!r}", where=where, hint=nearest(name, known))
            for name in values
            if name not in known
        ]
        found: dict[str, Any] = {}
        for name, value in values.items():
            try:
                if name in known:
                    found[name] = _convert(value, known[name], where)
            except ConfigInvalid as error:
                wrong.append(error)
        missing = [name for name, info in known.items() if info.required and name not in values]
        if missing:
            hint = f"{missing[0]}: {known[missing[0]].help}."
            wrong.append(ConfigInvalid(f"needs {' and '.join(missing)}", where=where, hint=hint))
        return found, wrong


def nearest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """A hint: the known name most like `name`, or all of them."""
    import difflib

    close = difflib.get_close_matches(name, list(known), 1, 0.5)
    return f"Did you mean {close[0]!r}?" if close else f"Known are: {', '.join(sorted(known)) or 'none'}."


def _is_secret(hint: Any) -> bool:
    """Whether it is `Secret`, `Secret[str]`, or one of them or None."""
    return any(kind is Secret or get_origin(kind) is Secret for kind in (hint, *get_args(hint)))


def _convert(value: Any, info: OptionInfo, where: str) -> Any:
    try:
        return _to(value, info.type)
    except (ValueError, TypeError, UsageError) as error:
        shown = "the value" if info.secret else repr(value)
        raise ConfigInvalid(
            f"option {info.name!r}: {shown} does not fit ({error})"
            if not info.secret
            else f"option {info.name!r}: the value does not fit",
            where=where,
            hint=f"{info.name}: {info.help}.",
        ) from (None if info.secret else error)


def _to(value: Any, hint: Any) -> Any:
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        if value is None or (value == "" and len(kinds) < len(get_args(hint))):
            return None
        return _to(value, kinds[0])
    if origin is Literal:
        if value not in get_args(hint):
            raise ValueError(f"one of {', '.join(map(str, get_args(hint)))}")
        return value
    if origin in {tuple, list}:
        items = [item for item in value.split(",") if item.strip()] if isinstance(value, str) else value
        return tuple(
            _to(item.strip() if isinstance(item, str) else item, get_args(hint)[0]) for item in items
        )
    if hint is bool:
        return _to_bool(value)
    if hint is Secret or origin is Secret:
        return value if isinstance(value, Secret) else Secret(str(value))
    if hint in {int, float, Size, Duration}:
        return _to_number(value, hint)
    if hint is str and not isinstance(value, str):
        raise TypeError("it must be text")
    return hint(value)


def _to_number(value: Any, hint: Any) -> Any:
    if isinstance(value, bool):
        raise TypeError("a number, not true or false")
    if hint is Size:
        return Size(_not_negative(parse_size(value) if isinstance(value, str) else _whole(value)))
    if hint is Duration:
        return Duration(_not_negative(parse_duration(value) if isinstance(value, str) else float(value)))
    if hint is int:
        return _whole(value)
    try:
        return float(value)
    except ValueError:
        raise ValueError("a number") from None


def _whole(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("a whole number")
    try:
        return int(value)
    except ValueError:
        raise ValueError("a whole number") from None


def _not_negative(value: N) -> N:
    if not 0 <= value < float("inf"):
        raise ValueError("0 or more")
    return value


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError("true or false")
    return text in _TRUE
