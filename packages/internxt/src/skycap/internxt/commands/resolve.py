"""`skycap internxt resolve`: the ids behind a path, and the path of an id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skycap.core.cli.session import session
from skycap.internxt.commands.words import Items

if TYPE_CHECKING:
    from skycap.internxt.commands.drives import Found


def resolve(items: Items) -> int:
    """Tell what Internxt knows of a path or an id: ids, folder, object, bucket, size and times.

    \b
    Examples:
      skycap internxt resolve drive:2024/a.jpg
      skycap internxt resolve --json 5f0c6ab2-0d1c-4f0e-9f3e-1b2c3d4e5f60
    """
    from skycap.core.cli.table import print_table
    from skycap.internxt.commands.drives import Drives
    from skycap.internxt.commands.each import each

    run = session()
    drives = Drives(run)

    def one(word: str) -> None:
        record = _record(drives.find(word))
        if run.json:
            run.emit({"type": "item", **record})
        else:
            rows = [(name, str(value)) for name, value in record.items() if value is not None]
            print_table(run, ("", ""), rows)

    return each(run, items, one)


def _record(found: Found) -> dict[str, Any]:
    from skycap.core.retry import Operation

    drive, item = found.drive, found.item
    path = f"/{found.kind}s/{item.uuid}/meta"
    raw = drive.asked(Operation.LIST, drive.storage.api.drive, "GET", path, where=found.shown()).json()

    def told(*names: str) -> Any:
        return next((raw[name] for name in names if raw.get(name) not in (None, "")), None)

    record: dict[str, Any] = {
        "path": found.path,
        "place": None if found.path is None else found.shown(),
        "kind": found.kind,
        "status": item.status,
        "id": item.uuid,
        "number": told("id"),
        "parent": told("folderUuid", "folder_uuid", "parentUuid", "parent_uuid"),
        "plain_name": told("plainName", "plain_name"),
    }
    if found.kind == "file":
        record |= {
            "extension": told("type"),
            "size": getattr(item, "size", None),
            "bucket": told("bucket"),
            "object": told("fileId", "file_id"),
        }
    return record | {
        "created": told("creationTime", "creation_time"),
        "modified": told("modificationTime", "modification_time"),
        "stored_at": told("createdAt", "created_at"),
        "updated_at": told("updatedAt", "updated_at"),
    }
