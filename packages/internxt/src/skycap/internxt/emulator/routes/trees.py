"""`/drive/folders/{uuid}`: what lies below, and above."""

from __future__ import annotations

import sqlite3
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from skycap.internxt.emulator import shapes
from skycap.internxt.emulator.checking import path_uuid
from skycap.internxt.emulator.services import Here, SignedIn, answer
from skycap.internxt.emulator.store import files, folders

router = APIRouter(prefix="/folders")


@router.get("/{uuid}/tree")
def tree(here: SignedIn, uuid: str) -> Response:
    """A folder with all that exists below it, as `children` and `files`."""
    with here.services.database.reading() as db:
        return answer({"tree": _tree(db, _folder(here, db, uuid), set())})


@router.get("/{uuid}/ancestors")
def ancestors(here: SignedIn, uuid: str) -> Response:
    """The folder, its parent and so on up to the root."""
    with here.services.database.reading() as db:
        rows = folders.ancestors(db, _folder(here, db, uuid))
    return answer([shapes.folder(row) for row in rows])


@router.get("/{uuid}/stats")
def stats(here: SignedIn, uuid: str) -> Response:
    """How many files exist below, and their bytes."""
    with here.services.database.reading() as db:
        count, size = folders.size_below(db, _folder(here, db, uuid)["uuid"])
    return answer({"fileCount": count, "isFileCountExact": True, "totalSize": size, "isTotalSizeExact": True})


@router.get("/{uuid}/size")
def size(here: SignedIn, uuid: str) -> Response:
    """The bytes of the files that exist below."""
    with here.services.database.reading() as db:
        return answer({"size": folders.size_below(db, _folder(here, db, uuid)["uuid"])[1]})


def _folder(here: Here, db: sqlite3.Connection, uuid: str) -> sqlite3.Row:
    return folders.owned(db, here.account, path_uuid(uuid), here.services.settings.now())


def _tree(db: sqlite3.Connection, row: sqlite3.Row, above: set[str]) -> dict[str, Any]:
    uuid = row["uuid"]
    query = "SELECT * FROM folders WHERE parent_uuid = ? AND deleted = 0 AND removed = 0 ORDER BY id"
    # A folder that was moved into itself is shown once.
    below = [one for one in db.execute(query, (uuid,)).fetchall() if one["uuid"] not in above]
    found = db.execute("SELECT * FROM files WHERE folder_uuid = ? AND status = 'EXISTS' ORDER BY id", (uuid,))
    shown = {"files": files.shown(db, found.fetchall())}
    return shapes.folder(row) | shown | {"children": [_tree(db, one, above | {uuid}) for one in below]}
