"""`/drive/folders/content`: what lies in a folder, by pages, and which of some names are there."""

from __future__ import annotations

import sqlite3

from fastapi import APIRouter
from fastapi.responses import Response

from skycap.internxt.emulator import shapes
from skycap.internxt.emulator.checking import Fields, path_uuid
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.services import Body, Query, SignedIn, answer
from skycap.internxt.emulator.store import files, folders
from skycap.internxt.emulator.store.folders import Page

router = APIRouter(prefix="/folders/content")
MOST_A_PAGE = 50
MOST_NAMES = 200


def page_of(
    query: dict[str, str], sorts: tuple[str, ...], *, needed: bool = True, most: int = MOST_A_PAGE
) -> Page:
    """The page that a query asks for; 400 for what the real server refuses."""
    fields = Fields(query)
    default = None if needed else most
    limit = fields.whole("limit", least=1, most=most, default=default)
    offset = fields.whole("offset", default=None if needed else 0)
    sort, order = fields.choice("sort", sorts), fields.choice("order", ("ASC", "DESC"), "ASC")
    fields.done()
    return Page(limit, offset, sort, order or "ASC")


FOLDER_SORTS = ("plainName", "updatedAt", "id", "uuid")
FILE_SORTS = (*FOLDER_SORTS, "size")


@router.get("/{uuid}/folders")
def folders_in(here: SignedIn, uuid: str, query: Query) -> Response:
    """A page of folders."""
    page, now = page_of(query, FOLDER_SORTS), here.services.settings.now()
    with here.services.database.reading() as db:
        folder = folders.owned(db, here.account, path_uuid(uuid), now)
        rows = folders.listed(db, folder["uuid"], page, now)
    return answer({"folders": [shapes.folder(row) for row in rows]})


@router.get("/{uuid}/files")
def files_in(here: SignedIn, uuid: str, query: Query) -> Response:
    """A page of files."""
    page = page_of(query, FILE_SORTS)
    with here.services.database.reading() as db:
        folder = folders.owned(db, here.account, path_uuid(uuid), here.services.settings.now())
        return answer({"files": files.shown(db, files.listed(db, folder["uuid"], page))})


@router.get("/{uuid}")
def content(here: SignedIn, uuid: str, query: Query) -> Response:
    """A folder with a page of its folders and one of its files."""
    page, now = page_of(query, FOLDER_SORTS, needed=False), here.services.settings.now()
    with here.services.database.reading() as db:
        folder = folders.owned(db, here.account, path_uuid(uuid), now)
        children = [shapes.folder(row) for row in folders.listed(db, folder["uuid"], page, now)]
        found = files.shown(db, files.listed(db, folder["uuid"], page))
    return answer(shapes.folder(folder) | {"children": children, "files": found})


@router.post("/{uuid}/folders/existence")
def which_folders(here: SignedIn, uuid: str, body: Body) -> Response:
    """Which of some names folders have."""
    fields = Fields(body)
    names = fields.items("plainNames", most=MOST_NAMES)
    if not all(isinstance(name, str) for name in names):
        fields.wrong("each value in plainNames must be a string")
    fields.done()
    now = here.services.settings.now()
    with here.services.database.reading() as db:
        _good_parent(here, db, uuid)
        rows = [
            row for name in dict.fromkeys(names) if (row := folders.named(db, uuid.lower(), name)) is not None
        ]
    return answer({"existentFolders": [shapes.folder(row) for row in rows if row["visible_at"] <= now]}, 201)


@router.post("/{uuid}/files/existence")
def which_files(here: SignedIn, uuid: str, body: Body) -> Response:
    """Which of some names files have; without a type, files of any type."""
    fields = Fields(body)
    wanted = [item if isinstance(item, dict) else {} for item in fields.items("files", most=MOST_NAMES)]
    each = [Fields(item) for item in wanted]
    pairs = [(one.text("plainName") or "", one.text("type", optional=True)) for one in each]
    fields.done()
    for one in each:
        one.done()
    with here.services.database.reading() as db:
        _good_parent(here, db, uuid)
        found: dict[str, sqlite3.Row] = {}
        for name, type_ in pairs:
            if type_:
                row = files.named(db, uuid.lower(), name, type_)
                rows = [] if row is None else [row]
            else:
                rows = db.execute(
                    "SELECT * FROM files WHERE folder_uuid = ? AND plain_name = ? AND status = 'EXISTS'",
                    (uuid.lower(), name),
                ).fetchall()
            found |= {row["uuid"]: row for row in rows}
        return answer({"existentFiles": files.shown(db, list(found.values()))}, 201)


def _good_parent(here: SignedIn, db: sqlite3.Connection, uuid: str) -> None:
    try:
        folders.owned(db, here.account, path_uuid(uuid), here.services.settings.now())
    except Refused as error:
        if error.status == 404:
            raise Refused(400, "Parent folder not valid") from error
        raise
