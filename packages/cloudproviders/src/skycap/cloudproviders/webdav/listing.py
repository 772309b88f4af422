"""What lies in a folder: one PROPFIND a level, read as it comes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from skycap.cloudproviders.webdav.errors import GONE, error_of
from skycap.cloudproviders.webdav.multistatus import Item
from skycap.cloudproviders.webdav.names import is_temporary
from skycap.cloudproviders.webdav.properties import asked_of, entry_of, is_folder
from skycap.core import paths
from skycap.core.errors import NotFound, PathInvalid, ProviderError
from skycap.core.retry import Operation
from skycap.core.storage.entry import Entry

if TYPE_CHECKING:
    from skycap.cloudproviders.webdav.storage import WebDav

_log = logging.getLogger(__name__)


def look(storage: WebDav, path: str, *more: str) -> tuple[Entry, Item]:
    """One entry and all that the server told of it, the properties `more` among it."""
    where = storage.where(path)
    found: tuple[str | None, Item] | None = None
    names = (*asked_of(storage.traits), *more)
    for item in storage.dav.propfind(storage.dav.place.url(path), "0", names, where=where):
        # A server that does not heed the depth tells of the members as well.
        place = _place(storage, item, path, warn=False)
        if found is None or (place == path and found[0] != path):
            found = place, item
    if found is None or found[1].status in GONE:
        raise NotFound("nothing is there", where=where)
    return entry_of(found[1], path, storage.traits), found[1]


def scan(storage: WebDav, path: str, *, deep: bool = False, temporary: bool = False) -> Iterator[Entry]:
    """What is in a folder, or all below it; files of ours that are not finished only where asked for.

    Where something in it cannot be told, the error comes at the end: nobody is to take it for absent.
    """
    where = storage.where(path)
    url, names = storage.dav.place.url(path, folder=True), asked_of(storage.traits)
    heard = strange = untold = 0
    odd = ""
    for item in storage.dav.propfind(url, "infinity" if deep else "1", names, where=where):
        if item.status in GONE:
            if not heard:
                raise NotFound("nothing is there", where=where)
            continue  # it went while the server listed
        heard += 1
        place = _place(storage, item, path)
        if _is_untold(item, where, itself=place == path):
            untold += 1
        elif place is None:
            strange, odd = strange + 1, item.href
        elif place == path:
            if not is_folder(item):
                raise NotFound("no directory is there", where=where)
        elif is_temporary(paths.split(place)[1]) and not temporary:
            continue
        elif deep or "/" not in paths.relative_to(place, path):
            yield entry_of(item, place, storage.traits)
        else:
            _log.warning("%s: the server lists what is not in it: %s", where, paths.printable(item.href))
    if strange and strange == heard:
        raise ProviderError(
            f"the server names its files under another address ({paths.printable(odd)})",
            where=where,
            hint="Write url as the server does, beginning with that path.",
        )
    if strange or untold:
        raise ProviderError(
            f"{strange + untold} of {heard} things in it cannot be used as the server tells of them",
            where=where,
        )


def _is_untold(item: Item, where: str, *, itself: bool) -> bool:
    """Whether the server tells a failure of the thing, not its properties; that of the folder is raised."""
    if item.status is None or item.status < 400:
        return False
    if itself:
        raise error_of(item.status, {}, b"", where=where, operation=Operation.LIST)
    _log.warning("%s: of %s the server tells only HTTP %s", where, paths.printable(item.href), item.status)
    return True


def is_empty(storage: WebDav, path: str) -> tuple[Entry, bool]:
    """What is at a path, and whether nothing is in it; one request, and no more of it is read than needed."""
    where = storage.where(path)
    url, names = storage.dav.place.url(path), asked_of(storage.traits)
    itself: Entry | None = None
    members = False
    asked = storage.dav.propfind(url, "1", names, where=where)
    try:
        for item in asked:
            if item.status in GONE:
                continue
            place = _place(storage, item, path)
            if place == path:
                itself = entry_of(item, path, storage.traits)
            elif place is None or not is_temporary(paths.split(place)[1]):
                members = True
            if members and itself is not None:
                break
    finally:
        asked.close()  # type: ignore[attr-defined] # a generator, that holds a connection
    if itself is None:
        if members:
            raise ProviderError("the server does not tell what it is", where=where)
        raise NotFound("nothing is there", where=where)
    return itself, not members


def _place(storage: WebDav, item: Item, folder: str, *, warn: bool = True) -> str | None:
    """The path of an item; None for one that is not at or below the folder, or has no name of ours."""
    try:
        path = storage.dav.place.path_of(item.href, folder)
        paths.relative_to(path, folder)
    except PathInvalid as error:
        if warn:
            _log.warning(
                "%s: left out what the server calls %s (%s)",
                storage.where(folder),
                paths.printable(item.href)[:200],
                error.message,
            )
        return None
    return path
