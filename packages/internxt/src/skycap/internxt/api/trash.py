"""The trash: what is put there, what is in it, and how it is emptied. What comes back is moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Literal

from skycap.core.retry import Operation
from skycap.internxt.api.client import Api
from skycap.internxt.api.models import EXISTS, File, Folder, Item, TrashItem, time_ns

PAGE = 50
Named = tuple[str, Literal["file", "folder"]]
"""An id and what it is of."""


def named(item: Item) -> Named:
    """How the trash names an item."""
    return item.uuid, "file" if isinstance(item, File) else "folder"


def put(api: Api, items: Sequence[Named], *, where: str) -> None:
    """Into the trash. The server skips what it does not know, and says nothing."""
    _in_pages(api, "POST", "/storage/trash/add", items, where)


def delete(api: Api, items: Sequence[Named], *, where: str) -> None:
    """For good."""
    _in_pages(api, "DELETE", "/storage/trash", items, where)


def _in_pages(api: Api, method: str, path: str, items: Sequence[Named], where: str) -> None:
    left = iter(items)
    while page := list(islice(left, PAGE)):
        body = {"items": [{"uuid": uuid, "type": kind} for uuid, kind in page]}
        api.drive(method, path, json=body, where=where, operation=Operation.DELETE)


def listed(api: Api, *, where: str) -> Iterator[TrashItem]:
    """What was put into the trash by itself; what is in a trashed folder is not listed."""
    for kind in ("files", "folders"):
        offset = 0
        while True:
            params = {"limit": PAGE, "offset": offset, "type": kind}
            found = api.drive("GET", "/storage/trash/paginated", params=params, where=where).json()
            page = found.get("result") or []
            for one in page:
                yield _read(one, kind)
            if len(page) < PAGE:
                break
            offset += PAGE


def _read(found: dict[str, Any], kind: str) -> TrashItem:
    item: Item = File.read(found) if kind == "files" else Folder.read(found)
    told = found.get("parent")
    parent: dict[str, Any] = told if isinstance(told, dict) else {}
    known = item.folder if isinstance(item, File) else item.parent
    return TrashItem(
        item,
        str(parent.get("uuid") or known),
        parent.get("status", EXISTS) == EXISTS if parent else False,
        time_ns(found.get("deletedAt")) or time_ns(found.get("updatedAt")),
    )


def clear(api: Api, *, where: str) -> bool:
    """Empty it; whether that is done, and not only begun."""
    answer = api.drive("DELETE", "/storage/trash/all", where=where, operation=Operation.DELETE)
    found = answer.json() if answer.body.strip() else {}
    return not (isinstance(found, dict) and found.get("status") == "processing")
