"""`/drive/sharings` for visitors: nobody is logged in, the code of a link opens what it is for."""

from __future__ import annotations

import sqlite3
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from skycap.internxt.emulator import accounts, shapes
from skycap.internxt.emulator.checking import Fields, path_uuid
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.services import AllServices, Query, Services, answer
from skycap.internxt.emulator.store import files, folders, sharings
from skycap.internxt.emulator.store.folders import Page

router = APIRouter(prefix="/sharings")


@router.get("/{number}/meta")
def meta(request: Request, services: AllServices, number: str, query: Query) -> Response:
    """A sharing and its item. Of a file also its key, in clear, and a token for the network."""
    code = _code(query)
    with services.database.reading() as db:
        row = sharings.find(db, path_uuid(number))
        key = sharings.bucket_key(row, code)
        password = request.headers.get("x-share-password")
        sharings.check_password(row, code, None if password is None else unquote(password))
        told = shapes.sharing(row, accounts.by_id(db, row["account"])["uuid"])
        if row["kind"] == "folder":
            return answer(told | {"item": shapes.folder(folders.again(db, row["item"]))})
        file = files.again(db, row["item"])
        token = services.tokens.for_item(file["bucket"], file["file_id"]) if file["file_id"] else None
        more = {
            "item": files.one(db, file),
            "itemToken": token,
            "encryptionKey": sharings.file_key(db, key, file),
        }
    return answer(told | more)


@router.get("/public/{number}/item")
def item(services: AllServices, number: str) -> Response:
    """Name, type and size."""
    with services.database.reading() as db:
        row = sharings.find(db, path_uuid(number))
        if row["kind"] == "folder":
            folder = folders.again(db, row["item"])
            size = folders.size_below(db, folder["uuid"])[1]
            return answer({"plainName": folder["plain_name"], "type": None, "size": size})
        file = files.again(db, row["item"])
    return answer({"plainName": file["plain_name"], "type": file["type"], "size": str(file["size"])})


@router.get("/public/{number}/folder/size")
def folder_size(services: AllServices, number: str) -> Response:
    """The bytes below a shared folder."""
    with services.database.reading() as db:
        row = sharings.find(db, path_uuid(number))
        if row["kind"] != "folder":
            raise Refused(404, "Folder not found")
        return answer({"size": folders.size_below(db, row["item"])[1]})


@router.get("/public/items/{uuid}/folders")
def folders_of(services: AllServices, uuid: str, query: Query) -> Response:
    """A page of the folders in a shared one."""
    page = _page(query)
    with services.database.reading() as db:
        sharing, folder = _visited(services, db, path_uuid(uuid), query)
        rows = folders.listed(db, folder["uuid"], page, services.settings.now())
        return answer(_told(services, db, sharing, folder, [shapes.folder(row) for row in rows]))


@router.get("/public/items/{uuid}/files")
def files_of(services: AllServices, uuid: str, query: Query) -> Response:
    """A page of the files in a shared folder, each with its key in clear."""
    page, code = _page(query), _code(query)
    with services.database.reading() as db:
        sharing, folder = _visited(services, db, path_uuid(uuid), query)
        key = sharings.bucket_key(sharing, code)
        rows = files.listed(db, folder["uuid"], page)
        keys = [{"encryptionKey": sharings.file_key(db, key, row)} for row in rows]
        items = [one | more for one, more in zip(files.shown(db, rows), keys, strict=True)]
        return answer(_told(services, db, sharing, folder, items))


def _code(query: dict[str, str]) -> str:
    if not query.get("code"):
        raise Refused(400, "Code is required")
    return query["code"]


def _page(query: dict[str, str]) -> Page:
    fields = Fields(query)
    page, size = fields.whole("page", default=0), fields.whole("perPage", least=1, most=50, default=50)
    fields.done()
    return Page(size, page * size)


def _visited(
    services: Services, db: sqlite3.Connection, uuid: str, query: dict[str, str]
) -> tuple[sqlite3.Row, sqlite3.Row]:
    """The sharing and the folder: the shared one, or with the token of an earlier page one below it."""
    folder = folders.find(db, uuid)
    if folder is None or folder["removed"]:
        raise Refused(404, "Folder not found")
    if query.get("token"):
        number = services.tokens.sharing_of(query["token"])
        if number is None:
            raise Refused(401, "Unauthorized")
        sharing = sharings.find(db, number)
        if not sharings.is_below(db, sharing["item"], uuid):
            raise Refused(403, "Forbidden")
        return sharing, folder
    found = sharings.of_item(db, uuid)
    if found is None:
        raise Refused(403, "Forbidden")
    return found, folder


def _told(
    services: Services,
    db: sqlite3.Connection,
    sharing: sqlite3.Row,
    folder: sqlite3.Row,
    items: list[dict[str, Any]],
) -> dict[str, Any]:
    owner = accounts.by_id(db, sharing["account"])
    parent = None if folder["uuid"] == sharing["item"] else folder["parent_uuid"]
    return {
        "items": items,
        "token": services.tokens.for_folder(sharing["id"]),
        "bucket": owner["bucket"],
        "credentials": {"networkUser": owner["email"], "networkPass": owner["user_id"]},
        "name": folder["plain_name"],
        "parent": None
        if parent is None
        else {"uuid": parent, "name": folders.again(db, parent)["plain_name"]},
        "encryptionKey": sharing["encryption_key"],
        "role": "READER",
    }
