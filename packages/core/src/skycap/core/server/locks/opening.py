"""The store of locks by its URL."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from skycap.core.crypto.secret import Secret
from skycap.core.errors import UsageError
from skycap.core.server.locks.store import LockStore
from skycap.core.state import state_folder


def open_lock_store(url: str | Secret[str] | None = None) -> LockStore:
    """The store that a URL names; `UsageError` for one that names none, else the errors of its database.

    None: SQLite in the state folder. `sqlite:///relative/path` and `sqlite:////absolute/path`: a file.
    `postgresql://user:password@host:port/database`: PostgreSQL, with the parameters of libpq.
    """
    text = url.reveal() if isinstance(url, Secret) else url
    if text is None:
        return _sqlite(os.path.join(state_folder(), "locks.db"))
    scheme = text.partition(":")[0].lower()
    if scheme == "sqlite":
        return _sqlite(_sqlite_path(text))
    if scheme in {"postgresql", "postgres"} and "://" in text:
        from skycap.core.server.locks.postgres import PostgresLockStore

        return PostgresLockStore(Secret(text))
    # The text is not shown: it may hold a password.
    raise UsageError(
        "this is no URL of a store of locks", hint="Give sqlite:///PATH or postgresql://USER@HOST/DATABASE."
    )


def _sqlite_path(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"), errors="surrogateescape")
    if parts.netloc or parts.query or parts.fragment or not path or "\0" in path:
        raise UsageError(
            "a SQLite URL names a file and nothing else",
            hint="sqlite:///locks.db is a relative path, sqlite:////var/lib/locks.db an absolute one.",
        )
    return path


def _sqlite(path: str) -> LockStore:
    from skycap.core.server.locks.sqlite import SQLiteLockStore

    return SQLiteLockStore(path)
