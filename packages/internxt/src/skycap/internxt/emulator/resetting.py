"""Back to the first start: the accounts stay, what is in them goes."""

from __future__ import annotations

import dataclasses

from skycap.internxt.emulator import accounts
from skycap.internxt.emulator.services import Services

_EMPTIED = (
    *("tokens", "files", "versions", "thumbnails", "sharings", "uploads", "entries", "purges", "objects"),
    "segments",
)


def reset(services: Services) -> None:
    """Empty everything, disarm what was armed since, and take back all changes of settings."""
    with services.database.transaction() as db:
        names = [row[0] for row in db.execute("SELECT name FROM segments")]
        for table in _EMPTIED:
            db.execute(f"DELETE FROM {table}")
        db.execute("DELETE FROM folders WHERE parent_uuid IS NOT NULL")
        db.execute("DELETE FROM buckets WHERE id NOT IN (SELECT bucket FROM accounts)")
        db.execute("INSERT OR IGNORE INTO buckets SELECT bucket, id, email, created_at FROM accounts")
        db.execute("UPDATE accounts SET failures = 0")
    services.objects.unlink(names)
    first = services.beginning
    for field in dataclasses.fields(first.settings):
        setattr(services.settings, field.name, getattr(first.settings, field.name))
    for login in first.logins:
        accounts.ensure(services.database, login, services.settings.now())
    services.faults.remove()
    for fault in first.faults:
        services.faults.add(fault)
    services.log.clear()
    services.starts.clear()
