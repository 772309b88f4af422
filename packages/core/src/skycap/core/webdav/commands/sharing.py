"""From places on the command line to shares: their names, and whether they can be served."""

from __future__ import annotations

import os
from collections.abc import Sequence

from skycap.core.cli.session import Session
from skycap.core.errors import NotFound, Unsupported, UsageError
from skycap.core.location import Location
from skycap.core.paths import printable, split
from skycap.core.remotes.address import Form, parse, shown
from skycap.core.storage.capability import Capability
from skycap.core.webdav.shares import Share


def named(locations: Sequence[str], mounts: Sequence[str]) -> dict[str, str]:
    """Places by the name they are served under; one place alone has the name "". Local ones are absolute.

    `UsageError` where there is nothing, where a name is missing, or where two places have one.
    """
    if not locations and not mounts:
        raise UsageError(
            "nobody said what to serve", hint="Name a folder or a remote: skycap webdav serve photos: …"
        )
    if len(locations) == 1 and not mounts:
        return {"": absolute(locations[0])}
    found: dict[str, str] = {}
    for name, place in [*((name_of(text), text) for text in locations), *map(_pair, mounts)]:
        if name in found:
            raise UsageError(
                f"{shown(found[name])} and {shown(place)} would both be served as {printable(name)!r}",
                hint="--mount NAME=LOCATION gives one of them another name.",
            )
        found[name] = absolute(place)
    return found


def absolute(text: str) -> str:
    """A place that means the same from every folder, as `status` and the background need it."""
    address = parse(text)
    return text if address.form is not Form.LOCAL else os.path.abspath(os.path.expanduser(address.path))


def name_of(text: str) -> str:
    """The last part of the path of a place, or the name of its remote. `UsageError` where there is none."""
    address = parse(text)
    if address.form is Form.LOCAL:
        name = os.path.basename(os.path.abspath(os.path.expanduser(address.path)))
    else:
        name = split(address.path.strip("/"))[1] or address.name
    if not name:
        raise UsageError(
            "this place has no name to be served under",
            where=address.shown,
            hint="--mount NAME=LOCATION gives it one.",
        )
    return name


def _pair(text: str) -> tuple[str, str]:
    name, equals, place = text.partition("=")
    if not (name and equals and place):
        raise UsageError(
            f"{shown(text)!r} is no mount",
            hint="Write --mount NAME=LOCATION, as in --mount pictures=photos:2024.",
        )
    return name, place


def opened(run: Session, places: dict[str, str], *, read_only: bool) -> list[Share]:
    """The shares, opened.

    Raises what opening raises; `UsageError` for a file, `Unsupported` for what cannot be read or listed.
    """
    return [
        share(run, name, run.open(text, for_writing=True), read_only=read_only)
        for name, text in places.items()
    ]


def share(run: Session, name: str, location: Location, *, read_only: bool = False) -> Share:
    """A location as a share; what can only be read is shared so, with a note."""
    storage = location.storage
    for needed in (Capability.READ, Capability.LIST):
        if not storage.can(needed):
            raise Unsupported(f"it has no {needed}, and cannot be served", where=location.shown())
    try:
        entry = storage.stat(location.path) if location.path else None
    except NotFound:
        entry = None  # the first write makes it
    if entry is not None and not entry.is_dir:
        raise UsageError("it is no folder", where=location.shown(), hint="Serve the folder that it is in.")
    if (storage.facts.read_only or not storage.can(Capability.WRITE)) and not read_only:
        run.note(f"{location.shown()} can only be read.")
        read_only = True
    return Share(name, location, read_only)
