"""`[defaults]`: what flags are where the command line and the environment say nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import copy
from typing import Any

import typer
from typer.core import TyperOption

from skycap.core.cli.flags import FLAG_NAMES
from skycap.core.config import Config
from skycap.core.errors import ConfigInvalid
from skycap.core.storage.options import nearest


def flag_name(option: TyperOption) -> str:
    """A flag as it is called in `[defaults]` and, in upper case, in variables: `--dry-run` is `dry_run`."""
    return max(option.opts, key=len).lstrip("-").replace("-", "_")


def options_of(command: Any) -> Iterator[TyperOption]:
    """All flags of a command and of those below it."""
    for parameter in command.params:
        if isinstance(parameter, TyperOption) and parameter.name != "help":
            yield parameter
    for below in getattr(command, "commands", {}).values():
        yield from options_of(below)


def values(config: Config, name: str) -> dict[str, Any]:
    """What the file says for the command `name`: by the name of the flag."""
    flat = {key: value for key, value in config.defaults.items() if not isinstance(value, dict)}
    return {key.replace("-", "_"): value for key, value in {**flat, **_own(config, name)}.items()}


def spread(command: Any, found: Mapping[str, Any]) -> None:
    """Hand them to a command and all below it."""
    below = getattr(command, "commands", {})
    own = {p.name: found[flag_name(p)] for p in options_of(command) if flag_name(p) in found}
    command.context_settings["default_map"] = {**own, **dict.fromkeys(below, own)}
    for one in below.values():
        spread(one, found)


def unknown_commands(config: Config, commands: Collection[str]) -> Iterator[ConfigInvalid]:
    """Tables of commands that there are none of: misspelled, or of a plugin that is not there now."""
    for key, value in config.defaults.items():
        if isinstance(value, dict) and key not in commands:
            hint = nearest(key, sorted(commands))
            yield ConfigInvalid(f"unknown command {key!r}", where=_where(config, key), hint=hint)


def faults(config: Config, name: str, command: Any) -> Iterator[ConfigInvalid]:
    """All that is wrong with the defaults as far as the command `name` sees them."""
    known = {flag_name(option) for option in options_of(command)}
    everywhere = known | FLAG_NAMES
    for key, value in config.defaults.items():
        if not isinstance(value, dict) and key.replace("-", "_") not in everywhere:
            hint = nearest(key.replace("-", "_"), sorted(everywhere))
            yield ConfigInvalid(f"unknown key {key!r}", where=_where(config), hint=hint)
    for key in _own(config, name):
        if key.replace("-", "_") not in known:
            hint = nearest(key.replace("-", "_"), sorted(known))
            yield ConfigInvalid(f"unknown key {key!r}", where=_where(config, name), hint=hint)
    found = values(config, name)
    for option in options_of(command):
        key = flag_name(option)
        if key in found:
            place = _where(config, name if _has(_own(config, name), key) else None)
            if fault := fault_of(option, found[key], f"{place} {key}"):
                yield fault


def fault_of(option: TyperOption, value: Any, where: str) -> ConfigInvalid | None:
    """What is wrong with the value of a flag that did not come from the command line."""
    context = typer.Context(typer.core.TyperCommand("check"))
    if not option.expose_value:  # of every command; its callback would make it count
        option = copy(option)
        option.callback = None
    try:
        option.process_value(context, value)
    except typer.BadParameter as error:
        return wrong_value(error, option, where)
    return None


def wrong_value(error: typer.BadParameter, option: Any, where: str) -> ConfigInvalid:
    """The error for a value that does not fit its flag."""
    flag = max(option.opts, key=len)
    return ConfigInvalid(error.message.rstrip("."), where=where, hint=f"{flag}: {option.help}")


def _own(config: Config, name: str) -> Mapping[str, Any]:
    found = config.defaults.get(name, {})
    return found if isinstance(found, dict) else {}


def _has(table: Mapping[str, Any], key: str) -> bool:
    return key in {name.replace("-", "_") for name in table}


def _where(config: Config, command: str | None = None) -> str:
    return f"{config.path} [defaults{f'.{command}' if command else ''}]"
