"""`skycap trash`: what was removed and can come back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from skycap.core.cli import entries
from skycap.core.cli.browse import require
from skycap.core.cli.flags import Place, Yes
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.core.cli.table import print_table
from skycap.core.location import Location
from skycap.core.paths import normalise
from skycap.core.storage.capability import Capability
from skycap.core.storage.extras import Trash, Trashed
from skycap.core.units import format_size

_HELP = """Show, bring back and clear what was removed.

\b
Examples:
  skycap trash list drive:
  skycap trash restore drive: 8f21
"""
app = new_app(help=_HELP, no_args_is_help=True)


@app.command(name="list")
def list_(place: Place) -> None:
    """List what is in the trash.

    \b
    Examples:
      skycap trash list drive:
      skycap trash list --json drive:
    """
    run = session()
    rows = []
    for found in _trash(place)[1].list():
        if run.json:
            run.emit(_record(found))
        size = "" if found.entry.size is None else format_size(found.entry.size)
        rows.append((found.id, entries.local_time(found.trashed_at_ns), size, found.entry.path))
    if not run.json:
        print_table(run, ("id", "removed", "size", "path"), rows)
        if not rows:
            run.note("The trash is empty.")


@app.command()
def put(place: Place) -> None:
    """Move a file or a folder into the trash.

    \b
    Examples:
      skycap trash put drive:old.txt
      skycap trash put drive:2019/
    """
    run = session()
    location, trash = _trash(place)
    found = trash.put(location.path)
    if run.json:
        run.emit(_record(found))
    run.note(f"{location.shown()} is in the trash as {found.id}.")


@app.command()
def restore(
    place: Place,
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `skycap trash list` names it.")],
    to: Annotated[str | None, typer.Option("--to", metavar="PATH", help="Another path than it had.")] = None,
) -> None:
    """Bring something back from the trash.

    \b
    Examples:
      skycap trash restore drive: 8f21
      skycap trash restore --to kept/old.txt drive: 8f21
    """
    run = session()
    target = normalise(to) if to is not None else None
    entry = _trash(place)[1].restore(id_, target)
    if run.json:
        run.emit(entries.as_record(entry))
    run.note(f"{entry.path} is back.")


@app.command()
def clear(place: Place, yes: Yes = False) -> None:
    """Remove all that is in the trash, for good.

    \b
    Examples:
      skycap trash clear drive:
      skycap trash clear --yes drive:
    """
    run = session()
    location, trash = _trash(place)
    run.confirm(f"Remove all in the trash of {location.shown()} for good?", yes=yes)
    count = trash.clear()
    if run.json:
        run.emit({"type": "summary", "command": "trash clear", "removed": count})
    run.note(f"{count} removed.")


def _trash(place: str) -> tuple[Location, Trash]:
    location = session().open(place, for_writing=True)
    require(location, Capability.TRASH)
    return location, location.storage.trash()


def _record(found: Trashed) -> dict[str, Any]:
    record = entries.as_record(found.entry) | {"type": "trashed", "id": found.id}
    if found.trashed_at_ns is not None:
        record["trashed_at"] = entries.iso_time(found.trashed_at_ns)
    return record
