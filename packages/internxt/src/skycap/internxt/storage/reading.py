"""Reading: a stream of plain bytes, checked against the hash of the object where all of it is read.

A stream that breaks off goes on by itself at the byte where it broke, so that its hash is still taken over
the whole. The last bytes are given only once that hash is right.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skycap.core.errors import Conflict, DownloadFailed, Error, IntegrityError, NotFound
from skycap.core.retry import Caller, Policy
from skycap.core.storage.entry import Entry
from skycap.core.storage.failures import translate
from skycap.core.storage.source import COPY_BUFFER, BinaryReader, read_exactly
from skycap.internxt.api import files, network
from skycap.internxt.api.models import File, ObjectInfo
from skycap.internxt.crypto.content import Content
from skycap.internxt.crypto.shards import ShardHash
from skycap.internxt.storage.sealing import AHEAD_FROM, PIECE, Ahead, Joined

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt

_TRIES = 5
_KEPT = 64
_PATIENT = Policy(attempts=_TRIES, base_s=0.3, cap_s=20.0)


def file_at(storage: Internxt, path: str, version: str | None = None, *, cached: bool = True) -> File:
    """The file at a path, with the object of an old version if one is asked for."""
    item = storage.places.item(path, cached=cached)
    if not isinstance(item, File):
        raise Conflict("it is a directory", where=storage.where(path))
    if version is None or item.version == version:
        return item
    for old in files.versions(storage.api, item.uuid, where=storage.where(path)):
        if old.file_id == version:
            return File(item.uuid, item.name, old.size, old.file_id, item.folder, item.bucket, old.mtime_ns)
    raise NotFound(
        "no such version", where=storage.where(path), hint='"skycap versions" lists those there are.'
    )


class Replaced(DownloadFailed):
    """The object that was read is gone: the file has another one, or is gone too."""


class Source:
    """An object that can be read: its keys, and a link to it that is asked for again where one expires."""

    def __init__(self, storage: Internxt, path: str, version: str | None) -> None:
        self._storage = storage
        self.path = path
        self.where = storage.where(path)
        self._version = version
        self.file, self.info = self._find()
        self.entry = storage.entry(path, self.file)
        if self.info is not None:
            self.content = Content(storage.keys(self.file.bucket).file(self.info.index), self.info.index)

    @property
    def size(self) -> int:
        """Bytes of the whole."""
        return self.file.size

    def _find(self) -> tuple[File, ObjectInfo | None]:
        """The file, and its object. Somebody may replace it between the two questions: ask both again."""
        for turn in range(_TRIES):
            file = file_at(self._storage, self.path, self._version, cached=turn == 0)
            if file.file_id is None:
                return file, None
            try:
                return file, self._ask(file)
            except NotFound:
                self._storage.cache.forget(self.path)
        raise DownloadFailed("its content is gone from the store", where=self.where, retryable=False)

    def _ask(self, file: File) -> ObjectInfo:
        bucket = file.bucket or self._storage.bucket
        info = network.info(self._storage.api, bucket, file.file_id or "", where=self.where)
        if info.size != file.size:
            raise IntegrityError(
                f"the store holds {info.size} bytes of the {file.size} of the file", where=self.where
            )
        return info

    def renew(self) -> None:
        """Ask for another link; the object must be the same one still."""
        try:
            self.info = self._ask(self.file)
        except NotFound:
            raise Replaced(
                "it was replaced while it was read",
                where=self.where,
                hint="Run the command again: it begins anew with the new content.",
                retryable=False,
            ) from None

    @contextmanager
    def stream(self, offset: int, length: int) -> Iterator[BinaryReader]:
        """The cipher text of a range, as it comes."""
        assert self.info is not None  # noqa: S101 - an empty file has no range
        url = self.info.url
        with self._storage.objects.get(url, offset, length, self.size, where=self.where) as stream:
            yield stream


class Cipher:
    """The cipher text of a range, from as many streams as it takes."""

    def __init__(self, source: Source, offset: int, length: int) -> None:
        self._source = source
        self._at = offset
        self._left = length
        self._stack = ExitStack()
        self._stream: BinaryReader | None = None
        self._caller = Caller(_PATIENT)
        self._failed: Error | None = None

    def close(self) -> None:
        """Let go of the stream."""
        self._stack.close()

    def open(self) -> None:
        """Begin; `Error` where it cannot be had."""
        self._caller(self._open)

    def _open(self) -> BinaryReader:
        if self._failed is not None:
            error, self._failed = self._failed, None
            raise error
        try:
            self._stream = self._stack.enter_context(self._source.stream(self._at, self._left))
        except Error as error:
            if error.retryable or isinstance(error, NotFound):
                self._source.renew()
            if isinstance(error, NotFound):
                raise DownloadFailed("its content is not there yet, or any more", where=error.where) from None
            raise
        return self._stream

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, b"" at the end."""
        if not self._left:
            return b""
        data = self._try(size)
        self._at += len(data)
        self._left -= len(data)
        if not data:
            raise DownloadFailed("the store gave too few bytes", where=self._source.where, retryable=False)
        return data

    def _try(self, size: int) -> bytes:
        try:
            return (self._stream or self._open()).read(size)
        except Error as error:
            if not error.retryable:
                raise
            self._failed = error

        def read() -> bytes:
            with suppress(Error):  # what broke off may say so once more
                self._stack.close()
            self._stream = None
            return self._open().read(size)

        try:
            return self._caller(read)
        except Error as error:
            # Whoever tries again from here on would do so without the hash of what came before.
            error.retryable = False
            raise


class Reader:
    """Plain bytes of a range. `entry` is what is known of the file."""

    def __init__(
        self, source: Source, cipher: BinaryReader | None, offset: int, length: int, *, check: bool
    ) -> None:
        self.entry: Entry = source.entry
        self._source = source
        self._cipher = cipher
        self._left = length
        self._stream = source.content.at(offset) if cipher is not None else None
        self._shard = ShardHash() if check else None

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; `IntegrityError` at the end of content that is not what was stored."""
        if size < 0:
            return b"".join(iter(lambda: self.read(COPY_BUFFER), b""))
        if self._cipher is None or self._stream is None or not self._left or not size:
            return b""
        sealed = self._cipher.read(size)
        if self._shard is not None:
            self._shard.update(sealed)
        self._left -= len(sealed)
        if not self._left and self._shard is not None:
            check_hash(self._source, self._shard)
        return self._stream.update(sealed)


def check_hash(source: Source, shard: ShardHash) -> None:
    """`IntegrityError` unless this is the hash that the object was stored with."""
    expected = source.info.hash if source.info is not None else ""
    if expected and shard.hexdigest() != expected:
        raise IntegrityError(
            "what arrived is not what was stored: its hash is another one",
            where=source.where,
            hint="If it stays so, it is damaged in the store; verify=false reads it all the same.",
        )


def open_file(
    storage: Internxt, path: str, offset: int, length: int | None, version: str | None
) -> Iterator[BinaryReader]:
    """The reader of a range, for a context manager."""
    with ExitStack() as stack:
        begun = _begin(storage, path, offset, length, version)
        wanted = begun.wanted
        if begun.cipher is None:
            yield Reader(begun.source, None, offset, 0, check=False)
            return
        stack.callback(begun.cipher.close)
        rest: BinaryReader = begun.cipher
        if wanted >= AHEAD_FROM:
            rest = stack.enter_context(Ahead(rest))
        check = storage.options.verify and wanted == begun.source.size
        yield Reader(begun.source, Joined(begun.first, rest), offset, wanted, check=check)


def _source(storage: Internxt, path: str, version: str | None) -> Source:
    """The object; of one version, which never changes, it is asked for once for all its ranges."""
    if version is None:
        return Source(storage, path, None)
    known = storage.sources.get((path, version))
    if known is None:
        known = Source(storage, path, version)
        with storage.lock:
            while len(storage.sources) >= _KEPT:
                storage.sources.pop(next(iter(storage.sources)))
            storage.sources[path, version] = known
    return known


@dataclass(frozen=True, slots=True)
class _Begun:
    source: Source
    wanted: int
    cipher: Cipher | None = None
    first: bytes = b""


def _begin(storage: Internxt, path: str, offset: int, length: int | None, version: str | None) -> _Begun:
    """The first bytes of a range; of the new object, where somebody replaces it at this moment."""
    for turn in range(_TRIES):
        source = _source(storage, path, version)
        left = max(0, source.size - offset)
        wanted = left if length is None else min(length, left)
        if not wanted:
            return _Begun(source, 0)
        cipher = Cipher(source, offset, wanted)
        try:
            cipher.open()
            return _Begun(source, wanted, cipher, read_exactly(cipher, min(PIECE, wanted)))
        except Replaced:
            cipher.close()
            storage.cache.forget(path)
            storage.sources.pop((path, version), None)
            if turn == _TRIES - 1:
                raise
        except BaseException:
            cipher.close()
            raise
    raise AssertionError("unreachable")


def read_file(
    storage: Internxt, path: str, local: str, offset: int, length: int | None, version: str | None
) -> Entry:
    """Put a range into its place in a local file."""
    from skycap.internxt.storage.filling import Filling

    begun = _begin(storage, path, offset, length, version)
    source, wanted = begun.source, begun.wanted
    if begun.cipher is None:
        return source.entry
    whole = wanted == source.size
    check = storage.options.verify
    with ExitStack() as stack:
        stack.callback(begun.cipher.close)
        rest: BinaryReader = begun.cipher
        if whole and wanted >= AHEAD_FROM:  # of ranges there are several at once anyway
            rest = stack.enter_context(Ahead(rest))
        joined = Joined(begun.first, rest)
        _fill(local, Reader(source, joined, offset, wanted, check=check and whole), offset)
    if check and not whole:
        Filling.of(storage, source, local).filled(offset, wanted)
    return source.entry


def _fill(local: str, reader: Reader, offset: int) -> None:
    try:
        descriptor = os.open(local, os.O_WRONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise translate(error, local, writing=True) from error
    try:
        with open(descriptor, "wb", buffering=0) as file:
            file.seek(offset)
            while data := reader.read(COPY_BUFFER):
                view = memoryview(data)
                while view:
                    view = view[file.write(view) or 0 :]
    except Error:  # some of ours are an OSError too
        raise
    except OSError as error:
        raise translate(error, local, writing=True) from error
