"""`skycap internxt workspaces`: says that they are out of scope, so that nobody looks for them."""

from __future__ import annotations

from skycap.core.cli.group import new_app

_HELP = """Workspaces are out of scope: skycap works on the personal drive of an account.

\b
Examples:
  skycap internxt workspaces list
  skycap internxt workspaces --help
"""
app = new_app(help=_HELP, no_args_is_help=True)


@app.callback()
def workspaces() -> None:
    """Workspaces are out of scope."""


@app.command(name="list")
def list_() -> None:
    """Say that workspaces are out of scope. Nothing is asked of the server; ends with 7.

    \b
    Examples:
      skycap internxt workspaces list
    """
    from skycap.core.errors import Unsupported

    raise Unsupported(
        "workspaces are out of scope: skycap works on the personal drive of an account",
        hint="Internxt's own programs open them. What is in a workspace is untouched by skycap.",
    )
