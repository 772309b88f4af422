"""Folders: made with those above them, and one request less where they are known to be there."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from skycap.cloudproviders.webdav.errors import error_of
from skycap.core import paths
from skycap.core.errors import Conflict, NotFound
from skycap.core.http import Response
from skycap.core.retry import Operation
from skycap.core.storage.entry import Kind

if TYPE_CHECKING:
    from skycap.cloudproviders.webdav.storage import WebDav

_STANDS = frozenset({301, 403, 405, 423})
"""How servers refuse to make a folder that may be there already."""
_MISSING = frozenset({404, 409})


def kind_of(storage: WebDav, path: str) -> Kind | None:
    """What is at a path; None if nothing is."""
    try:
        return storage.stat(path).kind
    except NotFound:
        return None


class Folders:
    """Makes folders, and remembers for a while which ones are known to be there."""

    _MOST = 4096

    def __init__(self, storage: WebDav) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def make(self, path: str, *, look: bool = False) -> None:
        """Make a folder and those above it; with `look`, also one that was there a moment ago."""
        if not look and self._is_known(path):
            return
        storage = self._storage
        where = storage.where(path)
        if not path:
            self._make_root()
        else:
            answer = self._mkcol(path)
            if answer.status in _MISSING:
                parent = paths.split(path)[0]
                self.forget(parent)
                self.make(parent)
                answer = self._mkcol(path)
            if answer.status in _STANDS or answer.status in _MISSING:
                self._must_be_folder(path, answer, where)
        self._remember(path)

    def _make_root(self) -> None:
        storage = self._storage
        if kind_of(storage, "") is None:
            answer = self._mkcol("")
            if answer.status >= 300:
                self._must_be_folder("", answer, storage.where(""))

    def _mkcol(self, path: str) -> Response:
        storage = self._storage
        return storage.dav.request(
            "MKCOL",
            storage.dav.place.url(path, folder=True),
            operation=Operation.UPLOAD,
            where=storage.where(path),
            ok=(403, 404, 405, 409, 423),
        )

    def _must_be_folder(self, path: str, answer: Response, where: str) -> None:
        kind = kind_of(self._storage, path)
        if kind is Kind.FILE:
            raise Conflict("a file stands where a directory is needed", where=where)
        if kind is None:
            above = paths.split(path)[0]
            if above and kind_of(self._storage, above) is Kind.FILE:
                raise Conflict("a file stands where a directory is needed", where=where)
            raise error_of(
                answer.status, answer.headers, answer.body, where=where, operation=Operation.UPLOAD
            )

    def forget(self, path: str) -> None:
        """It may be gone, and all below it."""
        with self._lock:
            below = f"{path}/" if path else ""
            self._known = {one for one in self._known if one != path and not one.startswith(below)}

    def _is_known(self, path: str) -> bool:
        with self._lock:
            return path in self._known

    def _remember(self, path: str) -> None:
        with self._lock:
            if len(self._known) >= self._MOST:
                self._known.clear()
            self._known.add(path)


def make_dir(storage: WebDav, path: str) -> None:
    """One MKCOL, and more where folders above are missing."""
    storage.folders.make(path, look=True)
