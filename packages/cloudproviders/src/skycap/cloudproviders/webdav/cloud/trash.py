"""The trash of a cloud: what is deleted goes there by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from skycap.cloudproviders.webdav import changing
from skycap.cloudproviders.webdav.dates import to_ns
from skycap.cloudproviders.webdav.errors import GONE
from skycap.cloudproviders.webdav.folders import kind_of
from skycap.cloudproviders.webdav.multistatus import NC
from skycap.cloudproviders.webdav.properties import LENGTH, TYPE, is_folder
from skycap.core import paths
from skycap.core.errors import Conflict, NotFound, ProviderError
from skycap.core.retry import Operation
from skycap.core.storage.entry import Entry, Kind
from skycap.core.storage.extras import Trash, Trashed

if TYPE_CHECKING:
    from skycap.cloudproviders.webdav.storage import WebDav

_ORIGIN = f"{NC}trashbin-original-location"
_DELETED = f"{NC}trashbin-deletion-time"


class CloudTrash(Trash):
    """What was removed from this folder; ids are the cloud's own names for it."""

    def __init__(self, storage: WebDav) -> None:
        self._storage = storage

    def _url(self, name: str, *, below: str = "trash") -> str:
        cloud, place = self._storage.cloud, self._storage.dav.place
        return f"{place.absolute(cloud.dav('trashbin', cloud.user, below))}/{quote(name, safe='')}"

    def list(self) -> Iterator[Trashed]:
        """What was removed from at or below this folder, in no order."""
        where = f"{self._storage.where('')} (trash)"
        names = (TYPE, LENGTH, _ORIGIN, _DELETED)
        for item in self._storage.dav.propfind(self._url(""), "1", names, where=where):
            path = self._storage.cloud.relative(item.get(_ORIGIN) or "")
            if not item.get(_ORIGIN) or path is None or not path:
                continue
            length = item.get(LENGTH) or ""
            kind = Kind.DIRECTORY if is_folder(item) else Kind.FILE
            size = int(length) if length.isdecimal() and kind is Kind.FILE else None
            name = unquote(item.href.rstrip("/").rpartition("/")[2])
            yield Trashed(name, Entry(path, kind, size), to_ns(item.get(_DELETED)))

    def put(self, path: str) -> Trashed:
        """Delete it, and find it in the trash."""
        storage = self._storage
        entry = storage.stat(paths.validate(path))
        if not path:
            raise Conflict("the root does not go into the trash", where=storage.where(path))
        before = {found.id for found in self.list() if found.entry.path == path}
        changing.delete(storage, path, folder=entry.is_dir)
        for found in self.list():
            if found.entry.path == path and found.id not in before:
                return found
        raise ProviderError(
            "it was removed, and is not in the trash",
            where=storage.where(path),
            hint="The cloud may have its trash switched off, or no room in it.",
        )

    def restore(self, id: str, to: str | None = None) -> Entry:  # noqa: A002 - the stores' own word
        """Bring it back to where it was, or to another path; never in the place of something else."""
        storage = self._storage
        found = next((one for one in self.list() if one.id == id), None)
        if found is None:
            raise NotFound("the trash has nothing of this id", where=id)
        target = paths.validate(found.entry.path if to is None else to)
        if not target or kind_of(storage, target) is not None:
            raise Conflict("something stands there again", where=storage.where(target))
        storage.folders.make(paths.split(target)[0])
        if to is None:
            destination = self._url(id, below="restore")
        else:
            destination = storage.dav.place.absolute(storage.cloud.files(target))
        answer = storage.dav.request(
            "MOVE",
            self._url(id),
            operation=Operation.UPLOAD,
            where=storage.where(target),
            headers={"destination": destination, "overwrite": "F"},
            ok=(404, 410),
        )
        if answer.status in GONE:
            raise NotFound("the trash has nothing of this id", where=id)
        return storage.stat(target)

    def clear(self) -> int:
        """Remove for good what was removed from this folder; how much there was."""
        count, everything = 0, not self._storage.cloud.folder
        for found in list(self.list()):
            count += 1
            if not everything:
                self._delete(found.id)
        if everything and count:
            self._delete("")
        return count

    def _delete(self, name: str) -> None:
        where = f"{self._storage.where('')} (trash)"
        self._storage.dav.request(
            "DELETE", self._url(name), operation=Operation.DELETE, where=where, ok=(404, 410)
        )
