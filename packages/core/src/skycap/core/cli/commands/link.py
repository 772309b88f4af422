"""`skycap link`: links to files for people without an account."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from skycap.core.cli.browse import require
from skycap.core.cli.entries import iso_time
from skycap.core.cli.flags import Place, a_time
from skycap.core.cli.group import new_app
from skycap.core.cli.prompt import TerminalPrompt
from skycap.core.cli.session import session
from skycap.core.errors import Unsupported, UsageError
from skycap.core.location import Location
from skycap.core.remotes.pairing import reading
from skycap.core.storage.capability import Capability
from skycap.core.storage.extras import Share, Shares
from skycap.core.units import parse_duration

app = new_app()
_CLOCKS_APART_S = 3600.0
"""How far the store's clock may be off before an expiry counts as another one."""


@app.command()
def link(
    place: Place,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", callback=a_time, help="How long it works, like 1h or 7d."),
    ] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a password to put on it.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Show the links there are, make none.")] = False,
    remove: Annotated[
        str | None, typer.Option("--remove", metavar="ID", help="Take this link back, make none.")
    ] = None,
) -> None:
    """Make a link to a file, that works without an account. Whoever has it can read the file.

    \b
    Examples:
      skycap link --expires 7d photos:2024/a.jpg
      skycap link --list cloud:2024
    """
    run = session()
    if (expires or password) and (list_ or remove):
        raise UsageError("--expires and --password are for new links")
    location = run.open(place)
    require(location, Capability.SHARE)
    for wanted, capability in ((list_, Capability.SHARE_LIST), (remove, Capability.SHARE_REMOVE)):
        if wanted:
            require(location, capability)
    shares = location.storage.shares()
    if remove is not None:
        shares.remove(remove)
        run.note(f"The link {remove} works no more.")
        return
    if list_:
        found = list(shares.list(location.path))
    else:
        secret = TerminalPrompt().ask_secret("Password of the link").reveal() if password else None
        expires_s = parse_duration(expires) if expires else None
        with reading(location):
            found = [_create(location, shares, expires_s, secret)]
    for share in found:
        if run.json:
            run.emit(_record(share))
        elif list_:
            run.line("\t".join(filter(None, (share.id, share.url, share.path))))
        else:
            run.line(share.url)
            if share.expires_at_ns is not None:
                run.note(f"It works until {iso_time(share.expires_at_ns)}.")
    if list_ and not found:
        run.note("There are no links.")


def _create(location: Location, shares: Shares, expires_s: float | None, password: str | None) -> Share:
    """A link that has what was asked for; one that has not is taken back, where that is possible."""
    asked = expires_s is not None or password is not None
    can = location.storage.can
    before = (
        {share.id for share in shares.list(location.path)} if asked and can(Capability.SHARE_LIST) else set()
    )
    share = shares.create(location.path, expires_s=expires_s, password=password)
    missing = []
    if password is not None and not share.password:
        missing.append("no password")
    if expires_s is not None and not _ends_in(share, expires_s):
        missing.append("no end" if share.expires_at_ns is None else "a later end")
    if not missing:
        return share
    hint = "It was taken back."
    if share.id in before:
        hint = "It was there before, and was left alone."
    elif share.id is not None and can(Capability.SHARE_REMOVE):
        shares.remove(share.id)
    else:
        hint = f"It works, and cannot be taken back from here: {share.url}"
    raise Unsupported(f"the link has {' and '.join(missing)}", where=location.shown(), hint=hint)


def _ends_in(share: Share, expires_s: float) -> bool:
    if share.expires_at_ns is None:
        return False
    return share.expires_at_ns <= time.time_ns() + int((expires_s + _CLOCKS_APART_S) * 1e9)


def _record(share: Share) -> dict[str, object]:
    record: dict[str, object] = {"type": "link", "url": share.url, "path": share.path, "id": share.id}
    if share.expires_at_ns is not None:
        record["expires_at"] = iso_time(share.expires_at_ns)
    return record | {"password": share.password}
