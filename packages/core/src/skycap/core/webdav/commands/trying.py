"""`skycap webdav test`: the real methods, at a running server."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from skycap.core.cli.complete import complete_local
from skycap.core.cli.prompt import TerminalPrompt
from skycap.core.cli.session import Session, session
from skycap.core.cli.table import print_table
from skycap.core.errors import Partial
from skycap.core.webdav.commands.choosing import choose, complete_server, served
from skycap.core.webdav.commands.flags import Login, PasswordFile

if TYPE_CHECKING:
    from skycap.core.crypto.secret import Secret
    from skycap.core.webdav.commands.probing import Probe, Step


def try_server(
    server: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|URL", help="A running server, or any URL.", autocompletion=complete_server
        ),
    ] = None,
    user: Login = None,
    password_file: PasswordFile = None,
    ca: Annotated[
        str | None,
        typer.Option(
            "--ca",
            metavar="FILE",
            autocompletion=complete_local,
            help="The CA to trust, for a URL of another machine.",
        ),
    ] = None,
) -> int:
    """Try every method at a server, in a folder that is removed again; ends with 3 if one is wrong.

    \b
    Examples:
      skycap webdav test
      skycap webdav test https://box.example.org/dav/ --user me --password-file ~/password
    """
    from skycap.core.webdav.commands.probing import Client, Probe

    run = session()
    share, read_only = "", False
    if server is not None and "://" in server:
        url = server
    else:
        found = choose(server)
        url = found.urls[0]
        ca = ca or found.facts["ca"] or None
        user = user or found.facts["user"] or None
        shares = sorted(served(found), key=lambda one: one.read_only)  # one that can be written, if there is
        share = f"{shares[0].name}/" if shares[0].name else ""
        read_only = shares[0].read_only
    client = Client(url, user or "", _password(user, password_file), ca)
    with closing(client):
        return _show(run, Probe(client, share=share, read_only=read_only))


def _password(user: str | None, file: str | None) -> Secret[str] | None:
    if user is None:
        return None
    if file is not None:
        from skycap.core.server import read_password

        return read_password(file)
    return TerminalPrompt().ask_secret(f"The password of {user}")


def _show(run: Session, probe: Probe) -> int:
    rows, failed = [], 0
    for step in probe.steps():
        failed += not step.passed
        if run.json:
            run.emit(_record(step))
        said = "" if step.passed else "wrong"
        rows.append((step.method, step.what, step.expected, step.got, f"{step.ms:.1f}", said))
    if not run.json:
        print_table(run, ("method", "", "expected", "got", "ms", ""), rows)
    run.note(f"{failed} of {len(rows)} went wrong." if failed else f"All {len(rows)} went right.")
    return Partial.exit_status if failed else 0


def _record(step: Step) -> dict[str, object]:
    return {
        "type": "step",
        "method": step.method,
        "what": step.what,
        "expected": int(step.expected),
        "got": step.got,
        "ms": round(step.ms, 1),
        "passed": step.passed,
    }
