"""Many small local files into memory."""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Sequence
from typing import TYPE_CHECKING

from skycap.core.errors import Error, Unsupported
from skycap.core.paths import printable
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.extras import BulkReader, BulkWriter
from skycap.core.storage.failures import translate
from skycap.core.storage.local.attributes import metadata_of
from skycap.core.storage.source import opened

if TYPE_CHECKING:
    from skycap.core.storage.memory.storage import Memory

_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class MemoryBulkReader(BulkReader):
    """One read after the other."""

    def __init__(self, storage: Memory) -> None:
        self._storage = storage

    def get(self, paths: Sequence[str], limit: int) -> Sequence[tuple[bytes, Entry] | Error]:
        """For each its content and entry, or what went wrong."""
        answers: list[tuple[bytes, Entry] | Error] = []
        for path in paths:
            try:
                entry = self._storage.stat(path)
                if not entry.is_file or (entry.size or 0) > limit:
                    raise Unsupported("it is no small file", where=printable(path))
                with self._storage.read(path) as reader:
                    answers.append((reader.read(), entry))
            except Error as error:
                answers.append(error)
        return answers

    def close(self) -> None:
        """Nothing is held."""


class MemoryBulk(BulkWriter):
    """One write after the other."""

    def __init__(self, storage: Memory, *, metadata: bool) -> None:
        self._storage = storage
        self._metadata = metadata

    def write(self, files: Sequence[tuple[str, str, int | None]]) -> Sequence[Error | None]:
        """For each what went wrong, or None."""
        answers: list[Error | None] = []
        for path, local, size in files:
            try:
                self._write(path, local, size)
            except Error as error:
                answers.append(error)
            except OSError as error:
                answers.append(translate(error, local))
            else:
                answers.append(None)
        return answers

    def _write(self, path: str, local: str, size: int | None) -> None:
        self._storage.checked(path)
        with open(os.open(local, _READ), "rb", buffering=0) as file:
            info = os.fstat(file.fileno())
            if not stat_module.S_ISREG(info.st_mode):
                raise Unsupported("it is not a regular file", where=printable(local))
            metadata = metadata_of(file.fileno(), info) if self._metadata else Metadata(info.st_mtime_ns)
            with opened(file, info.st_size if size is None else size) as reader:
                content = reader.read()
        self._storage.store(path, content, metadata, None)

    def put(self, contents: Sequence[tuple[str, bytes, Metadata | None]]) -> Sequence[Entry | Error]:
        """For each its entry, or what went wrong."""
        answers: list[Entry | Error] = []
        for path, content, metadata in contents:
            try:
                answers.append(self._storage.write(path, content, metadata=metadata))
            except Error as error:
                answers.append(error)
        return answers

    def close(self) -> None:
        """Nothing is held."""
