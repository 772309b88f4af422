"""OPTIONS, and what may be done with what stands at a URL."""

from __future__ import annotations

from skycap.core.storage.entry import Entry
from skycap.core.webdav.answers import Answer, empty
from skycap.core.webdav.shares import Place

_READ = ("OPTIONS", "GET", "HEAD", "PROPFIND")
_LOCK = ("LOCK", "UNLOCK")
CLASSES = "1, 2, 3"


def allowed(place: Place | None, entry: Entry | None) -> tuple[str, ...]:
    """The methods that make sense at a place. None stands for the list of shares."""
    if place is None or place.share.read_only:
        return _READ
    if entry is None:
        return ("OPTIONS", "PUT", "MKCOL", *_LOCK)
    if place.is_top:
        return (*_READ, "PROPPATCH", "COPY", *_LOCK)
    both = (*_READ, "PROPPATCH", "COPY", "MOVE", "DELETE", *_LOCK)
    return both if entry.is_dir else (*both, "PUT")


def options(place: Place | None, entry: Entry | None, *, everything: bool = False) -> Answer:
    """The answer to OPTIONS; `everything` is for `*`, which asks what the server can do at all."""
    methods = allowed(place, entry)
    if everything:
        methods = (*_READ, "PUT", "MKCOL", "PROPPATCH", "COPY", "MOVE", "DELETE", *_LOCK)
    return empty(
        200,
        ("Allow", ", ".join(methods)),
        ("DAV", "1" if place is not None and place.share.read_only else CLASSES),
        ("MS-Author-Via", "DAV"),
        ("Accept-Ranges", "bytes"),
    )
