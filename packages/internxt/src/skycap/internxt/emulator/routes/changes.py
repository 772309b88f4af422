"""`/drive/files` and `/drive/folders` as lists: what there is, what changed, how much."""

from __future__ import annotations

import base64
import json
import sqlite3
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from skycap.internxt.emulator import shapes
from skycap.internxt.emulator.checking import Fields
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.routes.listings import FILE_SORTS, FOLDER_SORTS, page_of
from skycap.internxt.emulator.services import Here, Query, SignedIn, answer
from skycap.internxt.emulator.store import files

router = APIRouter()
STATUSES = ("ALL", "EXISTS", "TRASHED", "DELETED")
MOST = 1000
_FOLDER_STATUS = {
    "ALL": "",
    "EXISTS": " AND deleted = 0 AND removed = 0",
    "TRASHED": " AND deleted = 1 AND removed = 0",
    "DELETED": " AND removed = 1",
}


@router.get("/folders")
def all_folders(here: SignedIn, query: Query) -> Response:
    """Folders by status, of all levels; `updatedAt` leaves out what did not change since."""
    page = page_of(query, FOLDER_SORTS, needed=False, most=MOST)
    status, since = _filter(query)
    with here.services.database.reading() as db:
        rows = db.execute(
            "SELECT * FROM folders WHERE account = ? AND updated_at > ?"
            + _FOLDER_STATUS[status]
            + page.clause,
            (here.account["id"], since),
        ).fetchall()
    return answer([shapes.folder(row) for row in rows])


@router.get("/files")
def all_files(here: SignedIn, query: Query) -> Response:
    """The same of files, in one `bucket` if it is given."""
    page = page_of(query, FILE_SORTS, needed=False, most=MOST)
    status, since = _filter(query)
    values: list[object] = [here.account["id"], since]
    where = "account = ? AND updated_at > ?"
    for column, value in (("status", status if status != "ALL" else None), ("bucket", query.get("bucket"))):
        if value is not None:
            where += f" AND {column} = ?"
            values.append(value)
    with here.services.database.reading() as db:
        rows = db.execute(f"SELECT * FROM files WHERE {where}{page.clause}", values).fetchall()
        return answer(files.shown(db, rows))


@router.get("/files/sync")
def sync(here: SignedIn, query: Query) -> Response:
    """Files in the order of their changes, from a time or from where the last page ended."""
    fields = Fields(query)
    limit = fields.whole("limit", least=1, most=MOST, default=MOST)
    status = fields.choice("status", STATUSES, "ALL") or "ALL"
    since = (fields.date("updatedAt") or "", 0)
    fields.done()
    if query.get("cursor"):
        since = _from_cursor(query["cursor"], status)
    where, values = "", [here.account["id"], *since]
    if status != "ALL":
        where, values = " AND status = ?", [*values, status]
    with here.services.database.reading() as db:
        rows = db.execute(
            f"SELECT * FROM files WHERE account = ? AND (updated_at, id) > (?, ?){where}"
            " ORDER BY updated_at, id LIMIT ?",
            (*values, limit),
        ).fetchall()
        shown = files.shown(db, rows)
    return answer({"files": shown, "nextCursor": _cursor(rows[-1], status) if len(rows) == limit else None})


@router.get("/files/recents")
def recents(here: SignedIn, query: Query) -> Response:
    """The files that changed last."""
    fields = Fields(query)
    limit = fields.whole("limit", least=1, most=50)
    fields.done()
    with here.services.database.reading() as db:
        rows = db.execute(
            "SELECT * FROM files WHERE account = ? AND status = 'EXISTS'"
            " ORDER BY updated_at DESC, id DESC LIMIT ?",
            (here.account["id"], limit),
        ).fetchall()
        return answer(files.shown(db, rows))


@router.get("/files/count")
def count_files(here: SignedIn, query: Query) -> Response:
    """How many exist; or lie in the trash; or lie in folders that are gone."""
    where = {
        None: "status = 'EXISTS'",
        "trashed": "status = 'TRASHED'",
        "orphan": "status = 'EXISTS' AND folder_uuid IN (SELECT uuid FROM folders WHERE removed = 1)",
    }
    return answer({"count": _count(here, "files", where[_count_status(query)])})


@router.get("/folders/count")
def count_folders(here: SignedIn, query: Query) -> Response:
    """The same of folders; the root counts."""
    where = {
        None: "deleted = 0 AND removed = 0",
        "trashed": "deleted = 1 AND removed = 0",
        "orphan": "removed = 0 AND parent_uuid IN (SELECT uuid FROM folders WHERE removed = 1)",
    }
    return answer({"count": _count(here, "folders", where[_count_status(query)])})


@router.get("/files/limits")
def limits(here: SignedIn) -> Response:
    """What the tier allows."""
    tier = here.services.settings.tier
    versioning = {
        "enabled": tier.versioning,
        "maxFileSize": tier.version_max_size if tier.versioning else 0,
        "retentionDays": tier.version_retention_days if tier.versioning else 0,
        "maxVersions": tier.max_versions if tier.versioning else 0,
    }
    return answer({"versioning": versioning, "maxUploadFileSize": tier.max_upload, "photosAccess": True})


def _filter(query: dict[str, str]) -> tuple[str, str]:
    fields = Fields(query)
    status, since = fields.choice("status", STATUSES, "ALL") or "ALL", fields.date("updatedAt") or ""
    fields.done()
    return status, since


def _count_status(query: dict[str, str]) -> str | None:
    fields = Fields(query)
    status = fields.choice("status", ("orphan", "trashed"))
    fields.done()
    return status


def _count(here: Here, table: str, where: str) -> int:
    with here.services.database.reading() as db:
        row = db.execute(f"SELECT count(*) FROM {table} WHERE account = ? AND {where}", (here.account["id"],))
        return int(row.fetchone()[0])


def _cursor(row: sqlite3.Row, status: str) -> str:
    raw = json.dumps([row["updated_at"], row["id"], status]).encode()
    return base64.urlsafe_b64encode(raw).decode()


def _from_cursor(text: str, status: str) -> tuple[str, int]:
    try:
        found: Any = json.loads(base64.urlsafe_b64decode(text))
        updated_at, number, of_status = found
    except (ValueError, TypeError) as error:
        raise Refused(400, "Invalid cursor") from error
    if not isinstance(updated_at, str) or not isinstance(number, int):
        raise Refused(400, "Invalid cursor")
    if of_status != status:
        raise Refused(400, "Cursor does not match status filter")
    return updated_at, number
