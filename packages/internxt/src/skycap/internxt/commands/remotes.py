"""Which remote a command is about, and its session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from skycap.core.cli.complete import complete_remote
from skycap.core.cli.session import Session as Run
from skycap.core.errors import Error, NotFound, UsageError

if TYPE_CHECKING:
    from skycap.core.remotes import Opener
    from skycap.internxt.options import InternxtOptions

TYPE = "internxt"
DEFAULT = "internxt"
"""The remote of a command that names none."""

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="The name of the remote; without one it is internxt, or the only one of this type.",
        autocompletion=complete_remote,
        show_default=False,
    ),
]


def known(opener: Opener, name: str | None) -> str | None:
    """The name of the remote that is meant; None if none is named and there is none yet.

    `NotFound` if there is none of this name, `UsageError` if it is of another type, or cannot be told.
    """
    if name is None:
        name = _unnamed(opener)
        if name is None:
            return None
    name = name.removesuffix(":")
    try:
        remote = opener.remotes.get(name)
    except NotFound as error:
        error.hint = f'"skycap remote add {name} {TYPE}" makes it.'
        raise
    if remote.type != TYPE:
        raise UsageError(
            f"it is a remote of type {remote.type}",
            where=remote.name,
            hint=f'"skycap auth login {remote.name}" logs in there; skycap internxt is for Internxt Drive.',
        )
    return remote.name


def required(opener: Opener, name: str | None) -> str:
    """The same where there has to be one."""
    found = known(opener, name)
    if found is None:
        raise NotFound("there is no remote of Internxt yet", hint='"skycap internxt login" makes one.')
    return found


def options_of(opener: Opener, name: str) -> InternxtOptions:
    """The options of a remote, its secrets fetched."""
    from skycap.internxt.options import InternxtOptions

    options, _ = opener.options(opener.remotes.get(name))
    if not isinstance(options, InternxtOptions):
        raise TypeError(f"{TYPE} has other options than ours")
    return options


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Errors of the block name the remote, also in what they advise."""
    try:
        yield
    except Error as error:
        error.where = error.where or f"{name}:"
        error.hint = error.hint.replace("REMOTE", name) if error.hint else None
        raise


def fresh(run: Run) -> Opener:
    """An opener of the configuration as it is now; whoever calls closes it."""
    from skycap.core.config import Config
    from skycap.core.remotes import Opener

    return Opener(Config.load(run.config_path), environ=run.environ)


def _unnamed(opener: Opener) -> str | None:
    ours = []
    for name in opener.remotes.names():
        if name.lower() == DEFAULT:
            return name
        if str(opener.remotes.type_of(name).value) == TYPE:
            ours.append(name)
    if len(ours) > 1:
        raise UsageError(
            f"there are several remotes of Internxt: {', '.join(ours)}", hint="Name the one that is meant."
        )
    return ours[0] if ours else None
