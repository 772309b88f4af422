"""The last step of a write: a file is made of an object, or gets it in the place of its old one.

An object that no file came of is removed again, but only where that is sure: an answer that was lost on the
way says nothing, so what is there is looked at first. The server removes an object that a file is given
twice, so that is never sent on a guess either.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from skycap.core import paths
from skycap.core.errors import Conflict, Error, NotFound
from skycap.core.retry import Caller, Policy
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Metadata
from skycap.internxt.api import files
from skycap.internxt.api.models import EXISTS, MS_NS, File, Folder

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt

_ROUNDS = 8
_PATIENT = Policy(attempts=4, base_s=0.3, cap_s=8.0, total_timeout_s=60.0)
_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Object:
    """What a file is made of: an object in the bucket, or nothing for an empty one."""

    file_id: str | None
    size: int


def name_object(
    storage: Internxt,
    path: str,
    made: Object,
    metadata: Metadata | None,
    condition: Condition | None = None,
) -> File:
    """The file at a path, with this object as its content; `Conflict` where the condition does not hold."""
    naming = _Naming(storage, path, made, metadata, condition)
    try:
        file = naming.run()
    except BaseException as error:
        naming.clean_up(error)
        raise
    storage.cache.wrote_file(path, file)
    return file


class _Naming:
    def __init__(
        self,
        storage: Internxt,
        path: str,
        made: Object,
        metadata: Metadata | None,
        condition: Condition | None,
    ) -> None:
        self._storage = storage
        self._path = path
        self._where = storage.where(path)
        self._made = made
        self._mtime_ns = metadata.mtime_ns if metadata is not None else None
        self._condition = condition
        self._unsure = False
        """Whether a request was sent of which nobody knows what came of it."""

    def run(self) -> File:
        """Make, or replace, whatever it takes: others may do the same at this moment."""
        file: File | None = None
        for _ in range(_ROUNDS):
            there = self._storage.places.target(self._path)
            if isinstance(there, Folder):
                raise Conflict("a directory stands there", where=self._where)
            file = self._create() if there is None else self._replace(there)
            if file is not None:
                return file
            self._storage.cache.forget(self._path)
        raise Conflict(
            "others change it all the time", where=self._where, hint="Run the command again.", retryable=True
        )

    def _create(self) -> File | None:
        """Make a file; None where one is there already."""
        storage = self._storage
        parent, name = paths.split(self._path)
        within = storage.places.make(parent)

        def create() -> File:
            if self._unsure and (ours := self._ours()) is not None:
                return ours
            return self._surely(
                lambda: files.create(
                    storage.api,
                    within.folder.uuid,
                    name,
                    bucket=storage.bucket,
                    file_id=self._made.file_id,
                    size=self._made.size,
                    mtime_ns=self._mtime_ns,
                    where=self._where,
                )
            )

        try:
            return Caller(_PATIENT)(lambda: storage.places.in_young(within, create))
        except NotFound:
            if not parent:
                raise
            storage.cache.forget(parent)  # somebody removed the folder; it is made again
            return None
        except Conflict:
            storage.cache.forget(self._path)
            if (ours := self._ours()) is not None:
                return ours
            if self._condition is not None:
                raise Conflict("it exists already", where=self._where) from None
            return None

    def _replace(self, there: File) -> File | None:
        """Give the file that is there our object; None where it is gone meanwhile."""
        storage, mtime_ns = self._storage, self._mtime_ns or time.time_ns()
        if self._made.file_id is not None and there.file_id == self._made.file_id:
            return there
        if self._condition is not None:
            raise Conflict("it exists already", where=self._where)

        def replace_it() -> None:
            if self._unsure and self._has_ours(there):
                return
            self._surely(
                lambda: files.replace(
                    storage.api,
                    there.uuid,
                    file_id=self._made.file_id,
                    size=self._made.size,
                    mtime_ns=mtime_ns,
                    where=self._where,
                )
            )

        try:
            Caller(_PATIENT)(replace_it)
        except NotFound:
            return None
        except Error:
            if self._is_gone(there):
                return None
            raise
        kept = mtime_ns // MS_NS * MS_NS
        return replace(there, file_id=self._made.file_id, size=self._made.size, mtime_ns=kept)

    def _has_ours(self, there: File) -> bool:
        now = files.meta(self._storage.api, there.uuid, where=self._where)
        return now.status == EXISTS and now.file_id is not None and now.file_id == self._made.file_id

    def _is_gone(self, there: File) -> bool:
        try:
            return files.meta(self._storage.api, there.uuid, where=self._where).status != EXISTS
        except NotFound:
            return True
        except Error:
            return False

    def _surely(self, call: Callable[[], T]) -> T:
        """The call, remembering where it is not known what came of it."""
        try:
            found = call()
        except Error as error:
            # What was answered was not done. Only where the answer is missing, or is that of a machine
            # between, may it have been done all the same.
            if error.retryable:
                self._unsure = True
            raise
        self._unsure = False
        return found

    def _ours(self) -> File | None:
        """The file, if it is there with our object: an earlier try made it, and its answer was lost."""
        self._storage.cache.forget(self._path)
        there = self._storage.places.find(self._path)
        if not isinstance(there, File) or there.file_id != self._made.file_id:
            return None
        return there if self._made.file_id is not None and there.size == self._made.size else None

    def clean_up(self, error: BaseException) -> None:
        """Remove the object where it is sure that no file has it."""
        file_id, storage = self._made.file_id, self._storage
        if file_id is None:
            return
        try:
            if self._unsure and self._ours() is not None:
                return
            if self._unsure:
                # It is not there now; but a server that is slow may still make it of what it was sent.
                _log.warning("%s: its bytes may be left in the store, with no file to them", self._where)
                return
            files.delete_object(storage.api, storage.bucket, file_id, where=self._where)
        except Error as failed:
            error.add_note(f"what was sent is left in the store, with no file to it: {failed.message}")
