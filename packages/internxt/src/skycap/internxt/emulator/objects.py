"""The object storage: every object is one file, or one a part, in the data folder; SQLite knows which."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from skycap.internxt.emulator.store.database import Database

PART_AT_LEAST = 5 << 20
"""Bytes of every part but the last, as S3-like stores want it."""


class IncompleteParts(Exception):
    """The parts that were named cannot be made one object; the message says why."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a file that is a stretch of an object."""

    path: Path
    start: int
    length: int


class Objects:
    """Files and their rows. A body becomes visible when its row is there, whole, or never."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()

    def incoming(self) -> Path:
        """Where a body is to be written before `keep`."""
        name = secrets.token_hex(16)
        folder = self._folder / name[:2]
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / name

    def keep(self, key: str, part: int, path: Path, size: int) -> str:
        """Let a written file be an object (`part` 0) or a part of one. The ETag, without quotes."""
        etag = secrets.token_hex(16)
        with self._database.transaction() as db:
            gone = self._names(db, "SELECT name FROM segments WHERE key = ? AND number = ?", key, part)
            db.execute(
                "INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?)", (key, part, path.name, size, etag)
            )
            if part == 0:
                db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?)", (key, size))
        self._unlink(gone)
        return etag

    def join(self, db: sqlite3.Connection, key: str, parts: list[tuple[int, str]]) -> int:
        """Make an object of parts, given as number and ETag in order. Its size in bytes.

        The caller calls `drop_unused` when its transaction is through.
        """
        rows = {
            row["number"]: row
            for row in db.execute(
                "SELECT number, size, etag FROM segments WHERE key = ? AND number > 0", (key,)
            )
        }
        if not parts or [number for number, _ in parts] != sorted({number for number, _ in parts}):
            raise IncompleteParts("The list of parts was not in ascending order.")
        for number, etag in parts:
            if number not in rows or rows[number]["etag"] != etag.strip('"'):
                raise IncompleteParts("One or more of the specified parts could not be found.")
            if number != parts[-1][0] and rows[number]["size"] < PART_AT_LEAST:
                raise IncompleteParts("Your proposed upload is smaller than the minimum allowed object size.")
        used = {number for number, _ in parts}
        db.executemany(
            "DELETE FROM segments WHERE key = ? AND number = ?",
            [(key, number) for number in rows if number not in used],
        )
        size = sum(rows[number]["size"] for number in used)
        db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?)", (key, size))
        return int(size)

    def size(self, db: sqlite3.Connection, key: str) -> int | None:
        """The bytes of an object; None if there is none."""
        row = db.execute("SELECT size FROM objects WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def pieces(self, key: str, start: int, length: int) -> list[Piece]:
        """Where `length` bytes of an object from `start` lie."""
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT name, size FROM segments WHERE key = ? ORDER BY number", (key,)
            ).fetchall()
        found, at = [], 0
        for name, size in rows:
            first, last = max(start, at), min(start + length, at + size)
            if first < last:
                found.append(Piece(self._folder / name[:2] / name, first - at, last - first))
            at += size
        return found

    def drop(self, db: sqlite3.Connection, key: str) -> list[str]:
        """Forget an object; the files to hand to `unlink` when the transaction is through."""
        names = self._names(db, "SELECT name FROM segments WHERE key = ?", key)
        db.execute("DELETE FROM segments WHERE key = ?", (key,))
        db.execute("DELETE FROM objects WHERE key = ?", (key,))
        return names

    def unlink(self, names: list[str]) -> None:
        """Remove files that no row names any more."""
        self._unlink(names)

    def _names(self, db: sqlite3.Connection, query: str, *values: object) -> list[str]:
        return [str(row[0]) for row in db.execute(query, values)]

    def _unlink(self, names: list[str]) -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._folder / name[:2] / name)

    def _sweep(self) -> None:
        """Remove what a killed process left half written."""
        with self._database.reading() as db:
            known = {row[0] for row in db.execute("SELECT name FROM segments")}
        for path in self._folder.glob("??/*"):
            if path.name not in known:
                path.unlink()
