"""`skycap internxt`: what only Internxt has. Nothing heavy is imported here."""

from __future__ import annotations

from skycap.core.cli.group import new_app
from skycap.internxt.commands import login, logout, status, whoami

_HELP = """Log in to Internxt Drive, and out. Unofficial, and not affiliated with Internxt.

\b
Examples:
  skycap internxt login --browser
  skycap internxt whoami
"""
app = new_app(help=_HELP, no_args_is_help=True)
app.command(name="login")(login.login)
app.command(name="logout")(logout.logout)
app.command(name="whoami")(whoami.whoami)
app.command(name="status")(status.status)

__all__ = ["app"]
