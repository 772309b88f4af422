"""`skycap webdav config`: what a server would be started with, where that is set, and where things lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import typer

from skycap.core.cli import defaults
from skycap.core.cli.redact import redact
from skycap.core.cli.session import Session, session
from skycap.core.cli.table import print_table
from skycap.core.server.certificates import tls_folder
from skycap.core.server.registering import servers_folder
from skycap.core.state import log_folder, state_folder
from skycap.core.webdav.assembling import books_path

_BUILT_IN = "built in"
_STATE = "SKYCAP_STATE"


def config(context: typer.Context) -> None:
    """Show the settings of `skycap webdav serve` that count, where each is set, and where things lie.

    \b
    Examples:
      skycap webdav config
      skycap webdav config --json
    """
    run = session()
    parent: Any = context.parent
    rows = [*_settings(run, parent.command.commands["serve"]), *_places()]
    for key, value, origin in rows:
        if run.json:
            run.emit({"type": "setting", "key": key, "value": value, "origin": origin})
    if not run.json:
        shown = [(key, "" if value is None else str(value), origin) for key, value, origin in rows]
        print_table(run, ("key", "value", "set by"), shown)


def _settings(run: Session, serve: Any) -> Iterator[tuple[str, Any, str]]:
    from skycap.core.cli.group import common

    shared = {option.name for option in common()}
    in_file = defaults.values(run.config, "webdav")
    own = {key.replace("-", "_") for key in run.config.defaults.get("webdav", {})}
    for option in defaults.options_of(serve):
        name = defaults.flag_name(option)
        if option.name in shared:
            continue
        value, origin = option.default, _BUILT_IN
        if name in in_file:
            table = "defaults.webdav" if name in own else "defaults"
            value, origin = in_file[name], f"{run.config.path} [{table}]"
        if said := run.environ.get(str(option.envvar)):
            value, origin = said, f"environment {option.envvar}"
        yield name, _hidden(value) if name == "locks" else value, origin


def _hidden(value: Any) -> Any:
    """The URL of a store of locks without its password."""
    from urllib.parse import urlsplit

    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value)
        has_password = parts.password is not None or "password" in value
    except ValueError:
        has_password = True
    return f"{value.partition(':')[0]}:***" if has_password else redact(value)


def _places() -> Iterator[tuple[str, str, str]]:
    origin = f"environment {_STATE}" if os.environ.get(_STATE) else _BUILT_IN
    yield "paths.books", books_path(), origin
    yield "paths.locks", os.path.join(state_folder(), "locks.db"), origin
    yield "paths.certificates", tls_folder(), origin
    yield "paths.servers", servers_folder(), origin
    yield "paths.logs", log_folder(), origin
