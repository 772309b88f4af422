"""Contents of one segment, sealed and opened at once; larger sources, sealed while they are read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from skycap.core.crypto.secret import Secret
from skycap.core.crypto.segments import HEADER_SIZE, TAG_SIZE, Header, SegmentCipher
from skycap.core.crypto.stream import AES256_GCM_HKDF_1MB as LAYOUT
from skycap.core.crypto.stream import SealingReader, seal
from skycap.core.storage.failures import translate
from skycap.core.storage.overlays.crypt.vault import CONTENT_AAD
from skycap.core.storage.source import (
    BinaryReader,
    Source,
    can_reopen,
    known_size,
    opened,
    read_exactly,
)


def sealed_source(source: Source, size: int | None, key: Secret[bytes]) -> tuple[Source, int | None]:
    """The source of the sealed bytes, and how many they are, if that is known.

    One that fits one segment is sealed at once. A larger one is sealed as it is read, under a fresh header
    each time it is opened: it could hold other bytes the second time.
    """
    if size is None:
        size = _looked_at(source)
    if size is not None and size <= LAYOUT.first_room:
        with _opened(source, size) as reader:
            plain = read_exactly(reader, size)
            reader.read(1)  # raises if there are more
        return sealed_at_once(plain, key), LAYOUT.sealed_size(size)
    sealed = SealedSource(source, size, key)
    total = None if size is None else LAYOUT.sealed_size(size)
    return (sealed if can_reopen(source) else sealed.once()), total


def sealed_at_once(plain: bytes, key: Secret[bytes]) -> bytes:
    """A content of one segment."""
    header = Header.new()
    out = bytearray(HEADER_SIZE + len(plain) + TAG_SIZE)
    out[:HEADER_SIZE] = bytes(header)
    cipher = SegmentCipher(key, CONTENT_AAD, header)
    cipher.seal_into(0, True, memoryview(plain), memoryview(out)[HEADER_SIZE:])
    return bytes(out)


def opened_at_once(sealed: bytes, key: Secret[bytes]) -> memoryview:
    """The plain bytes of a content of one segment; `IntegrityError` if they are not what was sealed."""
    view = memoryview(sealed)
    cipher = SegmentCipher(key, CONTENT_AAD, Header.parse(view[:HEADER_SIZE]))
    out = memoryview(bytearray(max(len(sealed) - HEADER_SIZE - TAG_SIZE, 0)))
    cipher.open_into(0, True, view[HEADER_SIZE:], out)
    return out


class SealedSource:
    """The sealed bytes of a source that can be opened again."""

    def __init__(self, source: Source, size: int | None, key: Secret[bytes]) -> None:
        self._source = source
        self._size = size
        self._key = key

    @contextmanager
    def open(self) -> Iterator[BinaryReader]:
        """From the first byte, under a new header."""
        with _opened(self._source, self._size) as reader:
            yield seal(reader, key=self._key, aad=CONTENT_AAD, layout=LAYOUT)

    def once(self) -> SealingReader:
        """A plain stream, which nobody has to close."""
        with _opened(self._source, self._size) as reader:
            return seal(reader, key=self._key, aad=CONTENT_AAD, layout=LAYOUT)


def _looked_at(source: Source) -> int | None:
    try:
        return known_size(source)
    except OSError as error:
        raise translate(error, _named(source)) from error


@contextmanager
def _opened(source: Source, size: int | None) -> Iterator[BinaryReader]:
    with ExitStack() as stack:
        try:
            reader = stack.enter_context(opened(source, size))
        except OSError as error:
            raise translate(error, _named(source)) from error
        yield reader


def _named(source: Source) -> str:
    return os.fspath(source) if isinstance(source, os.PathLike) else ""
