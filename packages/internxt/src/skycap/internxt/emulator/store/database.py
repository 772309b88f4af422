"""The SQLite file: its tables, and one transaction at a time."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS accounts (
  id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, uuid TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL,
  password_hash TEXT NOT NULL, salt TEXT NOT NULL, mnemonic TEXT NOT NULL, totp TEXT,
  public_key TEXT NOT NULL, private_key TEXT NOT NULL, bucket TEXT NOT NULL UNIQUE,
  root_uuid TEXT NOT NULL, root_id INTEGER NOT NULL,
  created_at TEXT NOT NULL, password_changed REAL NOT NULL, failures INTEGER NOT NULL DEFAULT 0);

CREATE TABLE IF NOT EXISTS tokens (
  jti TEXT PRIMARY KEY, account INTEGER NOT NULL, refused INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS folders (
  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, account INTEGER NOT NULL,
  parent_id INTEGER, parent_uuid TEXT, plain_name TEXT NOT NULL, sort_key TEXT NOT NULL, bucket TEXT,
  creation_time TEXT NOT NULL, modification_time TEXT NOT NULL, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, deleted_at TEXT,
  removed INTEGER NOT NULL DEFAULT 0, removed_at TEXT, visible_at REAL NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS folder_names ON folders (parent_uuid, plain_name)
  WHERE deleted = 0 AND removed = 0;
CREATE INDEX IF NOT EXISTS folder_order ON folders (parent_uuid, sort_key);
CREATE INDEX IF NOT EXISTS folder_changes ON folders (account, updated_at);

CREATE TABLE IF NOT EXISTS files (
  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, account INTEGER NOT NULL,
  file_id TEXT, plain_name TEXT NOT NULL, type TEXT, sort_key TEXT NOT NULL, size INTEGER NOT NULL,
  bucket TEXT NOT NULL, folder_id INTEGER NOT NULL, folder_uuid TEXT NOT NULL,
  creation_time TEXT NOT NULL, modification_time TEXT NOT NULL, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'EXISTS', deleted_at TEXT, removed_at TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS file_names ON files (folder_uuid, plain_name, trim(coalesce(type, '')))
  WHERE status = 'EXISTS';
CREATE INDEX IF NOT EXISTS file_order ON files (folder_uuid, sort_key);
CREATE INDEX IF NOT EXISTS file_objects ON files (file_id);
CREATE INDEX IF NOT EXISTS file_changes ON files (account, updated_at);

CREATE TABLE IF NOT EXISTS versions (
  id TEXT PRIMARY KEY, file TEXT NOT NULL, file_id TEXT NOT NULL, size INTEGER NOT NULL,
  modification_time TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  expires_at TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS version_files ON versions (file);
CREATE INDEX IF NOT EXISTS version_objects ON versions (file_id);

CREATE TABLE IF NOT EXISTS thumbnails (
  id INTEGER PRIMARY KEY AUTOINCREMENT, file TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,
  bucket TEXT NOT NULL, file_id TEXT NOT NULL, max_width INTEGER NOT NULL, max_height INTEGER NOT NULL,
  created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS thumbnail_files ON thumbnails (file);
CREATE INDEX IF NOT EXISTS thumbnail_objects ON thumbnails (file_id);

CREATE TABLE IF NOT EXISTS sharings (
  id TEXT PRIMARY KEY, account INTEGER NOT NULL, item TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  encryption_key TEXT NOT NULL, algorithm TEXT NOT NULL, encrypted_code TEXT NOT NULL,
  encrypted_password TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS buckets (
  id TEXT PRIMARY KEY, account INTEGER NOT NULL, name TEXT NOT NULL, created TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
  uuid TEXT PRIMARY KEY, bucket TEXT NOT NULL, size INTEGER NOT NULL, upload_id TEXT, parts INTEGER NOT NULL,
  created TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
  id TEXT PRIMARY KEY, bucket TEXT NOT NULL, "index" TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,
  version INTEGER NOT NULL, hash TEXT NOT NULL, object TEXT NOT NULL, hmac TEXT, created TEXT NOT NULL
  ) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_buckets ON entries (bucket);
CREATE TABLE IF NOT EXISTS purges (entry TEXT PRIMARY KEY, due REAL NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segments (
  key TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,
  etag TEXT NOT NULL, PRIMARY KEY (key, number)) WITHOUT ROWID;
"""


class Database:
    """One connection behind one lock: what a request reads and writes is one step for all others."""

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        os.close(handle)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        # A killed process loses nothing that was committed; only a power cut could.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: an exception undoes what was written in it."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """For what only reads; cheaper, as nothing is committed."""
        with self._lock:
            yield self._connection

    def kept(self, key: str, make: Callable[[], str]) -> str:
        """A value that is made once and kept for good."""
        with self.transaction() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            if row is None:
                row = (make(),)
                db.execute("INSERT INTO meta VALUES (?, ?)", (key, row[0]))
            return str(row[0])

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._connection.close()
