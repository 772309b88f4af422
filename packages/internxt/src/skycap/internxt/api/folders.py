"""Folders: looked up, listed, made, moved, removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Literal

from skycap.core.errors import Conflict, Error, NotFound
from skycap.core.retry import Operation
from skycap.internxt.api.client import Api
from skycap.internxt.api.models import EXISTS, File, Folder, Item
from skycap.internxt.names import Parts

PAGE = 50
PATH_MAX = 1024
"""Characters of a path that the server looks up at once."""
_ASKED = 200
_NO_FOLDER = frozenset({400, 404})


class FolderGone(NotFound):
    """A folder that was known by its id is not there any more."""


def by_path(api: Api, path: str, *, where: str) -> Folder:
    """The folder at a path of ours, looked up by the server; `NotFound`."""
    answer = api.drive("GET", "/folders/meta", params={"path": f"/{path}"}, where=where)
    found = answer.json() if answer.body.strip() else None
    if not isinstance(found, dict) or not found:
        raise NotFound("nothing is there", where=where)
    return Folder.read(found)


def meta(api: Api, uuid: str, *, where: str) -> Folder:
    """A folder by its id, trashed ones too."""
    return Folder.read(api.drive("GET", f"/folders/{uuid}/meta", where=where).json())


def ancestors(api: Api, uuid: str, *, where: str) -> list[Folder]:
    """A folder and those above it, as the server lists them."""
    found = api.drive("GET", f"/folders/{uuid}/ancestors", where=where).json()
    return [Folder.read(one) for one in found if isinstance(one, dict)]


def existing_files(api: Api, folder: str, names: Sequence[Parts], *, where: str) -> list[File]:
    """Files of a folder with any of these names; also others, where a type is empty. `FolderGone`."""
    found: list[File] = []
    left = iter(names)
    while asked := list(islice(left, _ASKED)):
        body = {"files": [{"plainName": plain, "type": type_ or ""} for plain, type_ in asked]}
        answer = _existence(api, folder, "files", body, where)
        found += [File.read(one) for one in answer.get("existentFiles") or ()]
    return [file for file in found if file.status == EXISTS]


def existing_folders(api: Api, folder: str, names: Sequence[str], *, where: str) -> list[Folder]:
    """Folders of a folder with these names; `FolderGone`."""
    found: list[Folder] = []
    left = iter(names)
    while asked := list(islice(left, _ASKED)):
        answer = _existence(api, folder, "folders", {"plainNames": asked}, where)
        found += [Folder.read(one) for one in answer.get("existentFolders") or ()]
    return [one for one in found if one.status == EXISTS]


def _existence(api: Api, folder: str, kind: str, body: Any, where: str) -> dict[str, Any]:
    path = f"/folders/content/{folder}/{kind}/existence"
    answer = api.drive("POST", path, json=body, where=where, ok=tuple(_NO_FOLDER))
    if answer.status in _NO_FOLDER:
        raise FolderGone("the folder is not there any more", where=where)
    found: dict[str, Any] = answer.json()
    return found


def listed(
    api: Api,
    folder: str,
    kind: Literal["files", "folders"],
    *,
    where: str,
    after: int = 0,
) -> Iterator[Item]:
    """The files or folders in a folder, by rising id; only those after an id, if one is given.

    The server counts pages by what is there at the moment, so that whatever goes away before a page moves it.
    Each page therefore begins with the last one that was seen; if it does not, it is looked for further up.
    An error in the middle says how to go on.
    """
    offset, last = 0, after
    overlap = after > 0
    while True:
        try:
            page = _page(api, folder, kind, offset, where)
        except Error as error:
            if last:
                error.rest = partial(listed, api, folder, kind, where=where, after=last)
            raise
        if overlap and offset and (not page or page[0].id > last):
            offset = max(0, offset - PAGE + 1)
            continue
        new = [item for item in page if item.id > last]
        if new:
            last = new[-1].id
        for item in new:
            if item.status == EXISTS:
                yield item
        if len(page) < PAGE:
            return
        offset += PAGE - 1
        overlap = True


def _page(api: Api, folder: str, kind: Literal["files", "folders"], offset: int, where: str) -> list[Item]:
    params = {"offset": offset, "limit": PAGE, "sort": "id", "order": "ASC"}
    found = api.drive("GET", f"/folders/content/{folder}/{kind}", params=params, where=where).json()
    reads = File.read if kind == "files" else Folder.read
    return sorted((reads(one) for one in found.get(kind) or ()), key=lambda item: item.id)


def create(api: Api, parent: str, name: str, *, where: str) -> Folder:
    """Make a folder; `Conflict` where one has the name, `NotFound` where the parent is not there (yet)."""
    body = {"plainName": name, "parentFolderUuid": parent}
    answer = api.drive("POST", "/folders", json=body, where=where, operation=Operation.UPLOAD)
    return Folder.read(answer.json())


def rename(api: Api, uuid: str, name: str, *, where: str) -> Folder:
    """Another name in the same place."""
    answer = api.drive(
        "PUT", f"/folders/{uuid}/meta", json={"plainName": name}, where=where, operation=Operation.UPLOAD
    )
    return Folder.read(answer.json())


def move(api: Api, uuid: str, to: str, name: str | None, *, where: str) -> Folder:
    """Into another folder, under another name if one is given; out of the trash too."""
    body = {"destinationFolder": to} if name is None else {"destinationFolder": to, "name": name}
    answer = api.drive("PATCH", f"/folders/{uuid}", json=body, where=where, operation=Operation.UPLOAD)
    return Folder.read(answer.json())


def delete(api: Api, uuid: str, *, where: str) -> None:
    """For good. One that is absent is success."""
    answer = api.drive("DELETE", f"/folders/{uuid}", where=where, operation=Operation.DELETE, ok=(404, 406))
    if answer.status == 406:
        raise Conflict("the root folder stays", where=where)
