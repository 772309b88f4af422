"""`skycap logs`: where the log files are."""

from __future__ import annotations

import os
from collections import deque
from typing import Annotated

import typer

from skycap.core.cli.group import new_app
from skycap.core.cli.logs import FILE_NAME
from skycap.core.cli.session import session
from skycap.core.errors import StateReadFailed
from skycap.core.state import log_folder

app = new_app()


@app.command()
def logs(
    last: Annotated[
        int | None, typer.Option("--last", min=1, metavar="N", help="Print the last lines, not the folder.")
    ] = None,
) -> None:
    """Print the folder of the log files, or their last lines: JSON, without secrets.

    \b
    Examples:
      skycap logs
      skycap logs --last 20
    """
    run = session()
    folder = log_folder(run.environ)
    if last is None:
        if run.json:
            run.emit({"type": "path", "path": folder, "exists": os.path.isdir(folder)})
        else:
            run.line(folder)
        return
    path = os.path.join(folder, FILE_NAME)
    try:
        with open(path, encoding="utf-8") as file:
            for line in deque(file, maxlen=last):
                run.line(line.rstrip("\n"))
    except FileNotFoundError:
        run.note("Nothing was logged yet.")
    except OSError as error:
        raise StateReadFailed(str(error.strerror), where=path) from error
