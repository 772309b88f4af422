"""`skycap remove`: files and folders."""

from __future__ import annotations

from typing import Annotated

import typer

from skycap.core.cli.answers import Choice
from skycap.core.cli.flags import DryRun, Places, Yes
from skycap.core.cli.group import new_app
from skycap.core.cli.options import takes
from skycap.core.cli.removing import Wishes, remove_places
from skycap.core.cli.session import session
from skycap.core.cli.transfer_flags import SelectFlags
from skycap.core.errors import DeleteFailed

app = new_app()


@app.command()
@takes(SelectFlags)
def remove(
    places: Places,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Folders, with all below them.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    interactive: Annotated[
        bool,
        typer.Option(
            "--interactive",
            "-i",
            help="Ask for each file first: y yes, N no, a yes to all the rest, q stop, nothing changed.",
        ),
    ] = False,
    max_delete: Annotated[
        int | None,
        typer.Option("--max-delete", min=0, metavar="N", help="Remove nothing if more would have to go."),
    ] = None,
    *,
    flags: SelectFlags,
) -> int:
    """Remove files; with -r folders and all below them, after a question.

    A link is removed itself; written with a slash at its end, the folder that it leads to.

    \b
    Examples:
      skycap remove photos:2024/blurred.jpg
      skycap remove -r --yes --include '*.tmp' s3://bucket/work
    """
    run = session()
    wishes = Wishes(
        recursive=recursive,
        yes=yes,
        dry_run=dry_run,
        choice=Choice() if interactive else None,
        max_delete=max_delete,
        select=flags.select(),
    )
    removed, failed, stopped = remove_places(run, places, wishes)
    if run.json:
        run.emit({"type": "summary", "command": "remove", "removed": removed, "failed": failed})
    if dry_run:
        run.note(f"Nothing was changed. Would remove {removed}.")
    else:
        run.note(f"Removed {removed}{f', {failed} failed' if failed else ''}.")
    return stopped or (DeleteFailed.exit_status if failed else 0)
