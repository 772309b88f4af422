"""`skycap internxt search`: let the service look for names, and tell where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from skycap.core.cli.complete import complete_place
from skycap.core.cli.flags import a_size, an_age
from skycap.core.cli.session import session

if TYPE_CHECKING:
    from skycap.core.cli.session import Session as Run

Text = Annotated[str, typer.Argument(metavar="TEXT", help="A name, or a part of one; without its extension.")]
Below = Annotated[
    str | None,
    typer.Argument(
        metavar="[PLACE]",
        help="Only what is below this folder; NAME: is another account.",
        autocompletion=complete_place,
        show_default=False,
    ),
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type", metavar="EXT", help="Only files of this extension, or folder; may be given again."
    ),
]
MinSize = Annotated[
    str | None,
    typer.Option("--min-size", metavar="SIZE", callback=a_size, help="Only files of at least this size."),
]
MaxSize = Annotated[
    str | None,
    typer.Option("--max-size", metavar="SIZE", callback=a_size, help="Only files of at most this size."),
]
MinAge = Annotated[
    str | None,
    typer.Option(
        "--min-age", metavar="TIME", callback=an_age, help="Only what changed longer ago, or before a date."
    ),
]
MaxAge = Annotated[
    str | None,
    typer.Option(
        "--max-age", metavar="TIME", callback=an_age, help="Only what changed since then, or since a date."
    ),
]
Limit = Annotated[int, typer.Option("--limit", min=0, metavar="N", help="At most so many; 0: all there are.")]
Unlike = Annotated[
    bool, typer.Option("--all", help="Also what is hardly like it, as the service has it at the end.")
]


def search(
    text: Text,
    place: Below = None,
    types: Types = None,
    min_size: MinSize = None,
    max_size: MaxSize = None,
    min_age: MinAge = None,
    max_age: MaxAge = None,
    limit: Limit = 50,
    unlike: Unlike = False,
) -> None:
    """Let the service search for a name, best first. New files show up after some seconds.

    Limits of size leave folders out. For patterns and exact answers, "skycap find" walks through a place.

    \b
    Examples:
      skycap internxt search report
      skycap internxt search --type jpg --type png --min-size 1MiB holiday drive:2024
    """
    from itertools import islice

    from skycap.internxt.commands.drives import Drives
    from skycap.internxt.commands.searching import Wanted, hits

    run = session()
    drives = Drives(run)
    drive, below = drives.where(place) if place is not None else (drives.of(None), "")
    wanted = Wanted.parse(types, min_size, max_size, min_age, max_age, unlike=unlike)
    found = hits(drive, text, below, wanted)
    rows = []
    for hit in islice(found, limit or None):
        if run.json:
            run.emit(hit.record())
        elif run.pretty:
            rows.append(_row(hit))
        else:
            run.line(hit.shown())
    _tell(run, rows)


def _row(hit: Any) -> tuple[str, str, str]:
    from skycap.core.cli import entries
    from skycap.core.units import format_size

    size = "" if hit.entry.size is None else format_size(hit.entry.size)
    return size, entries.local_time(hit.entry.mtime_ns), hit.shown()


def _tell(run: Run, rows: list[tuple[str, str, str]]) -> None:
    from skycap.core.cli.table import print_table

    if run.pretty:
        print_table(run, ("size", "changed", "path"), rows)
        if not rows:
            run.note("The service found nothing.")
