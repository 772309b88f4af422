"""The trash of the account. Ids are those of the files and folders themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from skycap.core import paths
from skycap.core.errors import Conflict, NotFound
from skycap.core.paths import join
from skycap.core.storage.entry import Entry
from skycap.core.storage.extras import Trash, Trashed
from skycap.internxt.api import trash
from skycap.internxt.api.models import Item, TrashItem
from skycap.internxt.storage.moving import place

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt


class AccountTrash(Trash):
    """What was removed, here and on the web."""

    def __init__(self, storage: Internxt) -> None:
        self._storage = storage
        self._where = f"{storage.where('')} (trash)"

    def list(self) -> Iterator[Trashed]:
        """What was removed by itself. Where its folder is gone too, its path is its name alone."""
        known: dict[str, str | None] = {}
        for found in trash.listed(self._storage.api, where=self._where):
            yield self._trashed(found, self._parent_of(found, known) or "")

    def _trashed(self, found: TrashItem, parent: str) -> Trashed:
        entry = self._storage.entry(join(parent, found.item.name), found.item)
        return Trashed(found.item.uuid, entry, found.trashed_ns)

    def _parent_of(self, found: TrashItem, known: dict[str, str | None]) -> str | None:
        """The path of the folder it was in; None if that is gone."""
        if not found.parent_there or not found.parent:
            return None
        if found.parent not in known:
            known[found.parent] = self._storage.places.path_of(found.parent)
        return known[found.parent]

    def put(self, path: str) -> Trashed:
        """Into the trash."""
        storage = self._storage
        item = storage.places.item(paths.validate(path))
        if not path:
            raise Conflict("the root does not go into the trash", where=storage.where(path))
        trash.put(storage.api, [trash.named(item)], where=storage.where(path))
        storage.cache.removed(path)
        return Trashed(item.uuid, storage.entry(path, item))

    def restore(self, id: str, to: str | None = None) -> Entry:  # noqa: A002 - the stores' own word
        """Bring it back to where it was, or to another path; never in the place of something else."""
        storage = self._storage
        found = next(
            (one for one in trash.listed(storage.api, where=self._where) if one.item.uuid == id), None
        )
        if found is None:
            raise NotFound("the trash has nothing of this id", where=id)
        if to is None:
            parent = self._parent_of(found, {})
            if parent is None:
                raise Conflict(
                    "the folder it was in is gone",
                    where=found.item.name,
                    hint="Say where it shall come back to.",
                )
            to = join(parent, found.item.name)
        return self._restore(found.item, storage.new_path(to))

    def _restore(self, item: Item, target: str) -> Entry:
        storage, where = self._storage, self._storage.where(target)
        if storage.places.find(target) is not None:
            raise Conflict("something stands there again", where=where)
        within = storage.places.make(paths.split(target)[0])
        storage.cache.forget(target)
        item = storage.as_trashed(item)
        moved = storage.places.in_young(within, lambda: place(storage, item, within.folder.uuid, target))
        storage.cache.removed(target)
        return storage.entry(target, moved)

    def remove(self, id: str) -> None:  # noqa: A002 - the stores' own word
        """Remove one thing that is in the trash for good."""
        found = next(
            (one for one in trash.listed(self._storage.api, where=self._where) if one.item.uuid == id), None
        )
        if found is None:
            raise NotFound("the trash has nothing of this id", where=id)
        trash.delete(self._storage.api, [trash.named(found.item)], where=self._where)

    def clear(self) -> int:
        """Remove all of it for good; how much there was."""
        count = sum(1 for _ in trash.listed(self._storage.api, where=self._where))
        if count:
            trash.clear(self._storage.api, where=self._where)
        return count
