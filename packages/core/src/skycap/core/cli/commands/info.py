"""`skycap info`: what a bug report should hold."""

from __future__ import annotations

from skycap.core.cli.group import new_app
from skycap.core.cli.inspection import facts
from skycap.core.cli.session import session
from skycap.core.cli.table import print_table

app = new_app()


@app.command()
def info() -> None:
    """Tell versions, folders and plugins: what belongs into a bug report. Holds no secrets.

    \b
    Examples:
      skycap info
      skycap info --json
    """
    run = session()
    found = facts(run)
    if run.json:
        run.emit({"type": "info", **found})
    else:
        print_table(run, ("", ""), list(found.items()))
