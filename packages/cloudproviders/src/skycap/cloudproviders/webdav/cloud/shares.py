"""Public links, by the OCS Share API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skycap.cloudproviders.webdav.dates import to_ns
from skycap.core import paths
from skycap.core.errors import NotFound, ProviderError, Unsupported
from skycap.core.http import Response
from skycap.core.retry import Operation
from skycap.core.storage.extras import Share, Shares

if TYPE_CHECKING:
    from skycap.cloudproviders.webdav.storage import WebDav

_LINK = 3
_API = "apps/files_sharing/api/v1/shares"


class CloudShares(Shares):
    """Links that the cloud knows: they can have a password and a day on which they end."""

    def __init__(self, storage: WebDav) -> None:
        self._storage = storage

    def _ask(
        self, method: str, rest: str = "", *, where: str, form: dict[str, str] | None = None
    ) -> Response:
        storage = self._storage
        url = storage.dav.place.absolute(storage.cloud.ocs(_API + rest))
        return storage.dav.request(
            method,
            f"{url}?format=json",
            operation=Operation.DELETE if method == "DELETE" else Operation.LIST,
            where=where,
            headers={"ocs-apirequest": "true", "accept": "application/json"},
            form=form,
        )

    def create(self, path: str, *, expires_s: float | None = None, password: str | None = None) -> Share:
        """A new link. It ends as a day begins (UTC): the last one before the end that was asked for."""
        storage, now = self._storage, time.time()
        paths.validate(path)
        form = {"path": f"/{storage.cloud.inside(path)}", "shareType": str(_LINK), "permissions": "1"}
        if password is not None:
            form["password"] = password
        if expires_s is not None:
            day = _day_before(now + expires_s)
            if day.timestamp() <= now:
                raise Unsupported(
                    "links of this cloud end at midnight UTC, and none comes before the end asked for",
                    where=storage.where(path),
                    hint="Give it until a later day.",
                )
            form["expireDate"] = day.strftime("%Y-%m-%d")
        found = self._share(_data(self._ask("POST", where=storage.where(path), form=form)))
        if found is None:
            raise ProviderError("the cloud does not tell the link it made", where=storage.where(path))
        return found

    def list(self, path: str = "") -> Iterator[Share]:
        """The links of this user at or below a path."""
        paths.validate(path)
        where = self._storage.where(path)
        for one in _data(self._ask("GET", where=where)) or []:
            share = self._share(one)
            if share is not None and (not path or share.path == path or share.path.startswith(f"{path}/")):
                yield share

    def remove(self, id: str) -> None:  # noqa: A002 - the stores' own word
        """Take a link back. One that is absent is success."""
        try:
            self._ask("DELETE", f"/{id}", where=self._storage.where(""))
        except NotFound:
            return

    def _share(self, data: Any) -> Share | None:
        if not isinstance(data, dict) or data.get("share_type") != _LINK or not data.get("url"):
            return None
        path = self._storage.cloud.relative(str(data.get("path", "")))
        if path is None:
            return None
        return Share(
            str(data["url"]),
            path,
            str(data.get("id")),
            to_ns(data.get("expiration") or None),
            bool(data.get("password") or data.get("share_with")),
        )


def _day_before(seconds: float) -> datetime:
    """The last midnight, UTC, at or before a time in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _data(answer: Response) -> Any:
    try:
        return answer.json()["ocs"]["data"]
    except (KeyError, TypeError):
        raise ProviderError("the cloud answers in a way that is not known", where=answer.url) from None


__all__ = ["CloudShares"]
