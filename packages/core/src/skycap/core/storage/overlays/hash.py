"""Any storage, with the bytes that travel hashed on both ways and compared with what the store knows.

Compared are the hash kinds that the inner storage knows without reading (its fact `hashes`): where it knows
none, everything goes through untouched. A local file or bytes are hashed by themselves and then handed on
as they are, so that the fast ways stay open; a stream is hashed as it passes.

What arrived wrong is removed again, if it is still what was written: a reader could not tell it from what is
right, and the right bytes are at the source. Not compared are parts of a file and multipart uploads, whose
parts come in any order: there each backend checks its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager

from skycap.core.crypto import hashing
from skycap.core.crypto.compare import same
from skycap.core.errors import Conflict, Error, IntegrityError
from skycap.core.paths import printable
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition, if_version
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.interface import Storage
from skycap.core.storage.overlays.overlay import EVERYTHING, PLAIN, Transparent, translated
from skycap.core.storage.source import (
    COPY_BUFFER,
    BinaryReader,
    LocalFile,
    Reopenable,
    Source,
    opened,
)

# The cheap ones first, on a machine of today; one that both sides know is enough.
_PREFERRED = ("blake3", "crc64nvme", "crc32c", "sha256", "sha1", "sha512", "md5", "crc32", "dropbox")


class Hashed(Transparent):
    """The inner storage, verified. `kinds` are those to compare; by default the cheapest it knows."""

    passes = EVERYTHING

    def __init__(self, inner: Storage, kinds: Iterable[str] | None = None) -> None:
        super().__init__(inner)
        if kinds is None:
            known = [kind for kind in _PREFERRED if kind in inner.facts.hashes]
            kinds = known[:1]
        self.kinds = tuple(kinds)
        _Digests(self.kinds)  # says at once if one is unknown, or needs a package
        if self.kinds:
            self.capabilities -= {Capability.LOCAL_PATH, Capability.BULK_READ, Capability.BULK_WRITE}
            self._passed &= self.capabilities

    # Writing

    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        """Store a file, and compare what the store has with what was sent."""
        self._needs(Capability.WRITE, path, condition)
        if not self.kinds:
            return self.inner.write(path, source, size=size, metadata=metadata, condition=condition)
        digests = _Digests(self.kinds)
        entry = self.inner.write(
            path, _watched(source, digests), size=size, metadata=metadata, condition=condition
        )
        sent = digests.result()
        known = entry.hashes
        if not known or sent.keys().isdisjoint(known):
            found = self.inner.stat(entry.path)
            if entry.version is not None and found.version != entry.version:
                return entry  # somebody else has replaced it already, and theirs is not ours to judge
            known = found.hashes or {}
        if wrong := _differing(sent, known):
            self._take_back(entry, wrong)
        return entry._replace(hashes={**known, **sent})

    def _take_back(self, entry: Entry, wrong: str) -> None:
        error = IntegrityError(
            f"the store has other bytes than were sent: their {wrong} differs",
            where=printable(entry.path),
            hint="The wrong file was removed. Run the command again.",
        )
        try:
            if entry.version is not None and self.inner.can(Capability.REMOVE_IF_VERSION):
                self.inner.remove(entry.path, condition=if_version(entry.version))
            else:
                self.inner.remove(entry.path)
        except Conflict:
            error.hint = "Somebody else has replaced it since. Run the command again."
        except Error as failure:
            error.hint = f"The wrong file is still there, for it could not be removed: {failure.message}"
        raise error

    # Reading

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """A streaming reader that raises in place of the last bytes, if they are not all right."""
        found = super().read(path, offset=offset, length=length, version=version)
        if not self.kinds or offset or length is not None or version is not None:
            return found
        return self._reading(path, found)

    @contextmanager
    def _reading(self, path: str, found: AbstractContextManager[BinaryReader]) -> Iterator[BinaryReader]:
        with ExitStack() as stack:
            reader = stack.enter_context(found)
            entry: Entry | None = getattr(reader, "entry", None)
            if entry is None or entry.version is None:
                # Asked after the opening, it could tell of newer content than is read.
                entry = self.inner.stat(path)
                reader = stack.enter_context(self.inner.read(path))
            elif entry.hashes is None:
                opened_version, entry = entry.version, self.inner.stat(path)
                if entry.version != opened_version:
                    raise _changed(path)
            known = {kind: value for kind, value in (entry.hashes or {}).items() if kind in self.kinds}
            yield _Verifying(reader, entry, known, self.inner) if known else reader

    def read_file(
        self,
        path: str,
        local: str,
        *,
        offset: int = 0,
        length: int | None = None,
        version: str | None = None,
    ) -> Entry:
        """Fill a local file, then compare what is in it."""
        if not self.kinds or version is not None or offset or length is not None:
            return super().read_file(path, local, offset=offset, length=length, version=version)
        self._needs(Capability.READ_FILE, path)
        entry = self.inner.stat(path)
        read = self.inner.read_file(path, local)
        digests = _Digests(self.kinds)
        digests.read(LocalFile(local))
        _judge(entry, digests.result(), self.inner)
        return read


def _watched(source: Source, digests: _Digests) -> Source:
    if isinstance(source, PLAIN):  # first, since a `Path` can be opened too
        digests.read(source)
        return source
    if isinstance(source, Reopenable):
        return _WatchedSource(source, digests)
    digests.clear()
    return _Watched(source, digests)


def _differing(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str | None:
    for kind, value in ours.items():
        if kind in theirs and not same(value, theirs[kind].lower()):
            return kind
    return None


def _judge(entry: Entry, found: Mapping[str, str], inner: Storage) -> None:
    wrong = _differing(found, entry.hashes or {})
    if wrong is None:
        return
    if inner.stat(entry.path).version != entry.version:
        raise _changed(entry.path)
    raise IntegrityError(
        f"other bytes arrived than the store has: their {wrong} differs",
        where=printable(entry.path),
        hint="Run the command again. If it stays so, the file in the store is damaged.",
    )


def _changed(path: str) -> Conflict:
    return Conflict("it changed while it was read", where=printable(path), retryable=True)


class _Digests:
    """Hashes of several kinds over the same bytes."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self._kinds = tuple(kinds)
        self.clear()

    def clear(self) -> None:
        self._hashers = {kind: hashing.new_hasher(kind) for kind in self._kinds}

    def update(self, data: bytes | bytearray | memoryview) -> None:
        for hasher in self._hashers.values():
            hasher.update(data)

    def read(self, source: Source) -> None:
        self.clear()
        if isinstance(source, bytes | bytearray | memoryview):
            self.update(source)
            return
        with translated(source), opened(source) as reader:
            while data := reader.read(COPY_BUFFER):
                self.update(data)

    def result(self) -> dict[str, str]:
        return {kind: hasher.hexdigest() for kind, hasher in self._hashers.items()}


class _Watched:
    """A reader whose bytes are hashed as they pass."""

    def __init__(self, reader: BinaryReader, digests: _Digests) -> None:
        self._reader = reader
        self._digests = digests

    def read(self, size: int = -1, /) -> bytes:
        data = self._reader.read(size)
        self._digests.update(data)
        return data


class _WatchedSource:
    """A source hashed anew each time it is opened."""

    def __init__(self, source: Reopenable, digests: _Digests) -> None:
        self._source = source
        self._digests = digests

    @contextmanager
    def open(self) -> Iterator[BinaryReader]:
        with self._source.open() as reader:
            self._digests.clear()
            yield _Watched(reader, self._digests)


class _Verifying:
    """A reader that compares at the end."""

    def __init__(self, reader: BinaryReader, entry: Entry, known: Mapping[str, str], inner: Storage) -> None:
        self._reader = reader
        self.entry = entry
        self._expected = entry._replace(hashes=known)
        self._inner = inner
        self._digests = _Digests(known)
        self._count = 0

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(COPY_BUFFER), b""))
        data = self._reader.read(size)
        self._digests.update(data)
        self._count += len(data)
        if (not data and size) or self._count == self.entry.size:
            _judge(self._expected, self._digests.result(), self._inner)
        return data
