"""Text from the command line made numbers and choices, without the validation library that typer brings.

Recent typer imports pydantic to turn a word into an `int`, which costs more than all else a small command
does. Parameters whose types are plain get their conversion from here; all others keep typer's own.
"""

from __future__ import annotations

import types
from typing import Any, Literal, Union, get_args, get_origin

from typer import BadParameter

_TRUE = {"1", "true", "t", "yes", "y", "on"}
_FALSE = {"0", "false", "f", "no", "n", "off", ""}
_PLAIN = (str, int, float, bool)


class PlainConversion:
    """Converts for one parameter; stands where typer keeps what it converts with."""

    def __init__(self, annotation: Any, low: float | None, high: float | None) -> None:
        self._annotation = annotation
        self._low = low
        self._high = high

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the annotated type; `BadParameter` says why not."""
        many = param.multiple or param.nargs == -1
        if value is None:
            return () if many else None
        try:
            if get_origin(self._annotation) is list:
                inner = get_args(self._annotation)[0]
                items = [value] if isinstance(value, str) else value
                return [self._one(item, inner) for item in items]
            return self._one(value, self._annotation)
        except (ValueError, TypeError) as error:
            raise BadParameter(str(error), ctx=ctx, param=param) from None

    def _one(self, value: Any, wanted: Any) -> Any:
        if get_origin(wanted) is Literal:
            choices = get_args(wanted)
            if value not in choices:
                raise ValueError(f"{value!r} is not one of {', '.join(map(str, choices))}.")
            return value
        if wanted is str:
            return str(value)
        if wanted is bool:
            return _to_bool(value)
        return self._number(value, wanted)

    def _number(self, value: Any, wanted: Any) -> Any:
        try:
            number = wanted(value)
        except (ValueError, OverflowError):
            kind = "a whole number" if wanted is int else "a number"
            raise ValueError(f"{value!r} is not {kind}.") from None
        if self._low is not None and number < self._low:
            raise ValueError(f"{value} is less than {self._low}.")
        if self._high is not None and number > self._high:
            raise ValueError(f"{value} is more than {self._high}.")
        return number


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(f"{value!r} is neither true nor false.")
    return text in _TRUE


def convert_plainly(parameter: Any) -> None:
    """Give a parameter of a plain type its conversion; leave others, and other versions of typer, alone."""
    descriptor = getattr(parameter, "type_descriptor", None)
    if descriptor is None or getattr(parameter, "_runtime_param", descriptor) is not None:
        return
    info = descriptor.parameter_info
    if info.parser is not None or getattr(info, "click_type", None) is not None:
        return
    annotation = _without_none(descriptor.annotation)
    inner = get_args(annotation)[0] if get_origin(annotation) is list else annotation
    if inner in _PLAIN or get_origin(inner) is Literal:
        parameter._runtime_param = PlainConversion(annotation, info.min, info.max)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in {Union, types.UnionType}:
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else annotation
    return annotation
