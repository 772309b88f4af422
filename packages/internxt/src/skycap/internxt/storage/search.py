"""What the service finds for a text: names, by likeness. What is hardly alike is left out."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from skycap.core.errors import NotFound
from skycap.core.paths import join
from skycap.core.storage.entry import Entry
from skycap.internxt.api import account, files, folders
from skycap.internxt.api.models import EXISTS, File, Item

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt

_ALIKE = 0.4


def search(storage: Internxt, text: str, path: str) -> Iterator[Entry]:
    """Files and folders at or below a path whose name has the text in it, or one that is much like it."""
    where, seen = storage.where(path), set()
    wanted = _plain(text)
    for found in account.search(storage.api, text, where=where):
        uuid = str(found.get("itemId") or "")
        if not uuid or uuid in seen:
            continue
        seen.add(uuid)
        item = _item(storage, found, uuid)
        if item is None or not (wanted in _plain(item.name) or _likeness(found) >= _ALIKE):
            continue
        place = _place(storage, item)
        if place is not None and (not path or place == path or place.startswith(f"{path}/")):
            yield storage.entry(place, item)


def _item(storage: Internxt, found: dict[str, Any], uuid: str) -> Item | None:
    where = storage.where("")
    try:
        item: Item
        if found.get("itemType") == "folder":
            item = folders.meta(storage.api, uuid, where=where)
        else:
            item = files.meta(storage.api, uuid, where=where)
    except NotFound:
        return None
    return item if item.status == EXISTS else None


def _place(storage: Internxt, item: Item) -> str | None:
    folder = item.folder if isinstance(item, File) else item.parent
    if not folder:
        return None
    parent = storage.places.path_of(folder)
    return None if parent is None else join(parent, item.name)


def _likeness(found: dict[str, Any]) -> float:
    value = found.get("similarity")
    return float(value) if isinstance(value, int | float) else 0.0


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
