"""`skycap webdav user`: the file of users, with hashes in place of passwords."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from skycap.core.cli.group import new_app
from skycap.core.cli.prompt import TerminalPrompt
from skycap.core.cli.session import session
from skycap.core.errors import NotFound, UsageError
from skycap.core.webdav.commands.flags import PasswordFile, UsersFile

_HELP = """Add and remove those who may come in: a file of names and hashes.

\b
Examples:
  skycap webdav user add --users ~/users ann
  skycap webdav serve photos: --users ~/users
"""
app = new_app(help=_HELP, no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="USER", help="The name of the user.")]


@app.command()
def add(name: Name, users: UsersFile = None, password_file: PasswordFile = None) -> None:
    """Add a user, or give one another password. It is asked for, or read from a file.

    \b
    Examples:
      skycap webdav user add --users ~/users ann
      pass show ann | skycap webdav user add --users ~/users --password-file - ann
    """
    from skycap.core.server import hash_password, put_user, read_password

    run, path = session(), _path(users)
    if password_file is not None:
        password = read_password(password_file)
    else:
        password = TerminalPrompt().ask_secret(f"A password for {name}", twice=sys.stdin.isatty())
    put_user(path, name, hash_password(password))
    if run.json:
        run.emit({"type": "user", "name": name, "users": path})
    run.note(f"{name} can log in to servers with --users {path}.")


@app.command()
def remove(name: Name, users: UsersFile = None) -> None:
    """Remove a user; a server that runs lets them in no more.

    \b
    Examples:
      skycap webdav user remove --users ~/users ann
      SKYCAP_WEBDAV_USERS=~/users skycap webdav user remove ann
    """
    from skycap.core.server import read_users, remove_user

    run, path = session(), _path(users)
    if name not in read_users(path, weak=True):
        raise NotFound("there is no such user", where=name, hint=f"skycap webdav user list --users {path}")
    remove_user(path, name)
    run.note(f"{name} can log in no more.")


@app.command(name="list")
def list_(users: UsersFile = None) -> None:
    """List the names in a file of users.

    \b
    Examples:
      skycap webdav user list --users ~/users
      skycap webdav user list --users ~/users --json
    """
    from skycap.core.server import read_users

    run, path = session(), _path(users)
    for name in read_users(path, weak=True):
        if run.json:
            run.emit({"type": "user", "name": name, "users": path})
        else:
            run.line(name)


def _path(users: str | None) -> str:
    if users is None:
        raise UsageError(
            "nobody said which file of users", hint="--users FILE names it, or SKYCAP_WEBDAV_USERS."
        )
    return os.path.abspath(os.path.expanduser(users))
