"""Sealing and opening content of any size in bounded memory, from any place in it.

The bytes are those of Tink's AES256_GCM_HKDF_1MB and AES256_GCM_HKDF_4KB (see `segments`). No byte is given
out before its segment has authenticated, and the end only when the last segment has. A reader holds
two segments.

A sealing that was interrupted can go on: with the same header, from a segment on, over the *same* bytes. To
seal other bytes under one header and key would give both away; a changed source needs a new header.
"""

from __future__ import annotations

from collections.abc import Callable

from skycap.core.chunking.filling import Reader, fill
from skycap.core.crypto.secret import Secret
from skycap.core.crypto.segment_reader import SegmentReader
from skycap.core.crypto.segments import HEADER_SIZE, Header, Layout, SegmentCipher
from skycap.core.errors import IntegrityError

AES256_GCM_HKDF_1MB = Layout(1024 * 1024)
AES256_GCM_HKDF_4KB = Layout(4 * 1024)

Fetch = Callable[[int, int], Reader]


class SealingReader(SegmentReader):
    """The sealed bytes of a source, made while they are read. `header` says how to go on later."""

    def __init__(
        self,
        source: Reader,
        *,
        key: bytes | Secret[bytes],
        aad: bytes,
        layout: Layout,
        header: Header,
        first_segment: int,
    ) -> None:
        super().__init__(layout)
        self.header = header
        self._cipher = SegmentCipher(key, aad, header)
        self._source = source
        self._segment = first_segment
        # One byte more than a segment: only whoever sees the next byte knows whether this one is the last.
        self._plain = memoryview(bytearray(layout.room + 1))
        self._held = 0

    def _produce(self, out: memoryview) -> int:
        begin = 0
        room = self._layout.room
        if self._segment == 0:
            begin, room = HEADER_SIZE, self._layout.first_room
            out[:HEADER_SIZE] = bytes(self.header)
        plain = self._plain
        self._held += fill(self._source, plain[self._held : room + 1])
        last = self._held <= room
        if last and not self._held and self._segment:
            raise IntegrityError(
                f"the source ends before segment {self._segment}: it is shorter than when the sealing began"
            )
        taken = min(self._held, room)
        size = self._cipher.seal_into(self._segment, last, plain[:taken], out[begin:])
        self._ended = last
        self._held -= taken
        plain[: self._held] = plain[taken : taken + self._held]
        self._segment += 1
        return begin + size


class OpeningReader(SegmentReader):
    """The plain bytes of a sealed source, each authenticated before it is given out.

    `header`, `first_segment`, `stop` and `final` are for a source that is a range of whole segments: it
    begins with `first_segment` and ends before `stop`; `final` is the number of the content's last segment.
    """

    def __init__(
        self,
        source: Reader,
        *,
        key: bytes | Secret[bytes],
        aad: bytes,
        layout: Layout,
        header: Header | None = None,
        first_segment: int = 0,
        stop: int | None = None,
        final: int | None = None,
    ) -> None:
        super().__init__(layout)
        self._source = source
        self._key, self._aad = key, aad
        self._cipher = SegmentCipher(key, aad, header) if header else None
        self._segment = first_segment
        self._stop = stop
        self._final = final
        self._sealed = memoryview(bytearray(layout.segment_size + 1))
        self._held = 0

    def _produce(self, out: memoryview) -> int:
        size = self._layout.segment_size
        sealed = self._sealed
        if self._segment == 0:
            size -= HEADER_SIZE
            self._read_header()
        assert self._cipher is not None  # noqa: S101 - made by the header, or given
        self._held += fill(self._source, sealed[self._held : size + 1])
        source_ended = self._held <= size
        self._check_end(source_ended)
        last = source_ended if self._final is None else self._segment == self._final
        taken = min(self._held, size)
        count = self._cipher.open_into(self._segment, last, sealed[:taken], out)
        if last and not count and self._segment:
            raise IntegrityError(f"segment {self._segment} is empty: no sealing makes such an end")
        self._ended = source_ended
        self._held -= taken
        sealed[: self._held] = sealed[taken : taken + self._held]
        self._segment += 1
        return count

    def _read_header(self) -> None:
        count = fill(self._source, self._sealed[:HEADER_SIZE])
        header = Header.parse(self._sealed[:count])
        self._cipher = SegmentCipher(self._key, self._aad, header)

    def _check_end(self, source_ended: bool) -> None:
        if self._stop is not None and source_ended != (self._segment + 1 == self._stop):
            raise IntegrityError(
                f"the store gave {'fewer' if source_ended else 'more'} sealed bytes than were asked for"
            )


class RangeReader(OpeningReader):
    """Some plain bytes out of the middle; closing it closes what was fetched for it."""

    def trim(self, skip: int, length: int) -> None:
        """Authenticate the first segment, then leave out `skip` of its bytes and stop after `length`."""
        self._prepare()
        self._ready = self._ready[skip:]
        self._limit = length

    def close(self) -> None:
        """Close this and what was fetched; twice is fine."""
        if not self.closed:
            _close(self._source)
        super().close()


def seal(
    source: Reader,
    *,
    key: bytes | Secret[bytes],
    aad: bytes = b"",
    layout: Layout = AES256_GCM_HKDF_1MB,
    header: Header | None = None,
    first_segment: int = 0,
) -> SealingReader:
    """A reader of the sealed bytes of `source`, under a 32-byte key; `aad` must be known again to open.

    To go on with a sealing, give its `header`, the number of the first segment that is still to be made, and
    the source from `layout.plain_offset(first_segment)` on. The source stays the caller's to close.
    """
    if first_segment and header is None:
        raise ValueError("a sealing goes on only under the header it began with")
    return SealingReader(
        source,
        key=key,
        aad=aad,
        layout=layout,
        header=header or Header.new(),
        first_segment=first_segment,
    )


def open_sealed(
    source: Reader,
    *,
    key: bytes | Secret[bytes],
    aad: bytes = b"",
    layout: Layout = AES256_GCM_HKDF_1MB,
) -> OpeningReader:
    """A reader of the plain bytes of a whole sealed content. Raises IntegrityError for a changed one."""
    return OpeningReader(source, key=key, aad=aad, layout=layout)


def open_range(
    fetch: Fetch,
    offset: int,
    length: int | None = None,
    *,
    key: bytes | Secret[bytes],
    sealed_size: int,
    aad: bytes = b"",
    layout: Layout = AES256_GCM_HKDF_1MB,
    header: Header | None = None,
) -> RangeReader:
    """A reader of `length` plain bytes from `offset` on, or to the end; short where the content ends.

    `fetch(offset, length)` gives a reader of that range of the sealed bytes, which is closed after use. It is
    called once for ranges in the first segment, else twice, or once if the `header` is known already. A range
    at or behind the end still authenticates the last segment: that there is nothing more is a claim, too.
    """
    if offset < 0 or (length is not None and length < 0):
        raise ValueError(f"no range begins at {offset} and is {length} bytes long")
    total = layout.plain_size(sealed_size)
    final = layout.segment_at(max(total - 1, 0))
    begin = min(offset, total)
    end = total if length is None else min(begin + length, total)
    first = min(layout.segment_at(begin), final)
    stop = layout.segment_at(end - 1) + 1 if end > begin else first + 1
    if first and header is None:
        header = _fetch_header(fetch)
    sealed_begin = first * layout.segment_size
    sealed_end = min(stop * layout.segment_size, sealed_size)
    source = fetch(sealed_begin, sealed_end - sealed_begin)
    try:
        reader = RangeReader(
            source,
            key=key,
            aad=aad,
            layout=layout,
            header=header,
            first_segment=first,
            stop=stop,
            final=final,
        )
        reader.trim(begin - layout.plain_offset(first), end - begin)
    except BaseException:
        _close(source)
        raise
    return reader


def _fetch_header(fetch: Fetch) -> Header:
    source = fetch(0, HEADER_SIZE)
    try:
        data = bytearray(HEADER_SIZE)
        return Header.parse(data[: fill(source, memoryview(data))])
    finally:
        _close(source)


def _close(source: Reader) -> None:
    close = getattr(source, "close", None)
    if close is not None:
        close()
