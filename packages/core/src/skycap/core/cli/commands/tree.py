"""`skycap tree`: a folder and all below it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, NamedTuple

import typer

from skycap.core.cli import entries
from skycap.core.cli.browse import Problems, file_at
from skycap.core.cli.flags import Place
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.core.errors import Error
from skycap.core.location import Location
from skycap.core.paths import relative_to, split
from skycap.core.storage.entry import Entry
from skycap.core.transfer.ahead import OnError
from skycap.core.units import format_count, format_size

app = new_app()


@app.command()
def tree(
    place: Place = ".",
    depth: Annotated[
        int | None, typer.Option("--depth", "-d", min=1, metavar="N", help="At most so many levels.")
    ] = None,
    sizes: Annotated[bool, typer.Option("--sizes", "-s", help="Sizes beside the names.")] = False,
) -> int:
    """Show a folder and all below it as a tree.

    \b
    Examples:
      skycap tree photos:2024
      skycap tree --depth 2 --sizes s3://bucket
    """
    run = session()
    problems = Problems(run)
    location = run.open(place)
    files = folders = 0
    branches = _branches(location, depth, problems)
    try:
        first = next(branches, None)
    except Error:  # a file is a tree of its own, and its storage may refuse to list it
        first = None
        if not location.path or file_at(location) is None:
            raise
    if first is None and location.path and not problems.found:
        files += file_at(location) is not None  # says so where nothing is
    if not run.json:
        run.line(location.shown())
    for prefix, entry in chain([first] if first else [], branches):
        files += not entry.is_dir
        folders += entry.is_dir
        if run.json:
            run.emit(entries.as_record(entry))
        else:
            size = f" ({format_size(entry.size)})" if sizes and entry.size is not None else ""
            run.line(f"{prefix}{entries.decorated(entry, split(entry.path)[1])}{size}")
    run.note(f"{format_count(folders, 'folder')}, {format_count(files, 'file')}")
    return problems.exit_status


def _branches(location: Location, depth: int | None, on_error: OnError) -> Iterator[tuple[str, Entry]]:
    """Entries with the lines that stand before their names; memory is one folder a level."""
    # A stack and no recursion: a file system lets folders lie deeper than calls may.
    open_folders = [_Folder(_level(location, "", on_error), "")]
    while open_folders:
        folder = open_folders[-1]
        if not folder.left:
            open_folders.pop()
            continue
        entry = folder.left.pop()
        below = relative_to(entry.path, location.path)
        yield folder.before + ("├── " if folder.left else "└── "), entry.at(below)
        if entry.is_dir and (depth is None or len(open_folders) < depth):
            before = folder.before + ("│   " if folder.left else "    ")
            open_folders.append(_Folder(_level(location, below, on_error), before))


class _Folder(NamedTuple):
    left: list[Entry]
    """What is still to be shown, the first one last."""
    before: str


def _level(location: Location, path: str, on_error: OnError) -> list[Entry]:
    try:
        return sorted(
            location.storage.scan(location.below(path)), key=lambda entry: entry.order, reverse=True
        )
    except Error as error:
        on_error(path, error)
        return []
