"""Files: rows in, rows out. Whoever calls holds the transaction."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import dataclass
from typing import Any

from skycap.internxt.emulator import shapes
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.store.folders import Page
from skycap.internxt.emulator.store.naming import sort_key

NAME_TAKEN = "A file with this name already exists in this location"


@dataclass(frozen=True)
class NewFile:
    """What a client says of a file to be made."""

    plain_name: str
    type: str | None
    bucket: str
    file_id: str | None
    size: int
    creation_time: str | None = None
    modification_time: str | None = None


def find(db: sqlite3.Connection, uuid_: str) -> sqlite3.Row | None:
    """The file with this uuid, whatever its status."""
    return db.execute("SELECT * FROM files WHERE uuid = ?", (uuid_,)).fetchone()  # type: ignore[no-any-return]


def owned(db: sqlite3.Connection, account: sqlite3.Row, uuid_: str) -> sqlite3.Row:
    """A file of this account, whatever its status; 404 or 403 else."""
    row = find(db, uuid_)
    if row is None:
        raise Refused(404, "File not found")
    if row["account"] != account["id"]:
        raise Refused(403, "File is not yours")
    return row


def named(db: sqlite3.Connection, folder: str, plain_name: str, type_: str | None) -> sqlite3.Row | None:
    """The file of this name that exists in a folder; no type, null and a blank one are the same."""
    return db.execute(  # type: ignore[no-any-return]
        "SELECT * FROM files WHERE folder_uuid = ? AND plain_name = ? AND trim(coalesce(type, '')) = ?"
        " AND status = 'EXISTS'",
        (folder, plain_name, (type_ or "").strip(" ")),
    ).fetchone()


def make(
    db: sqlite3.Connection, account: sqlite3.Row, folder: sqlite3.Row, new: NewFile, now: str
) -> sqlite3.Row:
    """Make one; 409 if the name is taken."""
    if named(db, folder["uuid"], new.plain_name, new.type) is not None:
        raise Refused(409, "File already exists")
    uuid_ = str(uuid.uuid4())
    db.execute(
        "INSERT INTO files (uuid, account, file_id, plain_name, type, sort_key, size, bucket, folder_id,"
        " folder_uuid, creation_time, modification_time, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            uuid_,
            account["id"],
            new.file_id,
            new.plain_name,
            new.type,
            sort_key(new.plain_name),
            new.size,
            new.bucket,
            folder["id"],
            folder["uuid"],
            new.creation_time or now,
            new.modification_time or now,
            now,
            now,
        ),
    )
    return again(db, uuid_)


def again(db: sqlite3.Connection, uuid_: str) -> sqlite3.Row:
    """A file that is known to be there."""
    row = find(db, uuid_)
    assert row is not None  # noqa: S101
    return row


def listed(db: sqlite3.Connection, folder: str, page: Page) -> list[sqlite3.Row]:
    """The files that exist in a folder."""
    return db.execute(
        "SELECT * FROM files WHERE folder_uuid = ? AND status = 'EXISTS'" + page.clause, (folder,)
    ).fetchall()


def changed(db: sqlite3.Connection, uuid_: str, now: str, **values: object) -> sqlite3.Row:
    """Set columns; whatever changes a file changes its `updated_at`."""
    names = ", ".join(f"{name} = :{name}" for name in values)
    db.execute(
        f"UPDATE files SET {names}, updated_at = :now WHERE uuid = :uuid",
        values | {"now": now, "uuid": uuid_},
    )
    return again(db, uuid_)


def shown(db: sqlite3.Connection, rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    """Files as JSON, with their thumbnails."""
    found: dict[str, list[dict[str, Any]]] = {}
    numbers = {row["uuid"]: row["id"] for row in rows}
    marks = ", ".join("?" * len(numbers))
    for row in db.execute(f"SELECT * FROM thumbnails WHERE file IN ({marks})", list(numbers)):
        found.setdefault(row["file"], []).append(shapes.thumbnail(row, numbers[row["file"]]))
    return [shapes.file(row, found.get(row["uuid"])) for row in rows]


def one(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """One file as JSON."""
    return shown(db, [row])[0]
