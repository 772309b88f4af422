"""Old states of a file, where the plan of the account keeps any: of documents (pdf, docx, xlsx, csv) only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from skycap.core import paths
from skycap.core.errors import NotFound
from skycap.core.storage.entry import Entry
from skycap.core.storage.extras import Version, Versions
from skycap.internxt.api import files
from skycap.internxt.api.models import File, OldVersion
from skycap.internxt.storage.reading import file_at

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt


class FileVersions(Versions):
    """States are named by the ids of their objects."""

    def __init__(self, storage: Internxt) -> None:
        self._storage = storage

    def list(self, path: str) -> Iterator[Version]:
        """Newest first."""
        storage = self._storage
        file = file_at(storage, paths.validate(path), cached=False)
        yield Version(storage.entry(path, file), latest=True)
        for old in files.versions(storage.api, file.uuid, where=storage.where(path)):
            if old.file_id == file.file_id:
                continue
            yield Version(
                Entry(
                    path,
                    size=old.size,
                    mtime_ns=old.mtime_ns,
                    stored_at_ns=old.created_ns,
                    version=old.file_id,
                    hashes=storage.hashes_of([old.file_id]).get(old.file_id),
                )
            )

    def restore(self, path: str, version: str) -> Entry:
        """Make an old state the newest one."""
        file, old = self._named(path, version)
        files.restore_version(self._storage.api, file.uuid, old.id, where=self._storage.where(path))
        self._storage.cache.forget(path)
        return self._storage.stat(path)

    def remove(self, path: str, version: str) -> None:
        """Forget an old state for good."""
        file, old = self._named(path, version)
        files.remove_version(self._storage.api, file.uuid, old.id, where=self._storage.where(path))

    def _named(self, path: str, version: str) -> tuple[File, OldVersion]:
        where = self._storage.where(path)
        file = file_at(self._storage, paths.validate(path), cached=False)
        for old in files.versions(self._storage.api, file.uuid, where=where):
            if version in {old.file_id, old.id}:
                return file, old
        raise NotFound("no such version", where=where, hint='"skycap versions" lists those there are.')
