"""A target that takes names in capitals and in small letters for one: what a plan must not do there.

`README` at the target is `Readme` of the source, just written: it must stay. And two names of the source
that differ only so would be one file, the second in place of the first.

What was seen is held in a database on disk that nobody else sees, so that a million names cost no memory.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from skycap.core.paths import to_bytes
from skycap.core.storage.entry import Entry, Kind
from skycap.core.transfer.plan import Action, ActionType

_ROWS = 1000
_SCHEMA = """
CREATE TABLE ours (name BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE theirs (number INTEGER PRIMARY KEY, name BLOB, path BLOB, kind TEXT, size INTEGER);
"""
_LEFT = "SELECT path, kind, size FROM theirs WHERE name NOT IN (SELECT name FROM ours) ORDER BY number"
_REASON = "another name at the source differs from it only in capital letters, and would be the same file"


def folded(actions: Iterator[Action]) -> Iterator[Action]:
    """The plan for such a target: removals come last, and none of what the source has in other letters.

    Of two names of the source that are one at the target the second becomes `REFUSE`.
    """
    # An empty name is a database of one's own that goes to a file when it grows.
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as seen:
        seen.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA} BEGIN;")
        for action in actions:
            if action.source is not None:
                row = (_key(action.path),)
                is_new = seen.execute("INSERT OR IGNORE INTO ours VALUES (?)", row).rowcount
                if is_new or action.type is ActionType.SKIP:
                    yield action
                else:
                    yield action._replace(type=ActionType.REFUSE, reason=_REASON)
            elif action.target is not None:
                entry = action.target
                told = (_key(action.path), to_bytes(action.path), entry.kind.value, entry.size)
                seen.execute("INSERT INTO theirs (name, path, kind, size) VALUES (?, ?, ?, ?)", told)
        left = seen.execute(_LEFT)
        while rows := left.fetchmany(_ROWS):
            for raw, kind, size in rows:
                path = raw.decode("utf-8", "surrogateescape")
                yield Action(
                    ActionType.REMOVE, path, None, Entry(path, Kind(kind), size), "only at the target"
                )


def _key(path: str) -> bytes:
    return hashlib.blake2b(to_bytes(path.casefold()), digest_size=16).digest()
