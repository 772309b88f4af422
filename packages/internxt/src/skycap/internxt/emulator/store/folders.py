"""Folders: rows in, rows out. Whoever calls holds the transaction."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import dataclass

from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.store.naming import sort_key

ORDERS = {"plainName": "sort_key", "updatedAt": "updated_at", "id": "id", "uuid": "uuid", "size": "size"}
NAME_TAKEN = "Folder with the same name already exists in this location"


@dataclass(frozen=True)
class NewFolder:
    """What a client says of a folder to be made."""

    plain_name: str
    creation_time: str | None = None
    modification_time: str | None = None


@dataclass(frozen=True)
class Page:
    """Which rows of a list, in which order."""

    limit: int
    offset: int = 0
    sort: str | None = None
    order: str = "ASC"

    @property
    def clause(self) -> str:
        """For the end of a statement; only words of ours stand in it."""
        column = ORDERS.get(self.sort or "id", "id")
        order = "DESC" if self.order == "DESC" else "ASC"
        return f" ORDER BY {column} {order}, id {order} LIMIT {self.limit} OFFSET {self.offset}"


def find(db: sqlite3.Connection, uuid_: str) -> sqlite3.Row | None:
    """The folder with this uuid, whatever its status."""
    return db.execute("SELECT * FROM folders WHERE uuid = ?", (uuid_,)).fetchone()  # type: ignore[no-any-return]


def owned(
    db: sqlite3.Connection, account: sqlite3.Row, uuid_: str, now_s: float, missing: str = "Folder not found"
) -> sqlite3.Row:
    """A folder of this account that was not removed; 404 or 403 else."""
    row = find(db, uuid_)
    if row is None or row["removed"] or row["visible_at"] > now_s:
        raise Refused(404, missing)
    if row["account"] != account["id"]:
        raise Refused(403, "Folder is not yours")
    return row


def named(db: sqlite3.Connection, parent: str, plain_name: str) -> sqlite3.Row | None:
    """The folder of this name that exists in a folder."""
    return db.execute(  # type: ignore[no-any-return]
        "SELECT * FROM folders WHERE parent_uuid = ? AND plain_name = ? AND deleted = 0 AND removed = 0",
        (parent, plain_name),
    ).fetchone()


def make(
    db: sqlite3.Connection,
    account: sqlite3.Row,
    parent: sqlite3.Row,
    new: NewFolder,
    now: str,
    visible_at: float,
) -> sqlite3.Row:
    """Make one; 409 if the name is taken."""
    if named(db, parent["uuid"], new.plain_name) is not None:
        raise Refused(409, NAME_TAKEN)
    uuid_ = str(uuid.uuid4())
    db.execute(
        "INSERT INTO folders (uuid, account, parent_id, parent_uuid, plain_name, sort_key, creation_time,"
        " modification_time, created_at, updated_at, visible_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            uuid_,
            account["id"],
            parent["id"],
            parent["uuid"],
            new.plain_name,
            sort_key(new.plain_name),
            new.creation_time or now,
            new.modification_time or now,
            now,
            now,
            visible_at,
        ),
    )
    return again(db, uuid_)


def again(db: sqlite3.Connection, uuid_: str) -> sqlite3.Row:
    """A folder that is known to be there."""
    row = find(db, uuid_)
    assert row is not None  # noqa: S101
    return row


def listed(db: sqlite3.Connection, parent: str, page: Page, now_s: float) -> list[sqlite3.Row]:
    """The folders that exist in a folder."""
    return db.execute(
        "SELECT * FROM folders WHERE parent_uuid = ? AND deleted = 0 AND removed = 0 AND visible_at <= ?"
        + page.clause,
        (parent, now_s),
    ).fetchall()


def changed(db: sqlite3.Connection, uuid_: str, now: str, **values: object) -> sqlite3.Row:
    """Set columns; whatever changes a folder changes its `updated_at`."""
    names = ", ".join(f"{name} = :{name}" for name in values)
    db.execute(
        f"UPDATE folders SET {names}, updated_at = :now WHERE uuid = :uuid",
        values | {"now": now, "uuid": uuid_},
    )
    return again(db, uuid_)


BELOW = """WITH RECURSIVE below(uuid) AS (
  VALUES (?) UNION SELECT folders.uuid FROM folders JOIN below ON folders.parent_uuid = below.uuid)"""
"""A folder and all below it. UNION ends even where somebody moved a folder into itself."""


def ancestors(db: sqlite3.Connection, folder: sqlite3.Row) -> list[sqlite3.Row]:
    """A folder, its parent and so on up to the root."""
    chain, seen = [folder], {folder["uuid"]}
    while chain[-1]["parent_uuid"] is not None:
        parent = find(db, chain[-1]["parent_uuid"])
        if parent is None or parent["uuid"] in seen:
            break
        seen.add(parent["uuid"])
        chain.append(parent)
    return chain


def size_below(db: sqlite3.Connection, uuid_: str) -> tuple[int, int]:
    """How many files exist in a folder and below, and their bytes."""
    row = db.execute(
        BELOW
        + " SELECT count(*), coalesce(sum(size), 0) FROM files JOIN below ON files.folder_uuid = below.uuid"
        " WHERE status = 'EXISTS'",
        (uuid_,),
    ).fetchone()
    return int(row[0]), int(row[1])
