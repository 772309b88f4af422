"""Removing for good: rows are marked at once, what they held on the network goes when its time has come."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from skycap.internxt.emulator.objects import Objects
from skycap.internxt.emulator.store.folders import BELOW

IN_USE = """(SELECT file_id FROM files WHERE status <> 'DELETED' AND file_id IS NOT NULL
  UNION SELECT file_id FROM versions UNION SELECT file_id FROM thumbnails)"""
"""Ids of bucket entries that something of the Drive API still stands on."""


def remove_files(db: sqlite3.Connection, rows: Iterable[sqlite3.Row], now: str, due_s: float) -> None:
    """Mark files as deleted; their shares, versions and thumbnails go too."""
    for row in rows:
        uuid_ = row["uuid"]
        db.execute(
            "UPDATE files SET status = 'DELETED', removed_at = ?, updated_at = ? WHERE uuid = ?",
            (now, now, uuid_),
        )
        held = [row["file_id"]] if row["file_id"] else []
        for table in ("versions", "thumbnails"):
            held += [
                found[0] for found in db.execute(f"SELECT file_id FROM {table} WHERE file = ?", (uuid_,))
            ]
            db.execute(f"DELETE FROM {table} WHERE file = ?", (uuid_,))
        db.execute("DELETE FROM sharings WHERE item = ?", (uuid_,))
        for entry in held:
            let_go(db, entry, due_s)


def remove_folder(db: sqlite3.Connection, uuid_: str, now: str, due_s: float) -> None:
    """Mark a folder and all below it as removed."""
    files = db.execute(
        BELOW
        + " SELECT files.* FROM files JOIN below ON files.folder_uuid = below.uuid WHERE status <> 'DELETED'",
        (uuid_,),
    ).fetchall()
    remove_files(db, files, now, due_s)
    folders = [row[0] for row in db.execute(BELOW + " SELECT uuid FROM below", (uuid_,))]
    db.executemany(
        "UPDATE folders SET removed = 1, removed_at = ?, updated_at = ? WHERE uuid = ? AND removed = 0",
        [(now, now, one) for one in folders],
    )
    db.executemany("DELETE FROM sharings WHERE item = ?", [(one,) for one in folders])


def let_go(db: sqlite3.Connection, entry: str, due_s: float) -> None:
    """Have an object removed from the network at a time."""
    db.execute("INSERT OR IGNORE INTO purges VALUES (?, ?)", (entry, due_s))


def drop_entry(db: sqlite3.Connection, objects: Objects, entry: str) -> list[str]:
    """Remove a bucket entry and its object now; the files for `Objects.unlink`."""
    row = db.execute("SELECT object FROM entries WHERE id = ?", (entry,)).fetchone()
    if row is None:
        return []
    db.execute("DELETE FROM entries WHERE id = ?", (entry,))
    return objects.drop(db, row["object"])


def purge_due(db: sqlite3.Connection, objects: Objects, now_s: float) -> list[str]:
    """Remove what is due; the files for `Objects.unlink`."""
    due = [row[0] for row in db.execute("SELECT entry FROM purges WHERE due <= ?", (now_s,))]
    files = [name for entry in due for name in drop_entry(db, objects, entry)]
    db.executemany("DELETE FROM purges WHERE entry = ?", [(entry,) for entry in due])
    return files
