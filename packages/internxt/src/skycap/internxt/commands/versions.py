"""`skycap internxt versions`: the states of a file that the service kept."""

from __future__ import annotations

from typing import Annotated

import typer

from skycap.core.cli.flags import Yes
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.internxt.commands.words import Item

_HELP = """Show, bring back and forget old versions of a file, by path or by id.

Internxt keeps them on some plans, and of pdf, docx, xlsx and csv only.

\b
Examples:
  skycap internxt versions list drive:report.docx
  skycap internxt versions restore drive:report.docx 6610a1b2c3d4e5f60718293a
"""
app = new_app(help=_HELP, no_args_is_help=True)

Version = Annotated[str, typer.Argument(metavar="VERSION", help="As `versions list` names it.")]


@app.command(name="list")
def list_(item: Item) -> None:
    """Show the versions of a file, newest first.

    \b
    Examples:
      skycap internxt versions list drive:report.docx
    """
    from skycap.core.cli import entries
    from skycap.core.cli.table import print_table
    from skycap.core.units import format_size
    from skycap.internxt.commands.drives import Drives

    run = session()
    found = Drives(run).find(item)
    rows = []
    for version in found.drive.around.versions().list(found.reachable()):
        entry = version.entry
        if run.json:
            run.emit(entries.as_record(entry) | {"type": "version", "latest": version.latest})
        size = "" if entry.size is None else format_size(entry.size)
        state = "latest" if version.latest else ""
        rows.append((entry.version or "", entries.local_time(entry.stored_at_ns), size, state))
    if not run.json:
        print_table(run, ("version", "time", "size", ""), rows)
        if len(rows) == 1:
            run.note("There is no other version.")


@app.command()
def restore(item: Item, version: Version) -> None:
    """Make an old version the newest one; what the file is now becomes an old one.

    \b
    Examples:
      skycap internxt versions restore drive:report.docx 6610a1b2c3d4e5f60718293a
    """
    from skycap.core.cli import entries
    from skycap.internxt.commands.drives import Drives

    run = session()
    found = Drives(run).find(item)
    entry = found.drive.around.versions().restore(found.reachable(), version)
    if run.json:
        run.emit(entries.as_record(entry))
    run.note(f"{found.shown()} is again what it was in version {version}.")


@app.command()
def remove(item: Item, version: Version, yes: Yes = False) -> None:
    """Forget an old version for good.

    \b
    Examples:
      skycap internxt versions remove drive:report.docx 6610a1b2c3d4e5f60718293a
    """
    from skycap.internxt.commands.drives import Drives

    run = session()
    found = Drives(run).find(item)
    path = found.reachable()
    run.confirm(f"Forget version {version} of {found.shown()} for good?", yes=yes)
    found.drive.around.versions().remove(path, version)
    if run.json:
        run.emit({"type": "removed", "path": path, "version": version})
    run.note(f"Forgot version {version}.")
