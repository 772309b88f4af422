"""`skycap find`: files by name, size and age."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import typer

from skycap.core.cli import entries
from skycap.core.cli.browse import Problems, listed, require
from skycap.core.cli.flags import Place
from skycap.core.cli.group import new_app
from skycap.core.cli.options import takes
from skycap.core.cli.session import session
from skycap.core.cli.transfer_flags import SelectFlags
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry

app = new_app()


@app.command()
@takes(SelectFlags)
def find(
    place: Place = ".",
    text: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Let the store itself search for a text.")
    ] = None,
    kind: Annotated[
        Literal["file", "directory", "symlink"] | None,
        typer.Option("--kind", help="Only entries of this kind."),
    ] = None,
    *,
    flags: SelectFlags,
) -> int:
    """Find files below a folder by name, size and age.

    \b
    Examples:
      skycap find --include '*.jpg' --min-size 10MiB photos:
      skycap find --max-age 1d --json /srv
    """
    run = session()
    problems = Problems(run)
    location = run.open(place)
    found: Iterator[Entry]
    if text is not None:
        require(location, Capability.SEARCH)
        cut = len(location.path) + 1 if location.path else 0
        found = (entry.at(entry.path[cut:]) for entry in location.storage.search(text, location.path))
    else:
        found = listed(location, recursive=True, on_error=problems, select=flags.select())
    for entry in found:
        if kind is not None and entry.kind != kind:
            continue
        if run.json:
            run.emit(entries.as_record(entry))
        else:
            run.line(f"{entry.path}/" if entry.is_dir else entry.path)
    return problems.exit_status
