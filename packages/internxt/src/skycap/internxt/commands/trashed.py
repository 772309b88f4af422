"""What is in the trash of an account, and which of it a word means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skycap.core.cli import entries
from skycap.core.errors import Conflict, NotFound, UsageError
from skycap.core.paths import join
from skycap.core.retry import Operation
from skycap.core.storage.entry import Entry
from skycap.internxt.api import trash
from skycap.internxt.api.models import File, Item, TrashItem
from skycap.internxt.commands.drives import UUID, Drive, Drives, Found


@dataclass(frozen=True)
class InTrash:
    """Something in the trash. `folder` is the path it was in; None if that is gone."""

    drive: Drive
    item: Item
    entry: Entry
    folder: str | None
    trashed_ns: int | None

    @property
    def id(self) -> str:
        """Under which it can be had back."""
        return self.item.uuid

    @property
    def kind(self) -> str:
        """`file` or `folder`."""
        return "file" if isinstance(self.item, File) else "folder"

    def shown(self) -> str:
        """Where it was, as one would write it; its name alone where its folder is gone."""
        return self.item.name if self.folder is None else self.drive.shown(self.entry.path)

    def record(self) -> dict[str, Any]:
        """As JSON: what `skycap trash list` tells, and whether the folder it was in is gone."""
        record = entries.as_record(self.entry) | {"type": "trashed", "id": self.id}
        if self.trashed_ns is not None:
            record["trashed_at"] = entries.iso_time(self.trashed_ns)
        return record | {"folder_gone": self.folder is None}


def in_trash(drive: Drive, wanted: Callable[[Item], bool] = lambda _: True) -> list[InTrash]:
    """What was removed by itself, as far as it is wanted."""
    api = drive.storage.api
    found = drive.asked(
        Operation.LIST, lambda: [one for one in trash.listed(api, where=drive.prefix) if wanted(one.item)]
    )
    folders: dict[str, str | None] = {}
    return [_placed(drive, one, folders) for one in found]


def _placed(drive: Drive, found: TrashItem, folders: dict[str, str | None]) -> InTrash:
    folder = found.parent if found.parent_there else ""
    if folder and folder not in folders:
        folders[folder] = drive.asked(Operation.LIST, drive.storage.places.path_of, folder)
    above = folders[folder] if folder else None
    entry = drive.storage.entry(join(above or "", found.item.name), found.item)
    return InTrash(drive, found.item, entry, above, found.trashed_ns)


def choose(drives: Drives, word: str) -> InTrash:
    """The one thing in the trash that a word means: by its id, or by the path that it had."""
    drive, path = drives.where(word)
    if UUID.fullmatch(path):
        matching = in_trash(drive, lambda item: item.uuid == path.lower())
    else:
        name = path.rpartition("/")[2]
        matching = [one for one in in_trash(drive, lambda item: item.name == name) if one.entry.path == path]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise NotFound(
            "the trash has no such thing",
            where=drive.shown(path),
            hint='"skycap internxt trash list" shows what is in it; what is in a folder comes back with it.',
        )
    ids = ", ".join(f"{one.id} of {entries.local_time(one.trashed_ns)}" for one in matching)
    raise UsageError(
        f"{len(matching)} things of this path are in the trash",
        where=drive.shown(path),
        hint=f"Name one: {ids}.",
    )


def put_away(found: Found) -> dict[str, Any]:
    """Move what was found into the trash; its JSON."""
    drive, path = found.drive, found.path
    if path == "":
        raise Conflict("the root folder does not go into the trash", where=found.shown())
    if path is None:
        raise Conflict("it is in the trash already", where=found.shown())
    send(drive, found.item, path)
    return entries.as_record(drive.storage.entry(path, found.item)) | {
        "type": "trashed",
        "id": found.item.uuid,
    }


def send(drive: Drive, item: Item, path: str) -> None:
    """Move an item into the trash."""
    named = [trash.named(item)]
    drive.asked(Operation.DELETE, trash.put, drive.storage.api, named, where=drive.shown(path))
    drive.storage.cache.removed(path)


def forget(found: InTrash) -> None:
    """Remove it for good."""
    drive = found.drive
    named = [trash.named(found.item)]
    drive.asked(Operation.DELETE, trash.delete, drive.storage.api, named, where=found.shown())
