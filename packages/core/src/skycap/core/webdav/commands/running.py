"""`skycap webdav stop` and `status`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from skycap.core.cli.session import Session, session
from skycap.core.cli.table import print_table
from skycap.core.errors import UsageError
from skycap.core.server import daemon
from skycap.core.webdav.commands.choosing import ServerName, choose, record, servers

WAIT_S = 75.0
"""A server waits up to a minute for requests that run; so it is waited for a little longer."""
LONG_S = 1.0
"""Whoever waits for longer wonders why."""


def stop(
    name: ServerName = None,
    all_: Annotated[bool, typer.Option("--all", help="All that run.")] = False,
    now: Annotated[
        bool, typer.Option("--now", help="End it at once; uploads on their way leave the old files.")
    ] = False,
) -> None:
    """Stop a server, when it has finished what it is doing.

    \b
    Examples:
      skycap webdav stop
      skycap webdav stop --all
    """
    run = session()
    if all_ and name is not None:
        raise UsageError("a name and --all exclude each other")
    found = servers() if all_ else [choose(name)]
    for server in found:
        waiting = _Waiting(run, server.name)
        daemon.stop(server.name, timeout_s=0.0 if now else WAIT_S, force=now, wait=waiting)
        if run.json:
            run.emit(record(server, "stopped"))
        run.note(f"Stopped {server.name}.")
    if not found:
        run.note("No WebDAV server runs.")


class _Waiting:
    """Waits, and tells once why it takes long."""

    def __init__(self, run: Session, name: str) -> None:
        self._run = run
        self._name = name
        self._waited_s = 0.0
        self._told = False

    def __call__(self, seconds: float) -> None:
        time.sleep(seconds)
        self._waited_s += seconds
        if self._waited_s > LONG_S and not self._told:
            self._told = True
            self._run.note(f"{self._name} finishes what is in flight; --now ends it at once.")


def status() -> None:
    """List the servers that run: what they serve, where, since when.

    \b
    Examples:
      skycap webdav status
      skycap webdav status --json
    """
    run = session()
    found = servers()
    rows = []
    for server in found:
        if run.json:
            run.emit(record(server, "server"))
        who = server.facts["user"] or ("users" if server.facts["login"] == "yes" else "anybody")
        rows.append((server.name, server.urls[0], ", ".join(server.serves), who, server.since))
    if not run.json:
        print_table(run, ("name", "url", "serves", "for", "since"), rows)
        if not rows:
            run.note("No WebDAV server runs.")
