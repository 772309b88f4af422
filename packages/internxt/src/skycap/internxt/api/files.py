"""Files as the Drive API keeps them: names, places, times, and which object holds the content."""

from __future__ import annotations

from typing import Any

from skycap.core.retry import Operation
from skycap.internxt.api.client import Api
from skycap.internxt.api.models import File, OldVersion, time_text
from skycap.internxt.names import split

_FORM = "03-aes"


def meta(api: Api, uuid: str, *, where: str) -> File:
    """A file by its id, trashed and deleted ones too."""
    return File.read(api.drive("GET", f"/files/{uuid}/meta", where=where).json())


def create(
    api: Api,
    folder: str,
    name: str,
    *,
    bucket: str,
    file_id: str | None,
    size: int,
    mtime_ns: int | None,
    where: str,
) -> File:
    """Make a file of an object; `Conflict` where one has the name, `NotFound` without the folder."""
    plain, type_ = split(name)
    body: dict[str, Any] = {
        "bucket": bucket,
        "encryptVersion": _FORM,
        "folderUuid": folder,
        "size": size,
        "plainName": plain,
        "type": type_ or "",
    }
    if file_id is not None:
        body["fileId"] = file_id
    if mtime_ns is not None:
        body["creationTime"] = body["modificationTime"] = body["date"] = time_text(mtime_ns)
    return File.read(api.drive("POST", "/files", json=body, where=where, operation=Operation.UPLOAD).json())


def replace(api: Api, uuid: str, *, file_id: str | None, size: int, mtime_ns: int, where: str) -> None:
    """Give a file another object; the server removes the one before, or keeps it as a version.

    Never with the object that the file has: the server would remove that one.
    """
    body: dict[str, Any] = {"size": size, "modificationTime": time_text(mtime_ns)}
    if file_id is not None:
        body["fileId"] = file_id
    api.drive("PUT", f"/files/{uuid}", json=body, where=where, operation=Operation.UPLOAD)


def rename(api: Api, uuid: str, name: str, *, where: str) -> File:
    """Another name in the same folder."""
    plain, type_ = split(name)
    body = {"plainName": plain, "type": type_ or ""}
    answer = api.drive("PUT", f"/files/{uuid}/meta", json=body, where=where, operation=Operation.UPLOAD)
    return File.read(answer.json())


def move(api: Api, uuid: str, to: str, name: str | None, *, where: str) -> File:
    """Into another folder, under another name if one is given; out of the trash too."""
    body: dict[str, Any] = {"destinationFolder": to}
    if name is not None:
        plain, type_ = split(name)
        body |= {"name": plain, "type": type_ or ""}
    answer = api.drive("PATCH", f"/files/{uuid}", json=body, where=where, operation=Operation.UPLOAD)
    return File.read(answer.json())


def delete(api: Api, uuid: str, *, where: str) -> None:
    """For good. One that is absent is success."""
    api.drive("DELETE", f"/files/{uuid}", where=where, operation=Operation.DELETE, ok=(404,))


def delete_object(api: Api, bucket: str, file_id: str, *, where: str) -> None:
    """Remove an object that no file has. Of one that a file has, the file goes too: be sure."""
    api.drive("DELETE", f"/files/{bucket}/{file_id}", where=where, operation=Operation.DELETE, ok=(404,))


def versions(api: Api, uuid: str, *, where: str) -> list[OldVersion]:
    """The states that the server kept, newest first."""
    found = api.drive("GET", f"/files/{uuid}/versions", where=where).json()
    items = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    kept = [OldVersion.read(one) for one in items if one.get("status", "EXISTS") == "EXISTS"]
    return sorted(kept, key=lambda version: version.created_ns or 0, reverse=True)


def restore_version(api: Api, uuid: str, version: str, *, where: str) -> None:
    """Make an old state the newest one."""
    path = f"/files/{uuid}/versions/{version}/restore"
    api.drive("POST", path, where=where, operation=Operation.UPLOAD)


def remove_version(api: Api, uuid: str, version: str, *, where: str) -> None:
    """Forget an old state."""
    api.drive("DELETE", f"/files/{uuid}/versions/{version}", where=where, operation=Operation.DELETE)
