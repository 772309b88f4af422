"""The history of an object, in a bucket that keeps one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from skycap.cloudproviders.s3 import copying
from skycap.cloudproviders.s3.listing import Page, time_ns
from skycap.cloudproviders.s3.objects import md5_of
from skycap.core.errors import NotFound
from skycap.core.storage.entry import Entry
from skycap.core.storage.extras import Version, Versions

if TYPE_CHECKING:
    from skycap.cloudproviders.s3.storage import S3


_Markers = list[tuple[str, str]]


class S3Versions(Versions):
    """Old states by version id; a removal is a state too."""

    def __init__(self, storage: S3) -> None:
        self._storage = storage

    def list(self, path: str) -> Iterator[Version]:
        """Newest first, as the store lists them."""
        storage, key = self._storage, self._storage.key(path)
        found = False
        markers: _Markers = []
        while True:
            query = [("versions", ""), ("prefix", key), ("encoding-type", "url"), *markers]
            answer = storage.client.request("GET", storage.bucket, query=query)
            page = Page(answer.body, storage.where(path))
            for kind, fields in page.items:
                if kind in {"Version", "DeleteMarker"} and page.text(fields["Key"]) == key:
                    found = True
                    yield _version(path, fields, deleted=kind == "DeleteMarker")
            after = page.text(page.fields.get("NextKeyMarker", ""))
            # Keys come in order: past this one there is nothing more of it.
            if not page.more or not after or after > key:
                break
            markers = [
                ("key-marker", after),
                ("version-id-marker", page.fields.get("NextVersionIdMarker", "")),
            ]
        if not found:
            raise NotFound("no such object, and none was there before", where=storage.where(path))

    def restore(self, path: str, version: str) -> Entry:
        """Copy the old state over the new one."""
        copying.copy(self._storage, path, path, None, version=version)
        return self._storage.head(path)

    def remove(self, path: str, version: str) -> None:
        """Forget one state for good; of a removal: undo it."""
        try:
            self._storage.request("DELETE", path, query=[("versionId", version)])
        except NotFound as error:
            if error.message.startswith("there is no bucket"):
                raise


def _version(path: str, fields: dict[str, str], *, deleted: bool) -> Version:
    etag = fields.get("ETag", "")
    entry = Entry(
        path,
        size=None if deleted else int(fields.get("Size", "0")),
        stored_at_ns=time_ns(fields.get("LastModified", "")),
        version=fields.get("VersionId") or "null",
        hashes=md5_of(etag if etag.startswith('"') else f'"{etag}"') or None,
    )
    return Version(entry, latest=fields.get("IsLatest") == "true", deleted=deleted)
