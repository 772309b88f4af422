"""From a path to an item: exact names, and only through folders that exist."""

from __future__ import annotations

import sqlite3

from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.store import files, folders
from skycap.internxt.emulator.store.naming import split

LONGEST = 1024
"""Characters of a path."""


def steps(path: str) -> list[str]:
    """The names in a path; 400 for one that cannot be."""
    if "/" not in path:
        raise Refused(400, "Invalid path provided")
    if len(path) > LONGEST:
        raise Refused(400, "Path is too deep")
    return [step for step in path.split("/") if step]


def folder_at(
    db: sqlite3.Connection, account: sqlite3.Row, names: list[str], now_s: float
) -> sqlite3.Row | None:
    """The folder that some names lead to from the root; None if they lead nowhere."""
    row: sqlite3.Row | None = folders.again(db, account["root_uuid"])
    for name in names:
        if row is None or row["visible_at"] > now_s:
            return None
        row = folders.named(db, row["uuid"], name)
    return None if row is None or row["visible_at"] > now_s else row


def file_at(db: sqlite3.Connection, account: sqlite3.Row, names: list[str], now_s: float) -> sqlite3.Row:
    """The file at the end of some names; 404 if it or its folder is not there."""
    parent = folder_at(db, account, names[:-1], now_s)
    if parent is None:
        raise Refused(404, "Parent folders not found")
    row = files.named(db, parent["uuid"], *split(names[-1])) if names else None
    if row is None:
        raise Refused(404, "File not found")
    return row
