"""What is told of a server: one line for programs when it is ready, the rest for people."""

from __future__ import annotations

import sys

from skycap.core.cli.session import Session
from skycap.core.server import Running
from skycap.core.webdav.commands.choosing import record, served
from skycap.core.webdav.urls import encode


def ready(run: Session, server: Running) -> None:
    """The one line on standard output."""
    if run.json:
        run.emit(record(server, "ready"))
    else:
        run.line(f"ready {server.urls[0]}")
    sys.stdout.flush()


def notes(run: Session, server: Running) -> None:
    """What is served where, and what to do next."""
    for share in served(server):
        under = server.urls[0].rstrip("/") + encode(share.name, is_dir=True)
        run.note(f"{share.location} is served at {under}{' for reading' if share.read_only else ''}.")
    for url in server.urls[1:]:
        run.note(f"Others reach it at {url}")
    if path := server.facts["ca"]:
        run.note(f"The certificate is signed by {path}, SHA-256 {server.facts['ca_sha256']}.")
        run.note('Clients must trust it: "skycap webdav cert install" sees to that on this machine.')
    run.note(f'"skycap webdav mount {server.name}" tells how to mount it.')
