"""`skycap doctor`: what is wrong with this installation."""

from __future__ import annotations

from skycap.core.cli.group import new_app
from skycap.core.cli.inspection import examine
from skycap.core.cli.session import session
from skycap.core.cli.table import print_table
from skycap.core.errors import Error

app = new_app()


@app.command()
def doctor() -> int:
    """Look for what is wrong with this installation, and say what to do. Uses no network.

    \b
    Examples:
      skycap doctor
      skycap doctor --json
    """
    run = session()
    rows, hints, failed = [], [], False
    for found in examine(run):
        failed = failed or found.status == "failed"
        if run.json:
            record = {"type": "examined", "name": found.name, "status": found.status, "detail": found.detail}
            run.emit(record | ({"hint": found.hint} if found.hint else {}))
        rows.append((found.name, found.status, found.detail))
        if found.hint:
            hints.append(f"{found.name}: {found.hint}")
    if not run.json:
        print_table(run, ("", "", ""), rows)
    for hint in hints:
        run.note(f"hint: {hint}")
    return Error.exit_status if failed else 0
