"""Listings, one folder at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from skycap.core.errors import NotFound
from skycap.core.paths import join
from skycap.core.storage.entry import Entry
from skycap.internxt.api import folders
from skycap.internxt.api.folders import PAGE
from skycap.internxt.api.models import Folder, Item
from skycap.internxt.storage.cache import NAMES_MAX

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt


def scan(storage: Internxt, path: str) -> Iterator[Entry]:
    """One level, files first; what was seen is remembered for a while."""
    known = storage.places.folder(path)
    turn = storage.cache.begin_listing(path)
    seen: dict[str, Item] = {}
    items = _items(storage, path, known.folder.uuid, seen)
    while batch := list(islice(items, PAGE)):
        yield from storage.entries([(join(path, item.name), item) for item in batch])
    if len(seen) < NAMES_MAX:
        storage.cache.end_listing(path, turn, seen.values())


def _items(storage: Internxt, path: str, uuid: str, seen: dict[str, Item]) -> Iterator[Item]:
    """Each name once: of two files the one that was there first, of file and folder the file."""
    where = storage.where(path)
    for kind in ("files", "folders"):
        try:
            for item in folders.listed(storage.api, uuid, kind, where=where):
                if item.name and "/" not in item.name and item.name not in seen:
                    seen[item.name] = item
                    yield item
        except NotFound:
            storage.cache.saw_nothing(path)
            raise


def is_empty(storage: Internxt, folder: Folder, path: str) -> bool:
    """Whether nothing is in a folder."""
    where = storage.where(path)
    for kind in ("files", "folders"):
        for _ in folders.listed(storage.api, folder.uuid, kind, where=where):
            return False
    return True
