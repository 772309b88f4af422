"""The account: how much there is, how much there may be, and what the server finds for a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from skycap.internxt.api.client import Api
from skycap.internxt.api.models import to_int

_FOUND_AT_ONCE = 10
_OLDER = (404, 405)


def usage(api: Api, *, where: str) -> int:
    """Bytes used, backups and the rest included."""
    found: dict[str, Any] = api.drive("GET", "/users/usage", where=where).json()
    if found.get("total") is not None:
        return to_int(found["total"])
    return sum(to_int(found.get(name)) for name in ("drive", "backup", "backups", "mail"))


def limit(api: Api, *, where: str) -> int | None:
    """Bytes that there may be."""
    found: dict[str, Any] = api.drive("GET", "/users/limit", where=where).json()
    return to_int(found.get("maxSpaceBytes")) or None


def upload_limit(api: Api, *, where: str) -> int | None:
    """Bytes of the largest file that the plan takes; None where it says nothing."""
    found: dict[str, Any] = api.drive("GET", "/files/limits", where=where, ok=(404,)).json()
    return to_int(found.get("maxUploadFileSize")) or None


def search(api: Api, text: str, *, where: str) -> Iterator[dict[str, Any]]:
    """What the server finds, best first: raw, with `itemId`, `itemType`, `rank` and `similarity`."""
    path, offset = f"/fuzzy/{quote(text, safe='')}", 0
    while True:
        answer = api.drive("POST", path, json={"offset": offset}, where=where, ok=_OLDER)
        if answer.status in _OLDER:
            answer = api.drive("GET", path, params={"offset": offset}, where=where)
        page = [one for one in answer.json().get("data") or () if isinstance(one, dict)]
        yield from page
        if len(page) < _FOUND_AT_ONCE:
            return
        offset += len(page)
