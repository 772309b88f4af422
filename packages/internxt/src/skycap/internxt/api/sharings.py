"""Public links of files and folders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from skycap.core.retry import Operation
from skycap.internxt.api.client import Api
from skycap.internxt.api.models import Sharing, text_of
from skycap.internxt.crypto.share_codes import ALGORITHM, Sealed

Kind = Literal["file", "folder"]
_PER_PAGE = 50


def create(api: Api, item: str, kind: Kind, sealed: Sealed, *, where: str) -> Sharing:
    """A link of an item; the one there is, if it has one already."""
    body: dict[str, Any] = {
        "itemId": item,
        "itemType": kind,
        "encryptionKey": sealed.encryption_key,
        "encryptionAlgorithm": ALGORITHM,
        "encryptedCode": sealed.encrypted_code,
        "persistPreviousSharing": True,
    }
    if sealed.encrypted_password is not None:
        body["encryptedPassword"] = sealed.encrypted_password
    found = api.drive("POST", "/sharings", json=body, where=where, operation=Operation.UPLOAD).json()
    return Sharing(
        id=text_of(found, "id"),
        item=item,
        kind=kind,
        encrypted_code=text_of(found, "encryptedCode"),
        password=bool(found.get("encryptedPassword")),
    )


def info(api: Api, item: str, kind: Kind, *, where: str) -> Sharing | None:
    """The link of an item, if it has one."""
    answer = api.drive("GET", f"/sharings/{kind}/{item}/info", where=where, ok=(404,))
    found = answer.json().get("publicSharing") if answer.status < 400 else None
    if not isinstance(found, dict):
        return None
    return Sharing(
        id=text_of(found, "id"),
        item=item,
        kind=kind,
        encrypted_code=text_of(found, "encryptedCode"),
        password=found.get("isPasswordProtected") is True,
    )


def shared(api: Api, kind: Kind, *, where: str) -> Iterator[str]:
    """The ids of the items that are shared, by us or with us."""
    page = 0
    while True:
        params = {"page": page, "perPage": _PER_PAGE}
        found = api.drive("GET", f"/sharings/{kind}s", params=params, where=where).json()
        items = found.get(f"{kind}s") or found.get("items") or ()
        for one in items:
            yield text_of(one, "uuid", "itemId")
        if len(items) < _PER_PAGE:
            return
        page += 1


def remove(api: Api, item: str, kind: Kind, *, where: str) -> None:
    """Take the link back; none is success."""
    api.drive("DELETE", f"/sharings/{kind}/{item}", where=where, operation=Operation.DELETE, ok=(404,))


def set_password(api: Api, sharing: str, encrypted: str, *, where: str) -> None:
    """Ask whoever has the link for a password."""
    body = {"encryptedPassword": encrypted}
    path = f"/sharings/{sharing}/password"
    api.drive("PATCH", path, json=body, where=where, operation=Operation.UPLOAD)


def remove_password(api: Api, sharing: str, *, where: str) -> None:
    """Ask for none any more."""
    api.drive("DELETE", f"/sharings/{sharing}/password", where=where, operation=Operation.DELETE, ok=(404,))


def domains(api: Api, *, where: str) -> list[str]:
    """Where links may lead to."""
    answer = api.drive("GET", "/sharings/public/domains", where=where, ok=(404,))
    found = answer.json().get("list") if answer.status < 400 else None
    return [one for one in found or () if isinstance(one, str)]
