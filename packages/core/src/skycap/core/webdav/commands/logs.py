"""`skycap webdav logs`."""

from __future__ import annotations

from collections import deque
from typing import Annotated

import typer

from skycap.core.cli.session import session
from skycap.core.errors import NotFound, StateReadFailed
from skycap.core.server import log_path
from skycap.core.webdav.commands.choosing import KIND, choose, complete_server, servers


def logs(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Which server, also one that ended.", autocompletion=complete_server
        ),
    ] = None,
    last: Annotated[
        int | None, typer.Option("--last", min=1, metavar="N", help="Print the last lines, not the path.")
    ] = None,
    access: Annotated[
        bool, typer.Option("--access", help="The access log, one JSON line a request.")
    ] = False,
) -> None:
    """Print the path of the log of a server, or its last lines.

    \b
    Examples:
      skycap webdav logs
      skycap webdav logs --access --last 20
    """
    run = session()
    path = _access(name) if access else _own(name)
    if last is None:
        if run.json:
            run.emit({"type": "path", "path": path})
        else:
            run.line(path)
        return
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            for line in deque(file, maxlen=last):
                run.line(line.rstrip("\n"))
    except FileNotFoundError:
        run.note("Nothing was logged yet.")
    except OSError as error:
        raise StateReadFailed(str(error.strerror), where=path) from error


def _own(name: str | None) -> str:
    if name is None:
        # After it ended its log is what one wants to read.
        name = choose(None).name if servers() else KIND
    return log_path(name)


def _access(name: str | None) -> str:
    server = choose(name)
    path = server.facts["access_log"]
    if not path:
        raise NotFound(
            "it writes no access log to a file",
            where=server.name,
            hint="skycap webdav serve --access-log FILE",
        )
    return path
