"""`skycap versions`: old versions of a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from skycap.core.cli import entries
from skycap.core.cli.browse import require
from skycap.core.cli.flags import Place, Yes
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.core.cli.table import print_table
from skycap.core.errors import UsageError
from skycap.core.storage.capability import Capability
from skycap.core.storage.extras import Version
from skycap.core.units import format_size

app = new_app()


def _consequence(history: Iterable[Version], name: str) -> str:
    """What becomes of the file itself when one of its versions goes; "" where that is nothing."""
    versions = list(history)
    files = [version for version in versions if not version.deleted]
    named = next((version for version in versions if version.entry.version == name), None)
    if named is not None and named.deleted:
        return ""
    if len(files) == 1:
        return "It is the only version there is: the file itself goes. "
    if named is not None and named.latest:
        return "It is the newest version: the one before takes its place. "
    return ""


@app.command()
def versions(
    place: Place,
    restore: Annotated[
        str | None, typer.Option("--restore", metavar="ID", help="Make this version the newest one.")
    ] = None,
    remove: Annotated[
        str | None, typer.Option("--remove", metavar="ID", help="Forget this version for good.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Show the versions of a file, newest first; bring one back, or forget one.

    \b
    Examples:
      skycap versions photos:notes.txt
      skycap versions --restore 3HL4kqtJ photos:notes.txt
    """
    run = session()
    if restore is not None and remove is not None:
        raise UsageError("--restore and --remove exclude each other", hint="Run it once for each.")
    location = run.open(place, for_writing=bool(restore or remove))
    require(location, Capability.VERSIONS)
    history = location.storage.versions()
    if restore is not None:
        entry = history.restore(location.path, restore)
        if run.json:
            run.emit(entries.as_record(entry))
        run.note(f"{location.shown()} is again what it was in version {restore}.")
        return
    if remove is not None:
        question = f"Forget version {remove} of {location.shown()} for good?"
        if not yes:
            question = f"{_consequence(history.list(location.path), remove)}{question}"
        run.confirm(question, yes=yes)
        history.remove(location.path, remove)
        run.note(f"Forgot version {remove}.")
        return
    rows = []
    for version in history.list(location.path):
        entry = version.entry
        if run.json:
            record = entries.as_record(entry) | {"latest": version.latest, "deleted": version.deleted}
            run.emit(record | {"type": "version"})
        when = entry.stored_at_ns if entry.stored_at_ns is not None else entry.mtime_ns
        state = "removed" if version.deleted else "latest" if version.latest else ""
        size = "" if entry.size is None else format_size(entry.size)
        rows.append((entry.version or "", entries.local_time(when), size, state))
    if not run.json:
        print_table(run, ("version", "time", "size", ""), rows)
