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
from skycap.core.webdav.commands.flags import DigestFile, PasswordFile, UsersFile

_HELP = """Add and remove those who may come in: a file of names and hashes.

\b
Examples:
  skycap webdav user add --users ~/users ann
  skycap webdav serve photos: --users ~/users
"""
app = new_app(help=_HELP, no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="USER", help="The name of the user.")]


@app.command()
def add(
    name: Name, users: UsersFile = None, password_file: PasswordFile = None, digest: DigestFile = None
) -> None:
    """Add a user, or give one another password. It is asked for, or read from a file.

    \b
    Examples:
      skycap webdav user add --users ~/users ann
      pass show ann | skycap webdav user add --users ~/users --password-file - ann
    """
    from skycap.core.server import hash_password, put_user, read_password
    from skycap.core.server.digest import put_digest_user

    run, path = session(), _path(users, digest)
    if password_file is not None:
        password = read_password(password_file)
    else:
        password = TerminalPrompt().ask_secret(f"A password for {name}", twice=sys.stdin.isatty())
    if digest is not None:
        put_digest_user(path, name, password)
    else:
        put_user(path, name, hash_password(password))
    if run.json:
        run.emit({"type": "user", "name": name, "users": path})
    run.note(f"{name} can log in to servers with {'--users' if digest is None else '--digest'} {path}.")


@app.command()
def remove(name: Name, users: UsersFile = None, digest: DigestFile = None) -> None:
    """Remove a user; a server that runs lets them in no more.

    \b
    Examples:
      skycap webdav user remove --users ~/users ann
      SKYCAP_WEBDAV_USERS=~/users skycap webdav user remove ann
    """
    from skycap.core.server import remove_user
    from skycap.core.server.digest import remove_digest_user

    run, path = session(), _path(users, digest)
    if name not in _names(path, digest):
        flag = "--users" if digest is None else "--digest"
        raise NotFound("there is no such user", where=name, hint=f"skycap webdav user list {flag} {path}")
    (remove_user if digest is None else remove_digest_user)(path, name)
    run.note(f"{name} can log in no more.")


@app.command(name="list")
def list_(users: UsersFile = None, digest: DigestFile = None) -> None:
    """List the names in a file of users.

    \b
    Examples:
      skycap webdav user list --users ~/users
      skycap webdav user list --users ~/users --json
    """
    run, path = session(), _path(users, digest)
    for name in _names(path, digest):
        if run.json:
            run.emit({"type": "user", "name": name, "users": path})
        else:
            run.line(name)


def _names(path: str, digest: str | None) -> list[str]:
    from skycap.core.server import read_users
    from skycap.core.server.digest import read_digest_users

    return list(read_users(path, weak=True) if digest is None else read_digest_users(path))


def _path(users: str | None, digest: str | None) -> str:
    if digest is not None:
        if users is not None:
            raise UsageError("--users and --digest exclude each other", hint="They are two kinds of files.")
        users = digest
    if users is None:
        raise UsageError(
            "nobody said which file of users", hint="--users FILE names it, or SKYCAP_WEBDAV_USERS."
        )
    return os.path.abspath(os.path.expanduser(users))
