"""What the real servers do in background jobs: removing objects that were let go, emptying old trash."""

from __future__ import annotations

from skycap.internxt.emulator.checking import time_text
from skycap.internxt.emulator.services import Services
from skycap.internxt.emulator.settings import DAY_S
from skycap.internxt.emulator.store import removal


def purge(services: Services) -> None:
    """Remove what is due."""
    with services.database.transaction() as db:
        gone = removal.purge_due(db, services.objects, services.settings.now())
    services.objects.unlink(gone)


def keep_house(services: Services) -> None:
    """Remove what is due, and what lay in the trash for longer than the tier keeps it."""
    settings = services.settings
    if settings.tier.trash_days is not None:
        before, now = trashed_before(services), services.now_text()
        due = settings.now() + settings.purge_delay_ms / 1000
        with services.database.transaction() as db:
            rows = db.execute(
                "SELECT * FROM files WHERE status = 'TRASHED' AND deleted_at < ?", (before,)
            ).fetchall()
            removal.remove_files(db, rows, now, due)
            query = "SELECT uuid FROM folders WHERE deleted = 1 AND removed = 0 AND deleted_at < ?"
            for row in db.execute(query, (before,)).fetchall():
                removal.remove_folder(db, row["uuid"], now, due)
    purge(services)


def trashed_before(services: Services) -> str:
    """What was trashed before this time is no longer shown; 1970 if the tier keeps the trash for good."""
    days = services.settings.tier.trash_days
    return time_text(0 if days is None else services.settings.now() - days * DAY_S)
