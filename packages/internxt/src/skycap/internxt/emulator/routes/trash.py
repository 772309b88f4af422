"""`/drive/storage/trash`: putting in, listing, emptying. A move of the item takes it out again."""

from __future__ import annotations

import datetime
import sqlite3
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from skycap.internxt.emulator import shapes
from skycap.internxt.emulator.checking import UUID, Fields, time_text
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.routes.housekeeping import purge, trashed_before
from skycap.internxt.emulator.routes.listings import FILE_SORTS, page_of
from skycap.internxt.emulator.services import Body, Here, Query, SignedIn, answer, empty
from skycap.internxt.emulator.settings import DAY_S
from skycap.internxt.emulator.store import files, folders, removal

router = APIRouter(prefix="/storage/trash")
MOST_ITEMS = 50
AT_ONCE = 10_000
"""More than this the real server removes in the background."""
_OF_FILES = "account = ? AND status = 'TRASHED' AND deleted_at >= ?"
_OF_FOLDERS = "account = ? AND deleted = 1 AND removed = 0 AND deleted_at >= ?"


@router.post("/add")
def add(here: SignedIn, body: Body) -> Response:
    """Put items in; what is unknown, somebody else's or the root is passed over."""
    items, now = _items(body), here.services.now_text()
    with here.services.database.transaction() as db:
        for kind, name in items:
            row = _item(db, here, kind, name)
            if row is None or (kind == "folder" and row["parent_uuid"] is None):
                continue
            if kind == "folder" and not row["deleted"]:
                folders.changed(db, row["uuid"], now, deleted=1, deleted_at=now)
            elif kind == "file" and row["status"] == "EXISTS":
                files.changed(db, row["uuid"], now, status="TRASHED", deleted_at=now)
            db.execute("DELETE FROM sharings WHERE item = ?", (row["uuid"],))
    return empty()


@router.get("/paginated")
def paginated(here: SignedIn, query: Query) -> Response:
    """A page of what was put in itself; not what only lies in a folder that was."""
    fields = Fields(query)
    kind = fields.choice("type", ("files", "folders"))
    if kind is None:
        fields.wrong("type must be one of the following values: files, folders")
    fields.done()
    page = page_of(query, FILE_SORTS)
    values = (here.account["id"], trashed_before(here.services))
    with here.services.database.reading() as db:
        if kind == "files":
            rows = db.execute(f"SELECT * FROM files WHERE {_OF_FILES}{page.clause}", values).fetchall()
            shown = files.shown(db, rows)
        else:
            rows = db.execute(f"SELECT * FROM folders WHERE {_OF_FOLDERS}{page.clause}", values).fetchall()
            shown = [shapes.folder(row) for row in rows]
        result = [one | _of_trash(here, db, row) for one, row in zip(shown, rows, strict=True)]
    return answer({"result": result})


@router.delete("")
def delete(here: SignedIn, body: Body) -> Response:
    """Remove some items for good."""
    items = _items(body)
    with here.services.database.transaction() as db:
        for kind, name in items:
            row = _item(db, here, kind, name)
            if row is not None:
                _remove(here, db, kind, row)
    purge(here.services)
    return empty(202)


@router.delete("/all")
def delete_all(here: SignedIn) -> Response:
    """Empty it."""
    return _empty(here)


@router.delete("/all/request")
def request_all(here: SignedIn) -> Response:
    """The same; the real server only promises it here."""
    return _empty(here)


@router.delete("/file/{file_id}")
def delete_file(here: SignedIn, file_id: str) -> Response:
    """Remove the file that stands on an object."""
    with here.services.database.transaction() as db:
        row = db.execute(
            "SELECT * FROM files WHERE file_id = ? AND account = ? AND status <> 'DELETED'",
            (file_id, here.account["id"]),
        ).fetchone()
        if row is None:
            raise Refused(404, "File not found")
        _remove(here, db, "file", row)
    purge(here.services)
    return empty(204)


@router.delete("/folder/{number}")
def delete_folder(here: SignedIn, number: str) -> Response:
    """Remove a folder, by its number."""
    with here.services.database.transaction() as db:
        row = db.execute(
            "SELECT * FROM folders WHERE id = ? AND account = ? AND removed = 0", (number, here.account["id"])
        ).fetchone()
        if row is None:
            raise Refused(404, "Folder not found")
        if row["parent_uuid"] is None:
            raise Refused(406, "Cannot delete root folder")
        _remove(here, db, "folder", row)
    purge(here.services)
    return empty(204)


def _items(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and name of each item. A name is a uuid; of old also a number, or the id of an object."""
    fields = Fields(body)
    found = []
    for position, item in enumerate(fields.items("items", least=0, most=MOST_ITEMS)):
        item = item if isinstance(item, dict) else {}
        kind, uuid, number = item.get("type"), item.get("uuid"), item.get("id")
        if kind not in {"file", "folder"}:
            fields.wrong(f"items.{position}.type must be one of the following values: file, folder")
        elif uuid is not None and not (isinstance(uuid, str) and UUID.fullmatch(uuid)):
            fields.wrong(f"items.{position}.uuid must be a UUID")
        elif uuid is None and not isinstance(number, str | int):
            fields.wrong(f"items.{position}.uuid should not be empty")
        else:
            found.append((kind, str(uuid if uuid is not None else number).lower()))
    fields.done()
    return found


def _item(db: sqlite3.Connection, here: Here, kind: str, name: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None
    if UUID.fullmatch(name):
        row = files.find(db, name) if kind == "file" else folders.find(db, name)
    elif kind == "file":
        row = db.execute("SELECT * FROM files WHERE file_id = ?", (name,)).fetchone()
    else:
        row = db.execute("SELECT * FROM folders WHERE id = ?", (name,)).fetchone()
    if row is None or row["account"] != here.account["id"]:
        return None
    gone = row["status"] == "DELETED" if kind == "file" else row["removed"]
    return None if gone else row


def _remove(here: Here, db: sqlite3.Connection, kind: str, row: sqlite3.Row) -> None:
    settings, now = here.services.settings, here.services.now_text()
    due = settings.now() + settings.purge_delay_ms / 1000
    if kind == "file":
        removal.remove_files(db, [row], now, due)
    elif row["parent_uuid"] is not None:
        removal.remove_folder(db, row["uuid"], now, due)


def _empty(here: Here) -> Response:
    values = (here.account["id"], "")
    with here.services.database.transaction() as db:
        trashed = db.execute(f"SELECT * FROM files WHERE {_OF_FILES}", values).fetchall()
        below = db.execute(f"SELECT * FROM folders WHERE {_OF_FOLDERS}", values).fetchall()
        for row in trashed:
            _remove(here, db, "file", row)
        for row in below:
            _remove(here, db, "folder", row)
    purge(here.services)
    if len(trashed) + len(below) > AT_ONCE:
        return answer({"message": "Trash is being emptied", "status": "processing"})
    return answer({"message": "Trash emptied successfully", "status": "completed"})


def _of_trash(here: Here, db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    keys = row.keys()
    parent = folders.find(db, row["folder_uuid"] if "folder_uuid" in keys else row["parent_uuid"])
    told = None
    if parent is not None:
        told = {
            "plainName": parent["plain_name"],
            "status": shapes.folder_status(parent),
            "uuid": parent["uuid"],
        }
    days, expires = here.services.settings.tier.trash_days, None
    if days is not None:
        expires = _later(row["deleted_at"], days * DAY_S)
    return {"parent": told, "expiresAt": expires}


def _later(text: str, seconds: int) -> str:
    return time_text(datetime.datetime.fromisoformat(text).timestamp() + seconds)
