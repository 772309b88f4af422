"""Many small files at once: in child processes where that pays and can be done, else here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from skycap.core.errors import Error
from skycap.core.forking import Children, supported
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.extras import BulkReader, BulkWriter
from skycap.core.storage.local.batch import copy_files, read_contents, umask, write_contents

P = ParamSpec("P")
R = TypeVar("R")


class _Bulk:
    """Hands batches to a few children, which share it."""

    def __init__(self, root: str) -> None:
        self._root = root
        count = min(max(os.cpu_count() or 1, 1), 4)
        umask()  # before the fork: it is looked up once
        self._children = Children(count) if supported() and count > 1 else None

    def close(self) -> None:
        """End the child processes."""
        if self._children is not None:
            self._children.close()

    def _call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        if self._children is not None:
            with contextlib.suppress(BrokenPipeError):  # what a dead child did not finish is done here
                return self._children.call(function, *args, **kwargs)
        return function(*args, **kwargs)


class LocalBulkReader(_Bulk, BulkReader):
    """Many small files read at once."""

    def get(self, paths: Sequence[str], limit: int) -> Sequence[tuple[bytes, Entry] | Error]:
        """For each its content and entry, or what went wrong."""
        return self._call(read_contents, self._root, paths, limit)


class LocalBulkWriter(_Bulk, BulkWriter):
    """Many small files written at once."""

    def __init__(self, root: str, *, metadata: bool, sync: bool) -> None:
        super().__init__(root)
        self._metadata, self._sync = metadata, sync

    def write(self, files: Sequence[tuple[str, str, int | None]]) -> Sequence[Error | None]:
        """Copy them; for each what went wrong, or None."""
        return self._call(copy_files, self._root, files, self._metadata, self._sync)

    def put(self, contents: Sequence[tuple[str, bytes, Metadata | None]]) -> Sequence[Entry | Error]:
        """Write them; for each its entry, or what went wrong."""
        return self._call(write_contents, self._root, contents, self._sync)
