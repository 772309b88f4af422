"""A ZIP archive as a storage to read from: `skycap copy ':zip,file=photos.zip:2024' ./photos`."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from skycap.core import paths
from skycap.core.errors import IntegrityError, NotFound
from skycap.core.hookspecs import Lazy, hookimpl
from skycap.core.storage import BinaryReader, Capability, Entry, Facts, Kind, Storage
from skycap.core.storage.options import StorageOptions, option


@dataclass(frozen=True, kw_only=True)
class ZipOptions(StorageOptions):
    """Options of the storage type `zip`."""

    file: str = option("The archive")


class Zip(Storage):
    """What is in one archive. Only `read` and `scan` are declared: every other verb refuses by itself."""

    type_name: ClassVar[str] = "zip"
    Options: ClassVar[type[StorageOptions]] = ZipOptions
    capabilities = frozenset({Capability.READ, Capability.LIST})
    facts = Facts(
        scan_fields=frozenset({"size", "version"}),
        metadata_fields=frozenset(),
        mtime_precision_ns=None,
        read_only=True,
    )

    def __init__(self, file: str) -> None:
        self.file = os.path.realpath(file)
        try:
            self._archive = zipfile.ZipFile(self.file)
        except FileNotFoundError as error:
            raise NotFound("there is no such archive", where=file) from error
        except zipfile.BadZipFile as error:
            raise IntegrityError("this is not a ZIP archive", where=file) from error
        # Names come from whoever made the archive: `normalise` refuses those that would leave it.
        self._files = {
            paths.normalise(one.filename): one for one in self._archive.infolist() if not one.is_dir()
        }

    @classmethod
    def open(cls, options: ZipOptions, path: str) -> tuple[Zip, str]:
        return cls(options.file), path

    @property
    def identity(self) -> str:
        return f"zip:{self.file}"

    def stat(self, path: str) -> Entry:
        if paths.validate(path) in self._files:
            info = self._files[path]
            return Entry(path, Kind.FILE, info.file_size, version=f"{info.CRC:08x}")
        if not path or any(name.startswith(f"{path}/") for name in self._files):
            return Entry(path, Kind.DIRECTORY)
        raise NotFound("the archive has no such file", where=path)

    def scan(self, path: str) -> Iterator[Entry]:
        if not self.stat(path).is_dir:
            raise NotFound("it is a file, not a directory", where=path)
        prefix = f"{path}/" if path else ""
        inside = (name.removeprefix(prefix) for name in self._files if name.startswith(prefix))
        below = {prefix + name.split("/")[0] for name in inside}
        yield from map(self.stat, sorted(below))

    @contextmanager
    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> Iterator[BinaryReader]:
        if version is not None:
            self.refuse(Capability.READ_VERSION, path)
        if not self.stat(path).is_file:
            raise NotFound("it is a directory", where=path)
        with self._archive.open(self._files[path]) as stream:
            stream.seek(offset)
            yield stream if length is None else _First(stream, length)

    def close(self) -> None:
        self._archive.close()


class _First:
    """The first bytes of a stream."""

    def __init__(self, stream: BinaryReader, length: int) -> None:
        self._stream, self._left = stream, length

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


@hookimpl
def register_storage_types() -> Iterator[Lazy]:
    yield Lazy("zip", "A ZIP archive, to read from", "skycap_zip:Zip")
