"""From a path to what is there: looked up by name in the folder it is in, which is found by its whole path.

A folder of any depth costs one request, and a file in a known folder another. Clients keep one name in more
than one form, and the service takes a folder beside a file of the same name; here a path is one thing: the
file if there is one, and of two forms the one that was there first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NoReturn, TypeVar

from skycap.core import paths
from skycap.core.errors import Conflict, Error, NotFound, UploadFailed
from skycap.core.retry import Caller, Policy
from skycap.internxt.api import folders
from skycap.internxt.api.folders import FolderGone
from skycap.internxt.api.models import EXISTS, File, Folder, Item
from skycap.internxt.names import forms
from skycap.internxt.storage.cache import Known

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt

_YOUNG_S = 30.0
"""So long after it was made, a folder that the service does not know is only not known yet."""
_PATIENT = Policy(attempts=8, base_s=0.2, cap_s=2.0, total_timeout_s=_YOUNG_S)
T = TypeVar("T")


class Places:
    """Paths of one account. Threads share it."""

    def __init__(self, storage: Internxt) -> None:
        self._storage = storage
        self._cache = storage.cache
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    # Looking

    def folder(self, path: str) -> Known:
        """The folder at a path; `NotFound`."""
        if (known := self._cache.folder(path)) is not None:
            return known
        where = self._storage.where(path)
        try:
            if len(path) < folders.PATH_MAX:
                found = folders.by_path(self._storage.api, path, where=where)
            else:
                found = self._folder_in(path, where)
        except NotFound:
            if (made := self._young(path)) is not None:
                return made
            self._cache.saw_nothing(path)
            raise
        return self._cache.saw_folder(path, found)

    def _folder_in(self, path: str, where: str) -> Folder:
        parent, name = paths.split(path)
        within = self.folder(parent)
        found = folders.existing_folders(self._storage.api, within.folder.uuid, [name], where=where)
        return next((one for one in found if one.name == name), None) or _absent(where)

    def item(self, path: str, *, cached: bool = False) -> Item:
        """What is at a path; `NotFound`. With `cached` it may be what was seen not long ago."""
        if not path:
            return self.folder("").folder
        if cached and (known := self._cache.child(path)) is not None:
            return known
        try:
            return self._look(path)
        except FolderGone:
            self._cache.forget(paths.split(path)[0])
            return self._look(path)

    def _look(self, path: str) -> Item:
        parent, name = paths.split(path)
        where = self._storage.where(path)
        try:
            within = self.folder(parent)
        except NotFound as error:
            error.where = where
            raise
        if self._nothing_in(within, name):
            raise NotFound("nothing is there", where=where)
        uuid, api = within.folder.uuid, self._storage.api
        if (file := chosen(name, folders.existing_files(api, uuid, forms(name), where=where))) is not None:
            return file
        for folder in folders.existing_folders(api, uuid, [name], where=where):
            if folder.name == name:
                self._cache.saw_folder(path, folder)
                return folder
        if (made := self._young(path)) is not None:
            return made.folder
        self._cache.saw_nothing(path)
        raise NotFound("nothing is there", where=where)

    def _nothing_in(self, known: Known, name: str) -> bool:
        """Whether we made the folder a moment ago, and know that it does not hold that."""
        young = known.made_at is not None and self._cache.now() - known.made_at < self._storage.settle_s
        return young and name not in known.names

    def find(self, path: str, *, cached: bool = False) -> Item | None:
        """The same, None for nothing."""
        try:
            return self.item(path, cached=cached)
        except NotFound:
            return None

    def target(self, path: str) -> Item | None:
        """What a write to a path meets: what is there, or None if there is nothing."""
        if self._cache.is_absent(path):
            return None
        return self.find(path, cached=True)

    # Making

    def make(self, path: str) -> Known:
        """The folder at a path, made with those above it if need be; `Conflict` where a file stands there."""
        if (known := self._cache.folder(path)) is not None:
            return known
        with self._one_at_a_time(path):
            try:
                return self.folder(path)
            except NotFound:
                return self._make_in(path)

    def _make_in(self, path: str) -> Known:
        parent, name = paths.split(path)
        where = self._storage.where(path)
        for last in (False, True):
            within = self.make(parent)
            try:
                self._not_a_file(within, path, name, where)
                create = partial(folders.create, self._storage.api, within.folder.uuid, name, where=where)
                made = self.in_young(within, create)
                return self._cache.made_folder(path, made)
            except NotFound:
                self._cache.forget(parent)
                if last or not parent:
                    raise
            except Conflict:
                found = self.find(path)
                if isinstance(found, Folder):
                    return self._cache.saw_folder(path, found)
                raise
            except Error as error:
                # It may have been made, and only the answer was lost.
                if error.retryable and isinstance(self.find(path), Folder):
                    return self.folder(path)
                raise
        raise AssertionError("unreachable")

    def _not_a_file(self, within: Known, path: str, name: str, where: str) -> None:
        if self._cache.is_absent(path) or self._nothing_in(within, name):
            return
        found = folders.existing_files(self._storage.api, within.folder.uuid, forms(name), where=where)
        if chosen(name, found) is not None:
            raise Conflict("a file stands where a directory is needed", where=where)

    @contextmanager
    def _one_at_a_time(self, path: str) -> Iterator[None]:
        with self._lock:
            lock = self._making.setdefault(path, threading.Lock())
        try:
            with lock:
                yield
        finally:
            with self._lock:
                self._making.pop(path, None)

    def in_young(self, parent: Known, call: Callable[[], T]) -> T:
        """A call that needs a folder which the service may not know everywhere yet, if we just made it."""
        if parent.made_at is None:
            return call()
        age = self._cache.now() - parent.made_at
        if age < self._storage.settle_s:
            time.sleep(self._storage.settle_s - age)
        if age > _YOUNG_S:
            return call()

        def try_it() -> T:
            try:
                return call()
            except NotFound as error:
                if self._was_removed(parent):
                    raise
                raise _NotYet(error) from None

        try:
            return Caller(_PATIENT)(try_it)
        except _NotYet as error:
            raise error.real from None

    def _young(self, path: str) -> Known | None:
        """The folder that we made at a path a moment ago, if the service only does not know it yet."""
        made = self._cache.made(path, _YOUNG_S)
        return made if made is not None and not self._was_removed(made) else None

    def _was_removed(self, known: Known) -> bool:
        """Whether somebody removed a folder, or moved it."""
        try:
            found = folders.meta(self._storage.api, known.folder.uuid, where=self._storage.where(""))
        except NotFound:
            return False  # it is not known at all, yet
        same = (found.parent, found.name) == (known.folder.parent, known.folder.name)
        return found.status != EXISTS or not same

    # The other way

    def path_of(self, folder: str) -> str | None:
        """The path of a folder by its id; None where it is not to be reached from the root."""
        if (known := self._cache.path_of(folder)) is not None:
            return known
        where = self._storage.where("")
        try:
            found = {one.uuid: one for one in folders.ancestors(self._storage.api, folder, where=where)}
        except NotFound:
            return None
        root, names, uuid = self._storage.root, [], folder
        while uuid != root:
            one = found.pop(uuid, None)
            if one is None or one.status != EXISTS or not one.name:
                return None
            names.append(one.name)
            uuid = one.parent
        path = "/".join(reversed(names))
        if folder != root and (own := names[:1]):
            self._cache.saw_folder(path, Folder(folder, own[0]))
        return path


class _NotYet(UploadFailed):
    """What is said of a folder that is not known yet; it may be tried again."""

    def __init__(self, real: NotFound) -> None:
        super().__init__(real.message, where=real.where)
        self.real = real


def _absent(where: str) -> NoReturn:
    raise NotFound("nothing is there", where=where)


def chosen(name: str, found: Iterable[File]) -> File | None:
    """Of files that were found, the one of this name; of two in different forms the first one."""
    same = [file for file in found if file.name == name and file.status == EXISTS]
    return min(same, key=lambda file: file.id) if same else None
