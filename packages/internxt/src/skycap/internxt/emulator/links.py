"""Presigned links: who holds one may do one thing with one object until it expires."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from skycap.internxt.emulator.errors import StorageRefused
from skycap.internxt.emulator.settings import Settings
from skycap.internxt.emulator.store.database import Database


@dataclass(frozen=True)
class Link:
    """What a link permits: `get`, `put`, or `part` with a part's number (from 1) and its upload's id."""

    operation: str
    key: str
    part: int = 0
    upload_id: str = ""


class Links:
    """Signs them and reads them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._settings = settings
        self._secret = database.kept("link secret", lambda: secrets.token_hex(32)).encode()

    def url(self, base: str, link: Link) -> str:
        """An absolute address, good for the settings' lifetime."""
        expires = int(self._settings.now()) + self._settings.link_lifetime_s
        query: dict[str, str | int] = {"operation": link.operation}
        if link.operation == "part":
            query |= {"partNumber": link.part, "uploadId": link.upload_id}
        query |= {"expires": expires, "signature": self._signature(link, expires)}
        return f"{base}/objects/{link.key}?{urlencode(query)}"

    def read(self, key: str, query: Mapping[str, str], method: str) -> Link:
        """The link that a request came by; refuses with 403 as S3 does."""
        part, expires = query.get("partNumber", "0"), query.get("expires", "0")
        if not part.isdecimal() or not expires.isdecimal():
            raise StorageRefused(403, "AccessDenied", "Access Denied")
        link = Link(query.get("operation", ""), key, int(part), query.get("uploadId", ""))
        if not hmac.compare_digest(self._signature(link, int(expires)), query.get("signature", "")):
            raise StorageRefused(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            )
        if (method == "PUT") == (link.operation == "get"):
            raise StorageRefused(403, "AccessDenied", "The link is for another method")
        if int(expires) <= self._settings.now():
            raise StorageRefused(403, "AccessDenied", "Request has expired")
        return link

    def _signature(self, link: Link, expires: int) -> str:
        said = f"{link.operation}\n{link.key}\n{link.part}\n{link.upload_id}\n{expires}"
        return hmac.digest(self._secret, said.encode("utf-8", "surrogatepass"), "sha256").hex()
