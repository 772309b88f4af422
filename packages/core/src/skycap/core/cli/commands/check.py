"""`skycap check`: whether two places hold the same."""

from __future__ import annotations

from typing import Annotated

import typer

from skycap.core.cli.complete import complete_local
from skycap.core.cli.flags import Source, Target
from skycap.core.cli.group import new_app
from skycap.core.cli.options import takes
from skycap.core.cli.session import session
from skycap.core.cli.transfer_flags import CompareFlags

app = new_app()


@app.command()
@takes(CompareFlags)
def check(
    first: Source,
    second: Target,
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes and times, read nothing.")] = False,
    one_way: Annotated[
        bool, typer.Option("--one-way", help="What only the second place has is no difference.")
    ] = False,
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="FILE",
            autocompletion=complete_local,
            help="Write what was found as JSON; - is standard output.",
        ),
    ] = None,
    *,
    flags: CompareFlags,
) -> int:
    """Compare two places by content and tell the differences: 0 equal, 3 different, 14 unreadable.

    \b
    Examples:
      skycap check photos minio:my-bucket/photos
      skycap check --quick docs /media/backup/docs
    """
    from skycap.core.cli.checking import run_check

    return run_check(session(), first, second, flags, quick=quick, one_way=one_way, report_to=report)
