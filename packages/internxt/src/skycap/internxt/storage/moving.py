"""Moving inside the account: no bytes travel, and ids stay.

The service moves onto nothing that is there. A file that is in the way goes into the trash first, and comes
back if the move fails after all.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from skycap.core import paths
from skycap.core.errors import Conflict, Error, ProviderError
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry
from skycap.internxt.api import files, folders, trash
from skycap.internxt.api.models import File, Folder, Item
from skycap.internxt.storage.listing import is_empty

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt


def rename(storage: Internxt, source: str, target: str, condition: Condition | None) -> Entry:
    """Move a file or a directory; its entry at the new place."""
    where = storage.where(target)
    item = storage.places.item(source)
    if source == target:
        if condition is not None:
            raise Conflict("it exists already", where=where)
        return storage.entry(target, item)
    if target.startswith(f"{source}/"):
        raise Conflict("it cannot be moved below itself", where=where)
    there = storage.places.find(target)
    if there is not None:
        _may_replace(storage, item, there, target, condition)
    within = storage.places.make(paths.split(target)[0])
    parked = _out_of_the_way(storage, target, there)
    try:
        moved = storage.places.in_young(within, lambda: place(storage, item, within.folder.uuid, target))
    except BaseException:
        if parked is not None:
            _back(storage, parked, target)
        raise
    if parked is not None and not storage.options.trash:
        with suppress(Error):
            files.delete(storage.api, parked.uuid, where=where)
    storage.cache.moved(source, target, moved)
    return storage.entry(target, moved)


def _may_replace(
    storage: Internxt, item: Item, there: Item, target: str, condition: Condition | None
) -> None:
    where = storage.where(target)
    if condition is not None:
        raise Conflict("it exists already", where=where)
    if isinstance(there, Folder):
        if isinstance(item, File):
            raise Conflict("a directory stands there", where=where)
        if not is_empty(storage, there, target):
            raise Conflict("the directory is not empty", where=where)
    elif isinstance(item, Folder):
        raise Conflict("a file stands there", where=where)


def _out_of_the_way(storage: Internxt, target: str, there: Item | None) -> File | None:
    """Put what is there into the trash; the file that can come back."""
    if there is None:
        return None
    trash.put(storage.api, [trash.named(there)], where=storage.where(target))
    storage.cache.removed(target)
    return there if isinstance(there, File) else None


def _back(storage: Internxt, parked: File, target: str) -> None:
    with suppress(Error):
        files.move(storage.api, parked.uuid, parked.folder, None, where=storage.where(target))
        storage.cache.forget(target)


def place(storage: Internxt, item: Item, folder: str, target: str) -> Item:
    """Put an item into a folder under the last name of `target`, from anywhere, the trash included."""
    where, name = storage.where(target), paths.split(target)[1]
    before = item.folder if isinstance(item, File) else item.parent
    stays = before == folder and item.status == "EXISTS"
    moved = _placed(storage, item, folder, name, stays=stays, where=where)
    if moved.name != name:
        raise ProviderError(f"the service made {moved.name!r} of the name", where=where)
    return moved


def _placed(storage: Internxt, item: Item, folder: str, name: str, *, stays: bool, where: str) -> Item:
    new = None if item.name == name else name
    if isinstance(item, File):
        # In the same folder the service drops blanks at either end of a name.
        if stays and name == name.strip():
            return files.rename(storage.api, item.uuid, name, where=where)
        return files.move(storage.api, item.uuid, folder, new, where=where)
    if stays and name == name.strip():
        return folders.rename(storage.api, item.uuid, name, where=where)
    return folders.move(storage.api, item.uuid, folder, new, where=where)
