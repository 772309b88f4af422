"""`/drive/folders`: making, renaming, moving, removing."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from skycap.internxt.emulator import shapes
from skycap.internxt.emulator.checking import Fields, path_uuid
from skycap.internxt.emulator.errors import Refused, said
from skycap.internxt.emulator.routes.housekeeping import purge
from skycap.internxt.emulator.services import Body, Here, SignedIn, answer, empty
from skycap.internxt.emulator.store import folders, removal
from skycap.internxt.emulator.store.folders import NewFolder
from skycap.internxt.emulator.store.naming import folder_name_is_good, sort_key

router = APIRouter(prefix="/folders")
BAD_NAME = "Invalid folder name"
MOST_AT_ONCE = 5


@router.post("")
def create(here: SignedIn, body: Body) -> Response:
    """Make one folder, or some."""
    if "folders" in body:
        return _create_several(here, body)
    fields = Fields(body)
    new = _new_folder(fields)
    parent_uuid = fields.uuid("parentFolderUuid")
    fields.done()
    _check_name(new.plain_name)
    settings = here.services.settings
    with here.services.database.transaction() as db:
        parent = folders.owned(db, here.account, parent_uuid, settings.now(), "Parent folder does not exist")
        visible_at = settings.now() + settings.folder_delay_ms / 1000
        made = folders.make(db, here.account, parent, new, here.services.now_text(), visible_at)
    return answer(shapes.folder(made), 201)


@router.get("/{uuid}/meta")
def meta(here: SignedIn, uuid: str) -> Response:
    """One folder, in the trash or not."""
    with here.services.database.reading() as db:
        return answer(
            shapes.folder(folders.owned(db, here.account, path_uuid(uuid), here.services.settings.now()))
        )


@router.put("/{uuid}/meta")
def rename(here: SignedIn, uuid: str, body: Body) -> Response:
    """Give it another name."""
    fields = Fields(body)
    name = fields.text("plainName") or ""
    fields.done()
    _check_name(name)
    with here.services.database.transaction() as db:
        row = folders.find(db, path_uuid(uuid))
        if row is not None and row["account"] == here.account["id"] and row["removed"]:
            raise Refused(422, f"Folder {row['uuid']} can not be updated")
        row = folders.owned(db, here.account, path_uuid(uuid), here.services.settings.now())
        if row["parent_uuid"] is None:
            raise Refused(422, "The root folder can not be updated")
        if folders.named(db, row["parent_uuid"], name) is not None:
            raise Refused(409, folders.NAME_TAKEN)
        values = {"plain_name": name, "sort_key": sort_key(name)}
        return answer(shapes.folder(folders.changed(db, row["uuid"], here.services.now_text(), **values)))


@router.patch("/{uuid}")
def move(here: SignedIn, uuid: str, body: Body) -> Response:
    """Move it, under another name if one is given; it is out of the trash after that."""
    fields = Fields(body)
    destination, name = fields.uuid("destinationFolder"), fields.text("name", optional=True)
    fields.done()
    if name is not None:
        _check_name(name)
    now_s = here.services.settings.now()
    with here.services.database.transaction() as db:
        row = folders.find(db, path_uuid(uuid))
        if (
            row is not None
            and row["account"] == here.account["id"]
            and (row["removed"] or row["parent_uuid"] is None)
        ):
            raise Refused(422, f"Folder {row['uuid']} can not be moved")
        row = folders.owned(db, here.account, path_uuid(uuid), now_s)
        target = destination_of(db, here, destination)
        name = row["plain_name"] if name is None else name
        there = folders.named(db, target["uuid"], name)
        if there is not None:
            if there["uuid"] == row["uuid"]:
                raise Refused(409, f"Folder {row['uuid']} was already moved to that location")
            raise Refused(409, "A folder with the same name already exists in destination folder")
        values: dict[str, Any] = {"plain_name": name, "sort_key": sort_key(name), "parent_id": target["id"]}
        values |= {"parent_uuid": target["uuid"], "deleted": 0, "deleted_at": None}
        return answer(shapes.folder(folders.changed(db, row["uuid"], here.services.now_text(), **values)))


@router.delete("/{uuid}")
def delete(here: SignedIn, uuid: str) -> Response:
    """Remove it and all below it, for good."""
    settings = here.services.settings
    with here.services.database.transaction() as db:
        row = folders.owned(db, here.account, path_uuid(uuid), settings.now())
        if row["parent_uuid"] is None:
            raise Refused(406, "Cannot delete root folder")
        due = settings.now() + settings.purge_delay_ms / 1000
        removal.remove_folder(db, row["uuid"], here.services.now_text(), due)
    purge(here.services)
    return empty(204)


def destination_of(db: Any, here: Here, uuid: str) -> Any:
    """Where something is to be moved; 404 if it is not there, 422 if it was removed."""
    target = folders.find(db, uuid)
    if target is not None and target["removed"]:
        raise Refused(422, f"Destination folder {uuid} was removed")
    return folders.owned(
        db, here.account, uuid, here.services.settings.now(), "Destination folder does not exist"
    )


def _new_folder(fields: Fields) -> NewFolder:
    return NewFolder(
        fields.text("plainName") or "", fields.date("creationTime"), fields.date("modificationTime")
    )


def _check_name(name: str) -> None:
    if not folder_name_is_good(name):
        raise Refused(400, BAD_NAME)


def _create_several(here: Here, body: dict[str, Any]) -> Response:
    fields = Fields(body)
    parent_uuid, items = fields.uuid("parentFolderUuid"), fields.items("folders", most=MOST_AT_ONCE)
    each = [Fields(item if isinstance(item, dict) else {}) for item in items]
    wanted = [_new_folder(one) for one in each]
    fields.done()
    for one in each:
        one.done()
    for new in wanted:
        _check_name(new.plain_name)
    if len({new.plain_name for new in wanted}) < len(wanted):
        raise Refused(409, "Folders with the same name are not allowed")
    settings, now = here.services.settings, here.services.now_text()
    with here.services.database.transaction() as db:
        parent = folders.owned(db, here.account, parent_uuid, settings.now(), "Parent folder does not exist")
        there = [
            row for new in wanted if (row := folders.named(db, parent["uuid"], new.plain_name)) is not None
        ]
        if there:
            body = said(409, "Folders with the same names already exist in this location")
            raise Refused(409, "", body=body | {"existentFolders": [shapes.folder(row) for row in there]})
        visible_at = settings.now() + settings.folder_delay_ms / 1000
        made = [folders.make(db, here.account, parent, new, now, visible_at) for new in wanted]
    return answer({"created": [shapes.folder(row) for row in made]}, 201)
