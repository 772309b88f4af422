"""`skycap webdav`: serve anything over WebDAV, and look after the servers that run.

Nothing heavy is imported here: what the extra `webdav` brings is needed only to serve.
"""

from __future__ import annotations

from skycap.core.cli.group import new_app
from skycap.core.webdav.commands import (
    certificates,
    logs,
    mount,
    running,
    serve,
    settings,
    trying,
    users,
)

_HELP = """Serve files over WebDAV, so that every system can mount them.

\b
Examples:
  skycap webdav serve photos: --user me --password-file ~/password
  skycap webdav mount
"""
app = new_app(help=_HELP, no_args_is_help=True)
app.command(name="serve")(serve.serve)
app.command(name="stop")(running.stop)
app.command(name="status")(running.status)
app.command(name="mount")(mount.mount)
app.command(name="test")(trying.try_server)
app.command(name="config")(settings.config)
app.command(name="logs")(logs.logs)
app.add_typer(certificates.app, name="cert")
app.add_typer(users.app, name="user")

__all__ = ["app"]
