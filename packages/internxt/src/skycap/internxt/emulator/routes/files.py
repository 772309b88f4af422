"""`/drive/files`: making, replacing, renaming, moving, removing."""

from __future__ import annotations

import re
import sqlite3
import uuid as uuids
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from skycap.internxt.emulator.checking import ID24, Fields, path_uuid, time_text
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.routes.folders import destination_of
from skycap.internxt.emulator.routes.housekeeping import purge
from skycap.internxt.emulator.services import Body, Here, SignedIn, answer, empty
from skycap.internxt.emulator.settings import DAY_S
from skycap.internxt.emulator.store import files, folders, removal
from skycap.internxt.emulator.store.files import NewFile
from skycap.internxt.emulator.store.naming import sort_key

router = APIRouter(prefix="/files")
VERSIONED = {"pdf", "docx", "xlsx", "csv"}
"""Extensions whose former contents are kept, where the tier keeps any."""


@router.post("")
def create(request: Request, here: SignedIn, body: Body) -> Response:
    """Make a file of an object that is on the network, or of nothing."""
    if request.headers.get("internxt-client") == "@internxt/cli":
        _check_retired(request.headers.get("internxt-version", ""))
    fields = Fields(body)
    new, folder_uuid = _new_file(fields), fields.uuid("folderUuid")
    fields.done()
    if not new.plain_name and not (new.type or "").strip():
        raise Refused(400, "Filename cannot be empty")
    with here.services.database.transaction() as db:
        folder = folders.owned(db, here.account, folder_uuid, here.services.settings.now())
        _check_tier(here, db, new.size)
        made = files.make(db, here.account, folder, new, here.services.now_text())
        return answer(files.one(db, made), 201)


@router.get("/{uuid}/meta")
def meta(here: SignedIn, uuid: str) -> Response:
    """One file, whatever its status."""
    with here.services.database.reading() as db:
        return answer(files.one(db, files.owned(db, here.account, path_uuid(uuid))))


@router.put("/{uuid}/meta")
def rename(here: SignedIn, uuid: str, body: Body) -> Response:
    """Give it another name, type or both; blanks at either end of the whole name are cut off."""
    fields = Fields(body)
    name, type_ = fields.text("plainName", optional=True), fields.text("type", optional=True)
    fields.done()
    with here.services.database.transaction() as db:
        row = files.owned(db, here.account, path_uuid(uuid))
        if row["status"] != "EXISTS":
            raise Refused(404, "File not found")
        name = row["plain_name"] if name is None else name.lstrip()
        type_ = row["type"] if type_ is None else type_.rstrip()
        if not name and not (type_ or "").strip():
            raise Refused(400, "Filename cannot be empty")
        if files.named(db, row["folder_uuid"], name, type_) is not None:
            raise Refused(409, files.NAME_TAKEN)
        values = {"plain_name": name, "type": type_, "sort_key": sort_key(name)}
        return answer(files.one(db, files.changed(db, row["uuid"], here.services.now_text(), **values)))


@router.put("/{uuid}")
def replace(here: SignedIn, uuid: str, body: Body) -> Response:
    """Give it another content, under the same uuid; the former becomes a version, or is let go."""
    fields = Fields(body)
    size, file_id = _content(fields)
    modified = fields.date("modificationTime")
    fields.done()
    services = here.services
    now_s, now = services.settings.now(), services.now_text()
    with services.database.transaction() as db:
        row = files.owned(db, here.account, path_uuid(uuid))
        if row["status"] != "EXISTS":
            raise Refused(400, f"File {row['uuid']} can not be replaced")
        _check_tier(here, db, size, replaced=row)
        if row["file_id"] and row["file_id"] != file_id:
            if _is_versioned(here, row):
                keep_version(db, here, row)
            else:
                removal.let_go(db, row["file_id"], now_s + services.settings.purge_delay_ms / 1000)
        values = {"file_id": file_id, "size": size, "modification_time": modified or now}
        shown = files.one(db, files.changed(db, row["uuid"], now, **values))
    purge(services)
    return answer(shown | {"size": size})  # here the real server writes a number


@router.patch("/{uuid}")
def move(here: SignedIn, uuid: str, body: Body) -> Response:
    """Move it, under another name if one is given; it is out of the trash after that."""
    fields = Fields(body)
    destination = fields.uuid("destinationFolder")
    name, type_ = fields.text("name", optional=True), fields.text("type", optional=True)
    fields.done()
    with here.services.database.transaction() as db:
        row = files.owned(db, here.account, path_uuid(uuid))
        if row["status"] == "DELETED":
            raise Refused(422, f"File {row['uuid']} can not be moved")
        target = destination_of(db, here, destination)
        name = row["plain_name"] if name is None else name
        type_ = row["type"] if type_ is None else type_
        if not name.strip() and not (type_ or "").strip():
            raise Refused(400, "Filename is not valid")
        there = files.named(db, target["uuid"], name, type_)
        if there is not None:
            if there["uuid"] == row["uuid"]:
                raise Refused(409, f"File {row['uuid']} was already moved to that location")
            raise Refused(409, "A file with the same name already exists in destination folder")
        values: dict[str, Any] = {"plain_name": name, "type": type_, "sort_key": sort_key(name)}
        values |= {
            "folder_id": target["id"],
            "folder_uuid": target["uuid"],
            "status": "EXISTS",
            "deleted_at": None,
        }
        return answer(files.one(db, files.changed(db, row["uuid"], here.services.now_text(), **values)))


@router.delete("/{uuid}")
def delete(here: SignedIn, uuid: str) -> Response:
    """Remove it for good."""
    with here.services.database.transaction() as db:
        row = files.owned(db, here.account, path_uuid(uuid))
        if row["status"] == "DELETED":
            raise Refused(404, "File not found")
        _remove(here, db, row)
    purge(here.services)
    return answer({"deleted": True})


@router.delete("/{bucket}/{file_id}")
def delete_by_object(here: SignedIn, bucket: str, file_id: str) -> Response:
    """Remove the file that stands on an object; if none does, the object itself."""
    services = here.services
    gone: list[str] = []
    with services.database.transaction() as db:
        row = db.execute(
            "SELECT * FROM files WHERE bucket = ? AND file_id = ? AND status <> 'DELETED'", (bucket, file_id)
        ).fetchone()
        owner = db.execute("SELECT account FROM buckets WHERE id = ?", (bucket,)).fetchone()
        if (row["account"] if row else owner[0] if owner else here.account["id"]) != here.account["id"]:
            raise Refused(403, "File is not yours")
        if row is not None:
            _remove(here, db, row)
        elif ID24.fullmatch(file_id):
            gone = removal.drop_entry(db, services.objects, file_id)
    services.objects.unlink(gone)
    purge(services)
    return empty()


def _check_retired(version: str) -> None:
    """The first command line wrote files that others could not read: 400 before 1.5.1."""
    numbers = tuple(int(digits) for digits in re.findall(r"\d+", version)[:3])
    if numbers < (1, 5, 1):
        raise Refused(400, "Your CLI version is no longer supported: update to 1.5.1 or later")


def keep_version(db: sqlite3.Connection, here: Here, row: sqlite3.Row) -> None:
    """Keep a file's content as its newest version; the oldest beyond what the tier keeps are let go."""
    settings, now = here.services.settings, here.services.now_text()
    expires = time_text(settings.now() + settings.tier.version_retention_days * DAY_S)
    db.execute(
        "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            str(uuids.uuid4()),
            row["uuid"],
            row["file_id"],
            row["size"],
            row["modification_time"],
            now,
            now,
            expires,
        ),
    )
    kept = db.execute(
        "SELECT * FROM versions WHERE file = ? ORDER BY created_at DESC", (row["uuid"],)
    ).fetchall()
    for old in kept[settings.tier.max_versions :]:
        db.execute("DELETE FROM versions WHERE id = ?", (old["id"],))
        removal.let_go(db, old["file_id"], settings.now() + settings.purge_delay_ms / 1000)


def _remove(here: Here, db: sqlite3.Connection, row: sqlite3.Row) -> None:
    settings = here.services.settings
    removal.remove_files(db, [row], here.services.now_text(), settings.now() + settings.purge_delay_ms / 1000)


def _is_versioned(here: Here, row: sqlite3.Row) -> bool:
    tier = here.services.settings.tier
    return (
        tier.versioning and (row["type"] or "").lower() in VERSIONED and row["size"] <= tier.version_max_size
    )


def _new_file(fields: Fields) -> NewFile:
    bucket = fields.needed("bucket")
    if fields.needed("encryptVersion") not in {"", "03-aes"}:
        fields.wrong("encryptVersion must be one of the following values: 03-aes")
    name, type_ = fields.text("plainName") or "", fields.text("type", optional=True)
    size, file_id = _content(fields)
    created, modified = fields.date("creationTime"), fields.date("modificationTime")
    fields.date("date")
    return NewFile(name, type_, bucket, file_id, size, created, modified)


def _content(fields: Fields) -> tuple[int, str | None]:
    """Size and object: an empty file has no object, any other must have one."""
    size = fields.whole("size")
    if size == 0:
        if fields.text("fileId", optional=True) is not None:
            fields.wrong("fileId must be empty when size is 0")
        return 0, None
    return size, fields.needed("fileId", longest=24)


def _check_tier(here: Here, db: sqlite3.Connection, size: int, replaced: sqlite3.Row | None = None) -> None:
    tier = here.services.settings.tier
    if tier.max_upload is not None and size > tier.max_upload:
        raise Refused(402, "File upload size exceeded for your plan", error="FILE_UPLOAD_SIZE_EXCEEDED")
    if size or (replaced is not None and not replaced["size"]):
        return
    if not tier.empty_files:
        raise Refused(402, "You can not have empty files")
    if tier.max_empty_files is not None:
        have = db.execute(
            "SELECT count(*) FROM files WHERE account = ? AND size = 0 AND status <> 'DELETED'",
            (here.account["id"],),
        ).fetchone()[0]
        if have >= tier.max_empty_files:
            raise Refused(400, "You can not have more empty files")
