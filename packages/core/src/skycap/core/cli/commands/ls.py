"""`skycap ls`: what is in a place."""

from __future__ import annotations

from typing import Annotated

import typer

from skycap.core.cli import entries
from skycap.core.cli.browse import Problems, listed, with_mode
from skycap.core.cli.flags import Place
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session

app = new_app()


@app.command()
def ls(
    place: Place = ".",
    long: Annotated[
        bool, typer.Option("--long", "-l", help="Kind, permissions if local, bytes, exact times.")
    ] = False,
    recursive: Annotated[bool, typer.Option("--recursive", "-R", help="All below it, too.")] = False,
) -> int:
    """List files: their names, and on a terminal their sizes and times.

    \b
    Examples:
      skycap ls photos:2024
      skycap ls --json -R s3://bucket/prefix
    """
    run = session()
    problems = Problems(run)
    location = run.open(place)
    for entry in listed(location, recursive=recursive, on_error=problems):
        if run.json:
            run.emit(entries.as_record(entry))
        elif long:
            run.line(entries.long_line(with_mode(location, entry), entry.path))
        elif run.pretty:
            run.line(entries.short_line(entry, entry.path))
        else:
            run.line(f"{entry.path}/" if entry.is_dir else entry.path)
    return problems.exit_status
