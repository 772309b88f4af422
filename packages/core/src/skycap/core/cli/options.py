"""Flags that several commands share, as a dataclass: its fields become parameters of the command.

@app.command()
@takes(TransferFlags)
def copy(source: Place, target: Place, *, flags: TransferFlags) -> int: ...
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def takes(kind: type[Any]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Replace the parameter `flags` by the fields of the dataclass `kind`."""

    def decorate(function: Callable[..., T]) -> Callable[..., T]:
        own = inspect.signature(function, eval_str=True)
        hints = get_type_hints(kind, include_extras=True)
        parameters = [p for p in own.parameters.values() if p.name != "flags"]
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=hints[field.name],
            )
            for field in fields(kind)
        ]
        names = {field.name for field in fields(kind)}

        def command(**values: Any) -> T:
            flags = kind(**{name: value for name, value in values.items() if name in names})
            rest = {name: value for name, value in values.items() if name not in names}
            return function(**rest, flags=flags)

        command.__name__ = function.__name__
        command.__doc__ = function.__doc__
        command.__module__ = function.__module__
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        command.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        return command

    return decorate
