"""`skycap internxt trash`: what was removed, by path and by id, and how it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from skycap.core.cli.flags import Yes
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.internxt.commands.remotes import Name
from skycap.internxt.commands.words import Items

if TYPE_CHECKING:
    from skycap.internxt.commands.drives import Drive
    from skycap.internxt.commands.trashed import InTrash

_HELP = """Show, put, bring back and clear what was removed: by path and by id.

\b
Examples:
  skycap internxt trash restore drive:2024/a.jpg
  skycap internxt trash restore --on-conflict rename --to drive:kept/ 5f0c6ab2-0d1c-4f0e-9f3e-1b2c3d4e5f60
"""
app = new_app(help=_HELP, no_args_is_help=True)

Kind = Annotated[
    Literal["file", "folder"] | None, typer.Option("--kind", help="Only files, or only folders.")
]
To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="PLACE", help="Another place than it had; with a slash at its end a folder."
    ),
]
OnConflict = Annotated[
    Literal["fail", "skip", "overwrite", "rename"],
    typer.Option(
        "--on-conflict",
        help="If something stands there again: fail, skip it, put that into the trash, or take a free name.",
    ),
]


@app.command(name="list")
def list_(name: Name = None, kind: Kind = None) -> None:
    """List what is in the trash; what only lies in a folder that is there is not listed.

    \b
    Examples:
      skycap internxt trash list
      skycap internxt trash list --kind folder --json drive
    """
    from skycap.core.cli import entries
    from skycap.core.cli.table import print_table
    from skycap.core.units import format_size
    from skycap.internxt.commands.drives import Drives
    from skycap.internxt.commands.trashed import in_trash

    run = session()
    rows = []
    for one in in_trash(Drives(run).of(name)):
        if kind not in {None, one.kind}:
            continue
        if run.json:
            run.emit(one.record())
        size = "" if one.entry.size is None else format_size(one.entry.size)
        gone = "its folder is gone" if one.folder is None else ""
        rows.append((one.id, entries.local_time(one.trashed_ns), size, one.shown(), gone))
    if not run.json:
        print_table(run, ("id", "removed", "size", "path", ""), rows)
        if not rows:
            run.note("The trash is empty." if kind is None else f"No {kind} is in the trash.")


@app.command()
def put(items: Items) -> int:
    """Move files and folders into the trash.

    \b
    Examples:
      skycap internxt trash put drive:old.txt drive:2019/
      skycap internxt trash put 5f0c6ab2-0d1c-4f0e-9f3e-1b2c3d4e5f60
    """
    from skycap.internxt.commands.drives import Drives
    from skycap.internxt.commands.each import each
    from skycap.internxt.commands.trashed import put_away

    run = session()
    drives = Drives(run)

    def one(word: str) -> None:
        found = drives.find(word)
        record = put_away(found)
        if run.json:
            run.emit(record)
        run.note(f"{found.shown()} is in the trash as {found.item.uuid}.")

    return each(run, items, one)


@app.command()
def restore(items: Items, to: To = None, on_conflict: OnConflict = "fail") -> int:
    """Bring things back to where they were, or to another place. Paths are those that they had.

    What lost its folder comes back to the place that --to names; at a terminal you are asked for one.

    \b
    Examples:
      skycap internxt trash restore drive:2024/a.jpg
      skycap internxt trash restore --to drive:kept/ a.jpg b.jpg
      skycap internxt trash restore --on-conflict overwrite 5f0c6ab2-0d1c-4f0e-9f3e-1b2c3d4e5f60
    """
    from skycap.core.cli import entries
    from skycap.internxt.commands.drives import Drives
    from skycap.internxt.commands.each import each
    from skycap.internxt.commands.restoring import Restoring

    run = session()
    restoring = Restoring(run, Drives(run), to, on_conflict, several=len(items) > 1)

    def one(word: str) -> None:
        found, entry = restoring.restore(word)
        if entry is None:
            if run.json:
                run.emit(found.record() | {"type": "skipped", "reason": "something stands there again"})
            run.note(f"{found.shown()} stays in the trash: something stands there again.")
            return
        if run.json:
            run.emit(entries.as_record(entry) | {"type": "restored", "id": found.id})
        run.note(f"{found.drive.shown(entry.path)} is back.")

    return each(run, items, one)


@app.command()
def remove(items: Items, yes: Yes = False) -> int:
    """Remove things that are in the trash for good, and leave the rest of it.

    \b
    Examples:
      skycap internxt trash remove drive:old.txt
      skycap internxt trash remove --yes 5f0c6ab2-0d1c-4f0e-9f3e-1b2c3d4e5f60
    """
    from skycap.internxt.commands.drives import Drives
    from skycap.internxt.commands.each import each
    from skycap.internxt.commands.trashed import choose, forget

    run = session()
    drives = Drives(run)

    def one(word: str) -> None:
        found = choose(drives, word)
        run.confirm(f"Remove {found.shown()} for good?", yes=yes)
        forget(found)
        if run.json:
            run.emit({"type": "removed", "path": found.entry.path, "id": found.id})
        run.note(f"{found.shown()} is gone for good.")

    return each(run, items, one)


@app.command()
def clear(name: Name = None, yes: Yes = False) -> None:
    """Remove all that is in the trash, for good.

    \b
    Examples:
      skycap internxt trash clear
      skycap internxt trash clear --yes drive
    """
    from skycap.core.retry import Operation
    from skycap.core.units import format_count, format_size
    from skycap.internxt.api import trash as api
    from skycap.internxt.commands.drives import Drives
    from skycap.internxt.commands.trashed import in_trash

    run = session()
    drive: Drive = Drives(run).of(name)
    there: list[InTrash] = in_trash(drive)
    done = True
    if there:
        # What is in a folder is not listed, so its bytes are not known.
        size = format_size(sum(one.entry.size or 0 for one in there))
        folders = sum(one.kind == "folder" for one in there)
        beside = f", and what is in {format_count(folders, 'folder')}" if folders else ""
        what = f"{format_count(len(there), 'item')} ({size}{beside})"
        run.confirm(f"Remove {what} in the trash of {drive.prefix} for good?", yes=yes)
        done = drive.asked(Operation.DELETE, api.clear, drive.storage.api, where=drive.prefix)
    if run.json:
        summary = {"command": "internxt trash clear", "removed": len(there), "done": done}
        run.emit({"type": "summary", **summary})
    after = "" if done else " The server does it by and by, for there is much of it."
    run.note(f"{format_count(len(there), 'item')} removed.{after}" if there else "The trash is empty.")
