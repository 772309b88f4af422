"""Public sharings, and what a visitor's code opens."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import dataclass

from skycap.internxt.emulator import ciphers
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.store import files, folders


@dataclass(frozen=True)
class NewSharing:
    """What an owner says of a sharing to be made."""

    item: str
    kind: str
    encryption_key: str
    algorithm: str
    encrypted_code: str
    encrypted_password: str | None


def find(db: sqlite3.Connection, number: str) -> sqlite3.Row:
    """The sharing with this id; 404 if there is none."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM sharings WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise Refused(404, "Sharing not found")
    return row


def of_item(db: sqlite3.Connection, item: str) -> sqlite3.Row | None:
    """The sharing of an item."""
    return db.execute("SELECT * FROM sharings WHERE item = ?", (item,)).fetchone()  # type: ignore[no-any-return]


def owned_item(
    db: sqlite3.Connection, account: sqlite3.Row, kind: str, uuid_: str, now_s: float
) -> sqlite3.Row:
    """The file or folder to be shared; 404 or 403 else."""
    if kind == "folder":
        return folders.owned(db, account, uuid_, now_s)
    row = files.owned(db, account, uuid_)
    if row["status"] == "DELETED":
        raise Refused(404, "File not found")
    return row


def make(db: sqlite3.Connection, account: sqlite3.Row, new: NewSharing, now: str) -> sqlite3.Row:
    """Make one; if the item is shared already, the sharing that there is, unchanged."""
    there = of_item(db, new.item)
    if there is not None:
        return there
    values = (
        new.item,
        new.kind,
        new.encryption_key,
        new.algorithm,
        new.encrypted_code,
        new.encrypted_password,
    )
    number = str(uuid.uuid4())
    db.execute(
        "INSERT INTO sharings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (number, account["id"], *values, now, now),
    )
    return find(db, number)


def bucket_key(sharing: sqlite3.Row, code: str) -> bytes:
    """The 32 bytes that open the objects of the bucket; 403 if the code is not the sharing's."""
    try:
        return bytes.fromhex(ciphers.unseal(sharing["encryption_key"], code))
    except ValueError as error:
        raise Refused(403, "Forbidden") from error


def check_password(sharing: sqlite3.Row, code: str, password: str | None) -> None:
    """403 if the sharing has a password and this is not it."""
    if sharing["encrypted_password"] is None:
        return
    if not password:
        raise Refused(403, "Password Needed for protected sharings")
    try:
        right = ciphers.unseal(sharing["encrypted_password"], code) == password
    except ciphers.Unreadable:
        right = False
    if not right:
        raise Refused(403, "Invalid password for protected sharing")


def file_key(db: sqlite3.Connection, key: bytes, file: sqlite3.Row) -> str | None:
    """A file's own key in hexadecimal; None for one without an object."""
    row = db.execute('SELECT "index" FROM entries WHERE id = ?', (file["file_id"],)).fetchone()
    return None if row is None else ciphers.file_key(key, bytes.fromhex(row[0])).hex()


def is_below(db: sqlite3.Connection, top: str, uuid_: str) -> bool:
    """Whether a folder is another, or lies below it."""
    row = db.execute(folders.BELOW + " SELECT 1 FROM below WHERE uuid = ?", (top, uuid_)).fetchone()
    return row is not None
