"""`/drive/folders/meta?path=` and `/drive/files/meta?path=`: look-ups by path."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from skycap.internxt.emulator import shapes
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.services import Query, SignedIn, answer
from skycap.internxt.emulator.store import files, paths

router = APIRouter()


@router.get("/folders/meta")
def folder_by_path(here: SignedIn, query: Query) -> Response:
    """A folder, as the row of its table; the root for `/`."""
    names = paths.steps(query.get("path", ""))
    with here.services.database.reading() as db:
        row = paths.folder_at(db, here.account, names, here.services.settings.now())
    if row is None:
        raise Refused(404, "Folder not found")
    return answer(shapes.folder_row(row))


@router.get("/files/meta")
def file_by_path(here: SignedIn, query: Query) -> Response:
    """A file, its whole name split at the last dot."""
    names = paths.steps(query.get("path", ""))
    with here.services.database.reading() as db:
        row = paths.file_at(db, here.account, names, here.services.settings.now())
        return answer(files.one(db, row))
