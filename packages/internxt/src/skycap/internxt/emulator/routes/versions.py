"""`/drive/files/{uuid}/versions`: former contents, and thumbnails beside them."""

from __future__ import annotations

import sqlite3

from fastapi import APIRouter
from fastapi.responses import Response

from skycap.internxt.emulator import shapes
from skycap.internxt.emulator.checking import Fields, path_uuid
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.routes.files import keep_version
from skycap.internxt.emulator.routes.housekeeping import purge
from skycap.internxt.emulator.services import Body, SignedIn, answer, empty
from skycap.internxt.emulator.store import files, removal

router = APIRouter(prefix="/files")


@router.get("/{uuid}/versions")
def versions(here: SignedIn, uuid: str) -> Response:
    """Newest first."""
    with here.services.database.reading() as db:
        row = files.owned(db, here.account, path_uuid(uuid))
        rows = db.execute(
            "SELECT * FROM versions WHERE file = ? AND expires_at > ? ORDER BY created_at DESC",
            (row["uuid"], here.services.now_text()),
        ).fetchall()
    return answer([shapes.version(one) for one in rows])


@router.delete("/{uuid}/versions/{number}")
def delete(here: SignedIn, uuid: str, number: str) -> Response:
    """Let one go."""
    settings = here.services.settings
    with here.services.database.transaction() as db:
        version = _version(db, files.owned(db, here.account, path_uuid(uuid)), number)
        db.execute("DELETE FROM versions WHERE id = ?", (version["id"],))
        removal.let_go(db, version["file_id"], settings.now() + settings.purge_delay_ms / 1000)
    purge(here.services)
    return empty(204)


@router.post("/{uuid}/versions/{number}/restore")
def restore(here: SignedIn, uuid: str, number: str) -> Response:
    """Make one the content again; what was the content is a version then."""
    with here.services.database.transaction() as db:
        row = files.owned(db, here.account, path_uuid(uuid))
        if row["status"] != "EXISTS":
            raise Refused(400, f"File {row['uuid']} can not be restored")
        version = _version(db, row, number)
        db.execute("DELETE FROM versions WHERE id = ?", (version["id"],))
        if row["file_id"]:
            keep_version(db, here, row)
        values = {"file_id": version["file_id"], "size": version["size"]}
        values |= {"modification_time": version["modification_time"]}
        return answer(files.one(db, files.changed(db, row["uuid"], here.services.now_text(), **values)), 201)


@router.post("/thumbnail")
def thumbnail(here: SignedIn, body: Body) -> Response:
    """Let an uploaded object be the small picture of a file."""
    fields = Fields(body)
    uuid, type_ = fields.uuid("fileUuid"), fields.needed("type")
    size, width, height = fields.whole("size"), fields.whole("maxWidth"), fields.whole("maxHeight")
    bucket, file_id = fields.needed("bucketId"), fields.needed("bucketFile", longest=24)
    if fields.needed("encryptVersion") not in {"", shapes.ENCRYPT_VERSION}:
        fields.wrong("encryptVersion must be one of the following values: 03-aes")
    fields.done()
    settings = here.services.settings
    with here.services.database.transaction() as db:
        row = files.owned(db, here.account, uuid)
        for old in db.execute("SELECT * FROM thumbnails WHERE file = ?", (row["uuid"],)).fetchall():
            removal.let_go(db, old["file_id"], settings.now() + settings.purge_delay_ms / 1000)
        db.execute("DELETE FROM thumbnails WHERE file = ?", (row["uuid"],))
        values = (row["uuid"], type_, size, bucket, file_id, width, height, here.services.now_text())
        db.execute(
            "INSERT INTO thumbnails (file, type, size, bucket, file_id, max_width, max_height, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        made = db.execute("SELECT * FROM thumbnails WHERE file = ?", (row["uuid"],)).fetchone()
    purge(here.services)
    return answer(shapes.thumbnail(made, row["id"]), 201)


def _version(db: sqlite3.Connection, row: sqlite3.Row, number: str) -> sqlite3.Row:
    found: sqlite3.Row | None = db.execute(
        "SELECT * FROM versions WHERE id = ? AND file = ?", (path_uuid(number), row["uuid"])
    ).fetchone()
    if found is None:
        raise Refused(404, "Version not found")
    return found
