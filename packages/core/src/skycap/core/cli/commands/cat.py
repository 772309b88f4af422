"""`skycap cat`: the content of files."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from skycap.core.cli.flags import Places
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.core.errors import UsageError
from skycap.core.remotes.pairing import reading
from skycap.core.storage.source import COPY_BUFFER

app = new_app()


@app.command()
def cat(
    places: Places,
    offset: Annotated[int, typer.Option("--offset", min=0, help="Begin at this byte.")] = 0,
    count: Annotated[int | None, typer.Option("--count", min=0, help="At most so many bytes.")] = None,
    version_id: Annotated[
        str | None, typer.Option("--version-id", help="An old version, as `skycap versions` names it.")
    ] = None,
) -> None:
    """Write the content of files to standard output, one after the other.

    \b
    Examples:
      skycap cat photos:notes.txt
      skycap cat --count 1024 s3://bucket/data.bin | xxd
    """
    run = session()
    if version_id and len(places) > 1:
        raise UsageError("a version belongs to one file", hint="Name one place with --version-id.")
    for place in places:
        location = run.open(place)
        found = location.storage.read(location.path, offset=offset, length=count, version=version_id)
        with nullcontext() if version_id else reading(location), found as reader:
            while data := reader.read(COPY_BUFFER):
                run.write(data)
