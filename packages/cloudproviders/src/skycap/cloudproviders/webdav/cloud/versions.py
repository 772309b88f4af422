"""The old versions that a cloud keeps of a file. They are named by the time of the file they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from skycap.cloudproviders.webdav.dates import SECOND_NS, to_ns
from skycap.cloudproviders.webdav.errors import GONE
from skycap.cloudproviders.webdav.listing import look
from skycap.cloudproviders.webdav.properties import FILE_ID, LENGTH, MODIFIED, TYPE, is_folder
from skycap.core import paths
from skycap.core.errors import NotFound, Unsupported
from skycap.core.retry import Operation
from skycap.core.storage.entry import Entry, Kind
from skycap.core.storage.extras import Version, Versions

if TYPE_CHECKING:
    from skycap.cloudproviders.webdav.storage import WebDav


class CloudVersions(Versions):
    """The history of a file that is there; that of a removed one waits in the trash with it."""

    def __init__(self, storage: WebDav) -> None:
        self._storage = storage

    def _folder(self, file_id: str) -> str:
        cloud, place = self._storage.cloud, self._storage.dav.place
        return place.absolute(cloud.dav("versions", cloud.user, "versions", file_id))

    def _look(self, path: str) -> tuple[Entry, str]:
        entry, item = look(self._storage, paths.validate(path), FILE_ID)
        file_id = item.get(FILE_ID)
        if entry.is_dir or file_id is None:
            raise Unsupported("only files have versions", where=self._storage.where(path))
        return entry, file_id

    def url(self, path: str, version: str) -> str:
        """Where the content of an old version is."""
        return f"{self._folder(self._look(path)[1])}/{quote(version, safe='')}"

    def list(self, path: str) -> Iterator[Version]:
        """What is there now, and what was before it, newest first."""
        entry, file_id = self._look(path)
        yield Version(entry, latest=True)
        where = self._storage.where(path)
        names = (TYPE, LENGTH, MODIFIED)
        old: list[tuple[int, Version]] = []
        for item in self._storage.dav.propfind(self._folder(file_id), "1", names, where=where):
            name = unquote(item.href.rstrip("/").rpartition("/")[2])
            # Newer clouds list what is there now as well.
            if is_folder(item) or not name.isdecimal() or int(name) * SECOND_NS == entry.mtime_ns:
                continue
            length = item.get(LENGTH) or ""
            size = int(length) if length.isdecimal() else None
            mtime_ns = to_ns(item.get(MODIFIED)) or int(name) * SECOND_NS
            old.append((int(name), Version(Entry(path, Kind.FILE, size, mtime_ns, version=name))))
        for _, version in sorted(old, key=lambda pair: -pair[0]):
            yield version

    def restore(self, path: str, version: str) -> Entry:
        """Make an old one the newest; what is there now becomes an old one."""
        storage, where = self._storage, self._storage.where(path)
        cloud = storage.cloud
        target = storage.dav.place.absolute(cloud.dav("versions", cloud.user, "restore", "target"))
        answer = storage.dav.request(
            "MOVE",
            self.url(path, version),
            operation=Operation.UPLOAD,
            where=where,
            headers={"destination": target},
            ok=(404, 410),
        )
        if answer.status in GONE:
            raise NotFound("there is no such version", where=where, hint='"skycap versions" lists them.')
        return storage.stat(path)
