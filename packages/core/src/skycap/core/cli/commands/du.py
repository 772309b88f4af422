"""`skycap du`: how much is below a folder."""

from __future__ import annotations

from typing import Annotated

import typer

from skycap.core.cli.browse import Problems, listed
from skycap.core.cli.flags import Place
from skycap.core.cli.group import new_app
from skycap.core.cli.options import takes
from skycap.core.cli.session import session
from skycap.core.cli.table import print_table
from skycap.core.cli.transfer_flags import SelectFlags
from skycap.core.units import format_count, format_size

app = new_app()


@app.command()
@takes(SelectFlags)
def du(
    place: Place = ".",
    depth: Annotated[
        int, typer.Option("--depth", "-d", min=0, metavar="N", help="Folders down to this level, too.")
    ] = 0,
    *,
    flags: SelectFlags,
) -> int:
    """Count files and bytes below a folder.

    \b
    Examples:
      skycap du photos:
      skycap du --depth 1 --exclude '*.tmp' /srv
    """
    run = session()
    problems = Problems(run)
    location = run.open(place)
    totals: dict[str, list[int]] = {"": [0, 0]}
    for entry in listed(location, recursive=True, on_error=problems, select=flags.select()):
        if entry.is_dir:
            continue
        parts = entry.path.split("/")[:-1][:depth]
        for level in range(len(parts) + 1):
            found = totals.setdefault("/".join(parts[:level]), [0, 0])
            found[0] += 1
            found[1] += entry.size or 0
    rows = []
    for path, (files, size) in sorted(totals.items(), key=lambda item: (item[0] == "", item[0])):
        if run.json:
            run.emit({"type": "usage", "path": path, "files": files, "bytes": size})
        shown = location.shown(path)
        rows.append((format_size(size) if run.pretty else str(size), format_count(files, "file"), shown))
    if not run.json:
        print_table(run, ("", "", ""), rows)
    return problems.exit_status
