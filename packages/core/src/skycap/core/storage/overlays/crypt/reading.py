"""Plain bytes out of sealed ones, whole or a range, in as few requests as it takes.

A range needs the header, which stands at the start, and the whole size, for the last segment is marked. Both
are remembered by path and version: the first range of a file costs two requests, a further one costs one, and
so does a range that begins in the first segment.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

from skycap.core.crypto.secret import Secret
from skycap.core.crypto.segments import HEADER_SIZE, Header
from skycap.core.crypto.stream import AES256_GCM_HKDF_1MB as LAYOUT
from skycap.core.crypto.stream import open_range, open_sealed
from skycap.core.errors import Conflict, Error, IntegrityError
from skycap.core.paths import printable
from skycap.core.storage.entry import Entry
from skycap.core.storage.interface import Storage
from skycap.core.storage.overlays.crypt.sealing import opened_at_once
from skycap.core.storage.overlays.crypt.vault import CONTENT_AAD
from skycap.core.storage.source import COPY_BUFFER, BinaryReader, read_exactly

_REMEMBERED = 1024
_TRIES = 3


class Readable(Protocol):
    """A reader that `PlainReader` stands around."""

    def read(self, size: int = -1, /) -> bytes | None:
        """At most `size` bytes."""
        ...


@dataclass(frozen=True, slots=True)
class _Known:
    """What a range needs to know of a sealed file."""

    header: Header
    sealed_size: int
    version: str | None


class PlainReader:
    """Plain bytes; an error in them says which file it is. `entry` is None where the answer told nothing."""

    def __init__(self, reader: Readable, path: str, entry: Entry | None) -> None:
        self._reader = reader
        self._path = path
        self.entry = entry

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; `IntegrityError` where they are not what was sealed."""
        try:
            return self._reader.read(size) or b""
        except Error as error:
            error.where = printable(self._path)
            raise


class Reading:
    """Reads sealed files of an inner storage. `plain` turns one of its entries into ours."""

    def __init__(self, inner: Storage, key: Secret[bytes], plain: Callable[[Entry, str], Entry]) -> None:
        self._inner = inner
        self._key = key
        self._plain = plain
        self._known: OrderedDict[tuple[str, str | None], _Known] = OrderedDict()
        self._lock = threading.Lock()

    def forget(self, sealed: str) -> None:
        """The file was written by ourselves: what is known of it is old."""
        with self._lock:
            self._known.pop((sealed, None), None)

    def open(
        self, stack: ExitStack, path: str, sealed: str, offset: int, length: int | None, version: str | None
    ) -> BinaryReader:
        """A reader of a range, or of all; what it holds is given to `stack`."""
        if offset == 0 and length is None:
            whole = stack.enter_context(self._inner.read(sealed, version=version))
            entry = self._told(whole, path)
            if entry is not None and entry.size is not None and entry.size <= LAYOUT.first_room:
                return PlainReader(self._small(whole, entry.size), path, entry)
            opened = open_sealed(whole, key=self._key, aad=CONTENT_AAD, layout=LAYOUT)
            return PlainReader(opened, path, entry)
        if offset < LAYOUT.first_room and (found := self._from_start(path, sealed, offset, length, version)):
            stack.callback(found.close)
            return PlainReader(found, path, found.plain)
        found = self._range(path, sealed, offset, length, version)
        if found is None:
            return self._skipping(stack, path, sealed, offset, length, version)
        stack.callback(found.close)
        return PlainReader(found, path, found.plain)

    def _small(self, whole: BinaryReader, size: int) -> io.BytesIO:
        """A file of one segment, at once: that saves the memory of whole segments for each."""
        sealed = read_exactly(whole, LAYOUT.segment_size + 1)
        if len(sealed) != LAYOUT.sealed_size(size):
            raise IntegrityError(f"{len(sealed)} bytes came, where there are {LAYOUT.sealed_size(size)}")
        return io.BytesIO(opened_at_once(sealed, self._key))

    def _told(self, reader: object, path: str) -> Entry | None:
        entry: Entry | None = getattr(reader, "entry", None)
        return None if entry is None else self._plain(entry, path)

    # A range that begins in the first segment: the header comes with it

    def _from_start(
        self, path: str, sealed: str, offset: int, length: int | None, version: str | None
    ) -> _Open | None:
        stop = None if length is None else LAYOUT.segment_at(offset + max(length, 1) - 1) + 1
        wanted = None if stop is None else stop * LAYOUT.segment_size
        fetched = _Fetched(self._inner, sealed, 0, wanted, version)
        entry = fetched.entry
        if entry is None or entry.size is None:
            fetched.close()
            return None
        with fetched.closed_if_it_fails():
            plain = self._plain(entry, path)
            reader = open_range(
                lambda _offset, _length: fetched,
                offset,
                length,
                key=self._key,
                aad=CONTENT_AAD,
                layout=LAYOUT,
                sealed_size=entry.size,
            )
        return _Open(reader, plain)

    # A range out of the middle

    def _range(
        self, path: str, sealed: str, offset: int, length: int | None, version: str | None
    ) -> _Open | None:
        key = (sealed, version)
        for left in reversed(range(_TRIES)):
            with self._lock:
                known = self._known.get(key)
                if known is not None:
                    self._known.move_to_end(key)
            known = known or self._learn(sealed, version)
            if known is None:
                return None
            self._remember(key, known)
            try:
                return self._ranged(path, sealed, offset, length, version, known)
            except _Changed:
                pass
            except IntegrityError:
                # Header and range may be of two contents, where the answers carry no version.
                if not left:
                    raise
            with self._lock:
                self._known.pop(key, None)
        raise Conflict("it changed while it was read", where=printable(path), retryable=True)

    def _ranged(
        self, path: str, sealed: str, offset: int, length: int | None, version: str | None, known: _Known
    ) -> _Open:
        told: list[Entry] = []

        def fetch(begin: int, count: int) -> _Fetched:
            fetched = _Fetched(self._inner, sealed, begin, count, version)
            entry = fetched.entry
            if entry is not None:
                if None not in {entry.version, known.version} and entry.version != known.version:
                    fetched.close()
                    raise _Changed
                told.append(entry)
            return fetched

        reader = open_range(
            fetch,
            offset,
            length,
            key=self._key,
            aad=CONTENT_AAD,
            layout=LAYOUT,
            sealed_size=known.sealed_size,
            header=known.header,
        )
        return _Open(reader, self._plain(told[0], path) if told else None)

    def _learn(self, sealed: str, version: str | None) -> _Known | None:
        fetched = _Fetched(self._inner, sealed, 0, HEADER_SIZE, version)
        try:
            header = Header.parse(read_exactly(fetched, HEADER_SIZE))
        finally:
            fetched.close()
        entry = fetched.entry
        if entry is None or entry.size is None:
            if version is not None:
                return None  # a look tells of the newest only
            entry = self._inner.stat(sealed)
            if entry.size is None:
                return None
        return _Known(header, entry.size, entry.version)

    def _remember(self, key: tuple[str, str | None], known: _Known) -> None:
        with self._lock:
            self._known[key] = known
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    # A range of what nobody knows the size of: all that stands before it is read, too

    def _skipping(
        self, stack: ExitStack, path: str, sealed: str, offset: int, length: int | None, version: str | None
    ) -> BinaryReader:
        whole = stack.enter_context(self._inner.read(sealed, version=version))
        reader = open_sealed(whole, key=self._key, aad=CONTENT_AAD, layout=LAYOUT)
        plain = PlainReader(reader, path, self._told(whole, path))
        while offset and (data := plain.read(min(offset, COPY_BUFFER))):
            offset -= len(data)
        return plain if length is None else _AtMost(plain, length)


class _Changed(Exception):
    """Another version answered than the one whose header is known."""


class _Open:
    """A range of plain bytes, and what is known of the file."""

    def __init__(self, reader: Readable, plain: Entry | None) -> None:
        self.read = reader.read
        self.close: Callable[[], None] = reader.close  # type: ignore[attr-defined] # a raw reader
        self.plain = plain


class _AtMost:
    """The first bytes of a reader."""

    def __init__(self, reader: PlainReader, left: int) -> None:
        self._reader = reader
        self._left = left
        self.entry = reader.entry

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(COPY_BUFFER), b""))
        data = self._reader.read(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data


class _Fetched:
    """A range of sealed bytes, open until it is closed."""

    def __init__(
        self, inner: Storage, sealed: str, offset: int, length: int | None, version: str | None
    ) -> None:
        self._stack = ExitStack()
        self._reader = self._stack.enter_context(
            inner.read(sealed, offset=offset, length=length, version=version)
        )
        self.entry: Entry | None = getattr(self._reader, "entry", None)

    def read(self, size: int = -1, /) -> bytes:
        return self._reader.read(size)

    def close(self) -> None:
        self._stack.close()

    @contextmanager
    def closed_if_it_fails(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise
