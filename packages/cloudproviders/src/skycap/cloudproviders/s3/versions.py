"""The history of an object, in a bucket that keeps one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from skycap.cloudproviders.s3 import copying
from skycap.cloudproviders.s3.listing import time_ns
from skycap.cloudproviders.s3.objects import md5_of
from skycap.cloudproviders.s3.page import Page
from skycap.core.errors import Conflict, NotFound
from skycap.core.storage.entry import Entry
from skycap.core.storage.extras import Version, Versions

if TYPE_CHECKING:
    from skycap.cloudproviders.s3.storage import S3


def find_version(storage: S3, path: str, etag: str) -> str | None:
    """The id of the newest state with this ETag."""
    for fields in _states(storage, path):
        if fields["kind"] == "Version" and _etag(fields) == etag:
            return fields["VersionId"]
    return None


class S3Versions(Versions):
    """Old states; a removal is a state too.

    A state is named by its ETag, as everywhere, or by its version id where a newer one has the same content.
    """

    def __init__(self, storage: S3) -> None:
        self._storage = storage

    def list(self, path: str) -> Iterator[Version]:
        """Newest first, as the store lists them."""
        seen: set[str] = set()
        for fields in _states(self._storage, path):
            deleted = fields["kind"] == "DeleteMarker"
            etag = None if deleted else _etag(fields)
            name = etag if etag is not None and etag not in seen else fields["VersionId"]
            seen.add(name)
            entry = Entry(
                path,
                size=None if deleted else int(fields.get("Size", "0")),
                stored_at_ns=time_ns(fields.get("LastModified", "")),
                version=name,
                hashes=(md5_of(etag) or None) if etag is not None else None,
            )
            yield Version(entry, latest=fields.get("IsLatest") == "true", deleted=deleted)
        if not seen:
            where = self._storage.where(path)
            raise NotFound("no such object, and none was there before", where=where)

    def restore(self, path: str, version: str) -> Entry:
        """Copy the old state over the new one."""
        storage = self._storage
        found = self._named(path, version)
        if found["kind"] == "DeleteMarker":
            raise Conflict("a removal cannot be restored", where=storage.where(path))
        copying.copy(storage, path, path, None, version=found["VersionId"])
        return storage.head(path)

    def remove(self, path: str, version: str) -> None:
        """Forget one state for good; of a removal: undo it."""
        found = self._named(path, version)
        self._storage.request("DELETE", path, query=[("versionId", found["VersionId"])])

    def _named(self, path: str, version: str) -> dict[str, str]:
        """The newest state of this ETag or version id.

        It is looked up among those the store lists: one that keeps no old states heeds no ids either, and
        would take what is there now for whatever is asked.
        """
        for fields in _states(self._storage, path):
            is_file = fields["kind"] == "Version"
            if version == fields["VersionId"] or (is_file and version == _etag(fields)):
                return fields
        raise NotFound(
            "no such version",
            where=self._storage.where(path),
            hint='"skycap versions" lists those there are.',
        )


def _states(storage: S3, path: str) -> Iterator[dict[str, str]]:
    key = storage.key(path)
    markers: list[tuple[str, str]] = []
    while True:
        query = [("versions", ""), ("prefix", key), ("encoding-type", "url"), *markers]
        try:
            answer = storage.client.request("GET", storage.bucket, query=query)
        except NotFound as error:
            raise storage.explain(error) from None
        page = Page(answer.body, storage.where(path), "ListVersionsResult")
        for kind, fields in page.items:
            if kind in {"Version", "DeleteMarker"} and page.text(page.need("Key", fields)) == key:
                yield {"VersionId": "null", **fields, "kind": kind}
        marker = page.next("NextKeyMarker")
        # Keys come in order: past this one there is nothing more of it.
        if marker is None or (after := page.text(marker)) > key:
            return
        version = page.fields.get("NextVersionIdMarker", "")
        markers = [("key-marker", after), ("version-id-marker", version)]


def _etag(fields: dict[str, str]) -> str:
    return f'"{fields.get("ETag", "").strip(chr(34))}"'
