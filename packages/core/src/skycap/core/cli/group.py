"""The root command: it knows every command by name and one line, and imports only the one that is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from itertools import pairwise
from types import SimpleNamespace
from typing import Annotated, Any

import typer
from typer._click.core import ParameterSource
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from skycap.core import plugins
from skycap.core.cli import defaults
from skycap.core.cli.coercion import convert_plainly
from skycap.core.cli.complete import complete_local
from skycap.core.cli.session import session
from skycap.core.errors import ConfigInvalid
from skycap.core.hookspecs import Lazy
from skycap.core.version import VERSION

_LENIENT = frozenset({"config", "doctor", "info", "plugins", "logs", "completion"})
"""Commands that must work while the configuration is broken."""
_MAKES_CONFIG = frozenset({"remote add", "config edit", "config path"})
"""Commands for which the file that `--config` names need not be there yet; so are all logins."""
_HELP_NAMES = ["-h", "--help"]
_NAMES: Any = SimpleNamespace(help_option_names=_HELP_NAMES)


def new_app(**settings: Any) -> typer.Typer:
    """A typer app as all of ours are: plain help, no options for completion."""
    return typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, **settings
    )


@cache
def offers() -> Mapping[str, Lazy]:
    """All commands there are."""
    return plugins.plugins().commands()


class PluginGroup(TyperGroup):
    """Commands come from the hook `register_commands`, core's own among them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands."""
        return [*super().list_commands(ctx), *offers()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by name. Help and completion need only its line; running it imports it."""
        offer = offers().get(cmd_name)
        if offer is None:
            return None
        if not ctx.meta.get("skycap.resolving"):
            return TyperCommand(cmd_name, help=offer.summary, short_help=offer.summary, callback=lambda: None)
        return load(offer)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is run."""
        # The defaults of a command are known before its flags are parsed, and this one says where from.
        if (named := _named_config(args)) is not None:
            session().use_config(named)
        ctx.meta["skycap.resolving"] = True
        try:
            return super().resolve_command(ctx, args)
        except typer.BadParameter:
            raise
        finally:
            ctx.meta.pop("skycap.resolving")


def _named_config(args: Sequence[str]) -> str | None:
    """What `--config` says among the words of a command that is not parsed yet."""
    for word, following in pairwise([*args, ""]):
        if word == "--":
            return None
        if word.startswith("--config="):
            return word.removeprefix("--config=") or None
        if word == "--config":
            return following or None
    return None


def load(offer: Lazy) -> Any:
    """The command behind an offer, with the flags that every command has and what the file says of them."""
    command = build(offer)
    _set_defaults(command, offer.name)
    return command


def build(offer: Lazy) -> Any:
    """The command behind an offer, with the flags that every command has."""
    found = plugins.load(offer, "the command", offer.name)
    with plugins.naming(plugins.owner(offer)):
        command = get_command(found) if isinstance(found, typer.Typer) else found
        if not isinstance(command, TyperCommand | TyperGroup):
            raise TypeError(f"the command {offer.name!r} is no typer.Typer but a {type(found).__name__}")
    command.name = offer.name
    is_group = isinstance(command, TyperGroup)
    prefix = f"SKYCAP_{offer.name.upper().replace('-', '_')}_" if is_group else "SKYCAP_"
    _finish(command, prefix, offer.name)
    return command


def _finish(command: Any, prefix: str, called: str) -> None:
    """Plain help, `-h`, a variable for each flag, and the common flags, for a command and all below it."""
    command.rich_markup_mode = None
    command.context_settings["help_option_names"] = _HELP_NAMES
    command.params = [p for p in command.params if p.name not in {"install_completion", "show_completion"}]
    # Made before the parser makes it, so that it is converted plainly too.
    convert_plainly(command.get_help_option(_NAMES))
    for parameter in command.params:
        convert_plainly(parameter)
        if isinstance(parameter, TyperOption) and parameter.envvar is None:
            parameter.envvar = f"{prefix}{defaults.flag_name(parameter).upper()}"
            parameter.show_envvar = False
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            _finish(below, prefix, f"{called} {name}")
    else:
        if command.callback is not None and not _makes_config(called):
            command.callback = _with_config(command.callback, called.partition(" ")[0])
        taken = {option for parameter in command.params for option in parameter.opts}
        command.params += [p for p in common() if not taken.intersection(p.opts)]


def _makes_config(called: str) -> bool:
    return called in _MAKES_CONFIG or called.endswith(" login")


def _with_config(callback: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The command, after a look whether the file that `--config` names is there, and fits the plugins."""

    @wraps(callback)
    def call(*args: Any, **values: Any) -> Any:
        run = session()
        run.check_config()
        if name not in _LENIENT:
            for fault in defaults.unknown_commands(run.config, offers()):
                run.warn(f"{fault}: misspelled, or its plugin is left out")
        return callback(*args, **values)

    return call


def _set_defaults(command: Any, name: str) -> None:
    """What `[defaults]` and `[defaults.COMMAND]` of the configuration say, below flags and variables."""
    lenient = name in _LENIENT
    try:
        config = session().config
    except ConfigInvalid:
        if lenient:
            return
        raise
    if not config.defaults:
        return
    fault = next(defaults.faults(config, name, command), None)
    if fault is None:
        defaults.spread(command, defaults.values(config, name))
    elif not lenient:
        raise fault


# Flags that every command has


def _verbose(value: int) -> None:
    if value:
        session().verbosity = max(session().verbosity, value)


def _quiet(value: bool) -> None:
    if value:
        session().verbosity = -1


def _json(value: bool) -> None:
    if value:
        session().json = True


def _config(context: typer.Context, value: str | None) -> None:
    # What the variable says is known to the session already, and need not exist.
    if value and context.get_parameter_source("config") is ParameterSource.COMMANDLINE:
        session().use_config(value)


def _version(value: bool) -> None:
    if value:
        session().line(f"skycap {VERSION}")
        raise typer.Exit


def _common_flags(
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            envvar="SKYCAP_JSON",
            show_envvar=False,
            callback=_json,
            help="Print JSON Lines.",
            is_eager=True,
        ),
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            envvar="SKYCAP_VERBOSE",
            show_envvar=False,
            callback=_verbose,
            is_eager=True,
            help="Tell more; twice: everything, tracebacks too.",
        ),
    ] = 0,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            envvar="SKYCAP_QUIET",
            show_envvar=False,
            callback=_quiet,
            help="Tell only errors.",
            is_eager=True,
        ),
    ] = False,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            envvar="SKYCAP_CONFIG",
            show_envvar=False,
            callback=_config,
            metavar="FILE",
            autocompletion=complete_local,
            is_eager=True,
            help="Another configuration file.",
        ),
    ] = None,
) -> None:
    """Only its parameters are used."""


@cache
def common() -> list[Any]:
    """The parameters of the flags that every command has; their callbacks write into the session."""
    app = new_app()
    app.command()(_common_flags)
    found = [p for p in get_command(app).params if p.name != "help"]
    for parameter in found:
        parameter.expose_value = False
        convert_plainly(parameter)
    return found


def _root_flags(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Only its parameters are used."""


@cache
def root() -> PluginGroup:
    """The command `skycap` itself."""
    app = new_app()
    app.command()(_root_flags)
    version = [p for p in get_command(app).params if p.name == "version"]
    for parameter in version:
        parameter.expose_value = False
        convert_plainly(parameter)
    found = PluginGroup(
        name="skycap",
        help="Move files between anywhere and anywhere, and keep them safe.",
        epilog="Places: NAME:PATH, s3://BUCKET/KEY, :TYPE,OPTION=VALUE:PATH, local paths, - for a pipe.",
        params=[*version, *common()],
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings={"help_option_names": _HELP_NAMES, "max_content_width": 100},
    )
    convert_plainly(found.get_help_option(_NAMES))
    return found


def suggestion(name: str) -> str | None:
    """The command that is most like `name`."""
    import difflib

    found = difflib.get_close_matches(name, list(offers()), 1, 0.5)
    return found[0] if found else None
