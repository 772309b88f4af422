"""What a sync is going to remove: collected while it copies, shown before it happens, done last."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import IO

from skycap.core.errors import ConfirmationRequired, DeleteFailed, Error, Interrupted
from skycap.core.location import Location
from skycap.core.paths import to_bytes
from skycap.core.storage.capability import Capability
from skycap.core.transfer.plan import Action
from skycap.core.units import format_count

_BATCH = 1000
_IN_MEMORY = 256 * 1024
_LENGTH = struct.Struct("<I")
_BLOCK = 64 * 1024


class Removals:
    """Paths to remove, on disk beyond some thousands, so that a million costs no memory."""

    def __init__(self, target: Location, limit: int | None, *, allow_emptying: bool = False) -> None:
        self._target = target
        self._limit = limit
        self._allow_emptying = allow_emptying
        self.source_is_empty = False
        self._file_count = 0
        self.count = 0
        self.bytes = 0

    @cached_property
    def _files(self) -> IO[bytes]:
        return _spool()

    @cached_property
    def _dirs(self) -> IO[bytes]:
        return _spool()

    def add(self, action: Action) -> None:
        """One more to go."""
        entry, path = action.target, to_bytes(action.path)
        self.count += 1
        if entry is not None and entry.is_dir:
            self._dirs.write(path + _LENGTH.pack(len(path)))
        else:
            self._files.write(path + b"\0")
            self._file_count += 1
            self.bytes += (entry.size or 0) if entry else 0

    def check(self) -> None:
        """`ConfirmationRequired` if there are more than the limit allows."""
        if self._limit is not None and self.count > self._limit:
            raise ConfirmationRequired(
                f"{format_count(self.count, 'item')} would be removed, more than the {self._limit} "
                "that --max-delete allows; nothing was removed",
                where=self._target.shown(),
                hint="Look at them with --dry-run, and raise --max-delete if they should go.",
            )

    @property
    def emptying(self) -> bool:
        """Whether files are to go though the source has none: it may be a disk that is not mounted."""
        return self.source_is_empty and self._file_count > 0

    def allow_emptying(self) -> None:
        """Somebody who was told that the source is empty agreed."""
        self._allow_emptying = True

    def check_emptying(self, source: Location) -> None:
        """`ConfirmationRequired` if the source is empty and nobody said that it may be."""
        if self.emptying and not self._allow_emptying:
            raise ConfirmationRequired(
                f"no file is there, and {format_count(self.count, 'item')} at the target would be removed; "
                "nothing was removed",
                where=source.shown(),
                hint="Is it mounted, and do the filters fit? If the target should be emptied, "
                "say --allow-empty-source.",
            )

    def paths(self) -> Iterator[str]:
        """Files first, then directories, each below its parent first."""
        if not self.count:
            return
        yield from map(_text, _forward(self._files))
        yield from map(_text, _backward(self._dirs))

    def run(self, cancel: threading.Event) -> Iterator[tuple[str, Error | None]]:
        """Remove them; each path with what went wrong, or None."""
        remaining = self.paths()
        files = islice(remaining, self._file_count)
        if self._target.storage.can(Capability.REMOVE_MANY):
            while not cancel.is_set() and (batch := list(islice(files, _BATCH))):
                yield from self._together(batch)
        else:
            yield from self._one_by_one(files, cancel)
        yield from self._one_by_one(remaining, cancel)

    def _together(self, batch: list[str]) -> Iterator[tuple[str, Error | None]]:
        waiting = {self._target.below(path): path for path in batch}
        lost: Error = DeleteFailed("the store did not answer for it", where=self._target.shown())
        try:
            for full, failure in self._target.storage.remove_many(list(waiting)):
                yield waiting.pop(full), _failed(failure)
        except Interrupted:
            raise
        except Error as error:  # the request itself: nobody knows about the rest of them
            lost = error
        for path in waiting.values():
            yield path, _failed(lost)

    def _one_by_one(
        self, paths: Iterator[str], cancel: threading.Event
    ) -> Iterator[tuple[str, Error | None]]:
        for path in paths:
            if cancel.is_set():
                return
            failure: Error | None = None
            try:
                self._target.storage.remove(self._target.below(path))
            except Interrupted:
                raise
            except Error as error:
                failure = error
            yield path, _failed(failure)

    def close(self) -> None:
        """Let go of the list."""
        for name in {"_files", "_dirs"} & vars(self).keys():
            getattr(self, name).close()


def _failed(error: Error | None) -> Error | None:
    if error is None or isinstance(error, DeleteFailed):
        return error
    return DeleteFailed(error.message, where=error.where, hint=error.hint)


def _spool() -> IO[bytes]:
    import tempfile

    return tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+b")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _forward(file: IO[bytes]) -> Iterator[bytes]:
    """Paths with a NUL behind each, as they were written."""
    file.seek(0)
    rest = b""
    while block := file.read(_BLOCK):
        *whole, rest = (rest + block).split(b"\0")
        yield from whole
    file.seek(0, os.SEEK_END)


def _backward(file: IO[bytes]) -> Iterator[bytes]:
    """Paths with their length behind each, the last one first."""
    end = file.seek(0, os.SEEK_END)
    while end:
        file.seek(end - _LENGTH.size)
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        end = file.seek(end - _LENGTH.size - length)
        yield file.read(length)
    file.seek(0, os.SEEK_END)
