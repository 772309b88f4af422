"""The Network API's rows: uploads that were started, and the bucket entries that came of them."""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from typing import Any

from skycap.internxt.emulator.errors import NetworkRefused


def used(db: sqlite3.Connection, account: int) -> int:
    """Bytes of all entries in an account's buckets, orphans too."""
    row = db.execute(
        "SELECT coalesce(sum(entries.size), 0) FROM entries JOIN buckets ON buckets.id = entries.bucket"
        " WHERE buckets.account = ?",
        (account,),
    ).fetchone()
    return int(row[0])


def owned_bucket(db: sqlite3.Connection, account: sqlite3.Row, bucket: str) -> sqlite3.Row:
    """A bucket of this account; 404 or 403 else."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM buckets WHERE id = ?", (bucket.lower(),)).fetchone()
    if row is None:
        raise NetworkRefused(404, f"Bucket {bucket} not found")
    if row["account"] != account["id"]:
        raise NetworkRefused(403, "Unauthorized")
    return row


def begin(db: sqlite3.Connection, bucket: str, size: int, parts: int, now: str) -> sqlite3.Row:
    """Note an upload; `parts` over 1 make it one in parts."""
    uuid_ = str(uuid.uuid4())
    upload_id = os.urandom(24).hex() if parts > 1 else None
    db.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?)", (uuid_, bucket, size, upload_id, parts, now))
    return db.execute("SELECT * FROM uploads WHERE uuid = ?", (uuid_,)).fetchone()  # type: ignore[no-any-return]


def make_entry(
    db: sqlite3.Connection, upload: sqlite3.Row, index: str, hash_: str, hmac: dict[str, Any] | None, now: str
) -> sqlite3.Row:
    """Let a finished upload be an entry of its bucket."""
    entry = os.urandom(12).hex()
    db.execute("DELETE FROM uploads WHERE uuid = ?", (upload["uuid"],))
    db.execute(
        "INSERT INTO entries VALUES (?, ?, ?, ?, ?, 2, ?, ?, ?, ?)",
        (
            entry,
            upload["bucket"],
            index.lower(),
            str(uuid.uuid4()),
            upload["size"],
            hash_,
            upload["uuid"],
            json.dumps(hmac) if hmac else None,
            now,
        ),
    )
    return db.execute("SELECT * FROM entries WHERE id = ?", (entry,)).fetchone()  # type: ignore[no-any-return]


def entry(db: sqlite3.Connection, bucket: str, entry_id: str) -> sqlite3.Row:
    """One entry; 404 if it is not there."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM entries WHERE id = ? AND bucket = ?", (entry_id.lower(), bucket.lower())
    ).fetchone()
    if row is None:
        raise NetworkRefused(404, f"Bucket entry {entry_id} not found")
    return row
