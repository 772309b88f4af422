"""`skycap internxt`: what only Internxt has. Nothing heavy is imported here."""

from __future__ import annotations

from skycap.core.cli.group import new_app
from skycap.internxt.commands import (
    login,
    logout,
    resolve,
    search,
    share,
    status,
    trash,
    versions,
    whoami,
    workspaces,
)

_HELP = """Internxt Drive: log in, trash, search, links, versions. Unofficial, not affiliated with Internxt.

Files and folders are for the commands that every place has: skycap ls internxt:, skycap copy, sync, find…

\b
Examples:
  skycap internxt login --browser
  skycap internxt trash list
"""
app = new_app(help=_HELP, no_args_is_help=True)
app.command(name="login")(login.login)
app.command(name="logout")(logout.logout)
app.command(name="whoami")(whoami.whoami)
app.command(name="status")(status.status)
app.command(name="resolve")(resolve.resolve)
app.command(name="search")(search.search)
app.add_typer(trash.app, name="trash")
app.add_typer(share.app, name="share")
app.add_typer(versions.app, name="versions")
app.add_typer(workspaces.app, name="workspaces")

__all__ = ["app"]
