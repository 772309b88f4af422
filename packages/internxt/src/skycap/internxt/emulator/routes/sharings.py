"""`/drive/sharings`: what an owner does with public links."""

from __future__ import annotations

import sqlite3

from fastapi import APIRouter
from fastapi.responses import Response

from skycap.internxt.emulator import accounts, shapes
from skycap.internxt.emulator.checking import Fields, path_uuid
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.services import Base, Body, Here, Query, SignedIn, answer, empty
from skycap.internxt.emulator.store import files, sharings
from skycap.internxt.emulator.store.sharings import NewSharing

router = APIRouter(prefix="/sharings")
KINDS = ("file", "folder")


@router.post("")
def create(here: SignedIn, body: Body) -> Response:
    """Make an item public."""
    fields = Fields(body)
    kind = fields.choice("itemType", KINDS)
    if kind is None:
        fields.wrong(f"itemType must be one of the following values: {', '.join(KINDS)}")
    new = NewSharing(
        fields.uuid("itemId"),
        kind or "",
        fields.needed("encryptionKey"),
        fields.needed("encryptionAlgorithm"),
        fields.needed("encryptedCode"),
        fields.text("encryptedPassword", optional=True),
    )
    fields.done()
    with here.services.database.transaction() as db:
        sharings.owned_item(db, here.account, new.kind, new.item, here.services.settings.now())
        made = sharings.make(db, here.account, new, here.services.now_text())
    return answer(shapes.sharing(made, here.account["uuid"]), 201)


@router.get("/public/domains")
def domains(base: Base) -> Response:
    """What share links may begin with."""
    return answer({"list": [f"{base}/web"]})


@router.get("/folders")
def shared_folders(here: SignedIn, query: Query) -> Response:
    """Folders that the account shares."""
    return _shared(here, query, "folder")


@router.get("/files")
def shared_files(here: SignedIn, query: Query) -> Response:
    """Files that the account shares."""
    return _shared(here, query, "file")


@router.patch("/{number}/password")
def set_password(here: SignedIn, number: str, body: Body) -> Response:
    """Ask visitors for a password."""
    fields = Fields(body)
    password = fields.needed("encryptedPassword")
    fields.done()
    return _set_password(here, number, password)


@router.delete("/{number}/password")
def clear_password(here: SignedIn, number: str) -> Response:
    """Ask for none."""
    return _set_password(here, number, None)


@router.get("/{kind}/{uuid}/info")
def info(here: SignedIn, kind: str, uuid: str) -> Response:
    """How an item is shared; 404 if it is not."""
    with here.services.database.reading() as db:
        row = _of_own_item(db, here, kind, uuid)
    public = {
        "id": row["id"],
        "isPasswordProtected": row["encrypted_password"] is not None,
        "encryptedCode": row["encrypted_code"],
    }
    return answer({"publicSharing": public, "type": "public", "invitationsCount": 0})


@router.delete("/{kind}/{uuid}")
def stop(here: SignedIn, kind: str, uuid: str) -> Response:
    """Share it no more."""
    with here.services.database.transaction() as db:
        row = _of_own_item(db, here, kind, uuid)
        db.execute("DELETE FROM sharings WHERE id = ?", (row["id"],))
    return empty()


def _of_own_item(db: sqlite3.Connection, here: Here, kind: str, uuid: str) -> sqlite3.Row:
    if kind not in KINDS:
        raise Refused(400, "Invalid item type")
    item = sharings.owned_item(db, here.account, kind, path_uuid(uuid), here.services.settings.now())
    row = sharings.of_item(db, item["uuid"])
    if row is None:
        raise Refused(404, "Item is not being shared")
    return row


def _set_password(here: Here, number: str, password: str | None) -> Response:
    with here.services.database.transaction() as db:
        row = sharings.find(db, path_uuid(number))
        if row["account"] != here.account["id"]:
            raise Refused(403, "You are not the owner of this sharing")
        now = here.services.now_text()
        db.execute(
            "UPDATE sharings SET encrypted_password = ?, updated_at = ? WHERE id = ?",
            (password, now, row["id"]),
        )
        changed = sharings.find(db, row["id"])
    return answer(shapes.sharing(changed, here.account["uuid"]))


def _shared(here: Here, query: dict[str, str], kind: str) -> Response:
    fields = Fields(query)
    page, size = fields.whole("page", default=0), fields.whole("perPage", least=1, most=50, default=50)
    fields.done()
    table = "folders" if kind == "folder" else "files"
    with here.services.database.reading() as db:
        rows = db.execute(
            f"SELECT {table}.*, sharings.id AS sharing FROM sharings"
            f" JOIN {table} ON {table}.uuid = sharings.item"
            " WHERE sharings.account = ? ORDER BY sharings.created_at, sharings.id LIMIT ? OFFSET ?",
            (here.account["id"], size, page * size),
        ).fetchall()
        shown = [shapes.folder(row) for row in rows] if kind == "folder" else files.shown(db, rows)
    items = [
        one | {"sharingId": row["sharing"], "sharingType": "public"}
        for one, row in zip(shown, rows, strict=True)
    ]
    credentials = {
        "networkUser": here.account["email"],
        "networkPass": accounts.network_password(here.account["user_id"]),
    }
    found = {"folders": items if kind == "folder" else [], "files": items if kind == "file" else []}
    return answer(found | {"credentials": credentials, "token": "", "role": "OWNER"})
