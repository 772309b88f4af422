"""`skycap auth`: log in to remotes, and out."""

from __future__ import annotations

from typing import Annotated

import typer

from skycap.core.cli.complete import complete_remote
from skycap.core.cli.group import new_app
from skycap.core.cli.prompt import TerminalPrompt, nothing_found
from skycap.core.cli.session import session
from skycap.core.cli.table import print_table
from skycap.core.errors import AuthMissing, Error
from skycap.core.plugins import plugins

_HELP = """Log in to remotes, and out.

\b
Examples:
  skycap auth login photos
  skycap auth status
"""
app = new_app(help=_HELP, no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of the remote.", autocompletion=complete_remote)
]


@app.command()
def login(name: Name) -> None:
    """Log in to a remote; secrets go to the credential store, and only references into the configuration.

    The remote is asked whether it takes them; what it refuses is not kept.

    \b
    Examples:
      skycap auth login photos
      pass show s3/photos | skycap auth login photos
    """
    from skycap.core.remotes.login import login as log_in

    run = session()
    done = log_in(run.opener, plugins(), name.removesuffix(":"), TerminalPrompt())
    if not (done.set or done.taken_out):
        run.note("Nothing was entered, nothing was changed.")
        return
    gone = f"; {', '.join(done.taken_out)} taken out" if done.taken_out else ""
    run.note(f"Logged in: {', '.join(done.set)}{gone}.")
    if done.untried is not None:
        run.warn(f"it is stored, and whether it is good is not known yet: {done.untried}")


@app.command()
def logout(name: Name) -> None:
    """Log out of a remote: its secrets and what belongs to them are forgotten, on this machine.

    \b
    Examples:
      skycap auth logout photos
      skycap auth logout --quiet photos
    """
    from skycap.core.remotes.login import logout as log_out

    run = session()
    gone, absent = log_out(run.opener, plugins(), name.removesuffix(":"))
    for reference in absent:
        run.warn(nothing_found(reference))
    name = name.removesuffix(":")
    if not gone:
        run.note(f"Nothing was stored for {name}; nothing was changed.")
        return
    run.note(f"Logged out of {name}: {', '.join(gone)} taken out.")


@app.command()
def status(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One remote.", autocompletion=complete_remote)
    ] = None,
) -> int:
    """Tell which remotes one is logged in to. No network is used.

    \b
    Examples:
      skycap auth status
      skycap auth status --json photos
    """
    from skycap.core.remotes.login import status as look

    run = session()
    names = [name.removesuffix(":")] if name else run.opener.remotes.names()
    rows, missing = [], False
    for one in names:
        try:
            found = look(run.opener, plugins(), one)
        except Error as error:
            if name:
                raise
            if run.json:
                run.emit({"type": "auth", "remote": one, "logged_in": False, "problem": str(error)})
            rows.append((one, "unknown", str(error)))
            continue
        missing = missing or not found.logged_in
        if run.json:
            run.emit({"type": "auth", "remote": one, "logged_in": found.logged_in, "detail": found.detail})
        rows.append((one, "yes" if found.logged_in else "no", found.detail))
    if not run.json:
        print_table(run, ("remote", "logged in", ""), rows)
    return AuthMissing.exit_status if name and missing else 0
