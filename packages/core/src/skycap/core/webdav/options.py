"""OPTIONS, and what may be done with what stands at a URL."""

from __future__ import annotations

from collections.abc import Iterable

from skycap.core.storage.entry import Entry
from skycap.core.webdav.answers import Answer, empty
from skycap.core.webdav.methods import (
    ALL,
    COPY,
    DELETE,
    LOCK,
    LOCKING,
    MKCOL,
    MOVE,
    OPTIONS,
    PROPPATCH,
    PUT,
    READING,
)
from skycap.core.webdav.shares import Place

CLASSES = "1, 2, 3"
_READ_ONLY = "1"


def allowed(place: Place | None, entry: Entry | None, *, elsewhere: bool = False) -> tuple[str, ...]:
    """The methods that make sense at a place. None stands for the list of shares, which nobody can lock.

    `elsewhere`: there is a share that can be written, so that something can be copied there.
    """
    if place is None:
        return READING
    if place.share.read_only:
        return (*READING, COPY) if elsewhere and entry is not None else READING
    if entry is None:
        return (OPTIONS, PUT, MKCOL, LOCK)
    if place.is_top:
        return (*READING, PROPPATCH, COPY, *LOCKING)
    both = (*READING, PROPPATCH, COPY, MOVE, DELETE, *LOCKING)
    return both if entry.is_dir else (*both, PUT)


def options(methods: Iterable[str] = ALL, *, writable: bool = True) -> Answer:
    """The answer to OPTIONS; without methods to `*`, which asks what the server can do at all.

    Where nothing can be written, nothing can be locked: that is class 1.
    """
    return empty(
        200,
        ("Allow", ", ".join(methods)),
        ("DAV", CLASSES if writable else _READ_ONLY),
        ("MS-Author-Via", "DAV"),
        ("Accept-Ranges", "bytes"),
    )
