"""A sealed file on its way into the store, part by part, in any order and from several threads.

Sealed parts are whole segments, so each is sealed by itself. The header of 40 bytes stands in the first
segment, so plain part i ends 40 bytes behind sealed part i: its last bytes travel with the next one. They
are kept (`tails`, sealed themselves in the state) until then. A part whose predecessor has not been seen
waits in memory; engines send parts in order, a few at once, so that is an exception.

    plain     |---- part 0 ----|---- part 1 ----|-- last --|
    sealed    |H|-- part 0 --|---- part 1 ----|---- last ---|(a rest that does not fit is one part more)

Under one header an index must never be sealed with other bytes, or both would be given away. The state
therefore holds a keyed hash of every part that was ever begun, and other bytes are a `Conflict`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skycap.core.crypto.compare import same
from skycap.core.crypto.hashing import keyed_blake3
from skycap.core.crypto.secret import Secret
from skycap.core.crypto.segments import HEADER_SIZE, TAG_SIZE, Header, SegmentCipher
from skycap.core.crypto.stream import AES256_GCM_HKDF_1MB as LAYOUT
from skycap.core.errors import Conflict, NotFound, UploadFailed
from skycap.core.paths import printable
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry
from skycap.core.storage.overlays.crypt.vault import CONTENT_AAD, Vault
from skycap.core.storage.patches import apply
from skycap.core.storage.upload import Upload

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_SEGMENT, _ROOM = LAYOUT.segment_size, LAYOUT.room
_TAIL = HEADER_SIZE
_DIGEST = 32  # characters: 128 bits under a key that nobody else has


@dataclass
class _Part:
    """What is known of a plain part: its size, its hash, whether the store has it."""

    size: int
    digest: str
    stored: bool = False


class CryptUpload(Upload):
    """Seals each part and gives it to an upload of the inner storage."""

    def __init__(
        self,
        inner: Upload,
        vault: Vault,
        path: str,
        *,
        header: Header,
        size: int | None,
        plain: Callable[[Entry, str], Entry],
        call: Callable[[str, Callable[[], Any]], Any],
    ) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        self.path = path
        self.ordered = inner.ordered
        self._segments = inner.part_size // _SEGMENT
        self.part_size = self._segments * _ROOM
        self._inner = inner
        self._vault = vault
        self._header = header
        self._size = size
        self._plain = plain
        self._call = call
        self._cipher = SegmentCipher(vault.content_key, CONTENT_AAD, header)
        key = vault.upload_key.reveal()
        self._tail_cipher: AESSIV = AESSIV(key[:64])
        self._hash_key: Secret[bytes] = Secret(key[64:])
        self._parts: dict[int, _Part] = {}
        self._tails: dict[int, bytes] = {}
        self._waiting: dict[int, tuple[bytes, bool]] = {}
        self._news: set[int] = set()
        self._last: int | None = None
        self._closed = False
        self._lock = threading.Lock()

    # What a later process needs

    @property
    def state(self) -> Mapping[str, Any]:
        """The inner state, the header, hashes of the parts, and sealed tails."""
        with self._lock:
            return {
                "vault": self._vault.id,
                "path": self.path,
                "inner": dict(self._inner.state),
                "header": bytes(self._header).hex(),
                "size": self._size,
                "last": self._last,
                "parts": {str(index): [part.size, part.digest] for index, part in self._parts.items()},
                "tails": {
                    str(index): sealed for index in self._tails if (sealed := self._sealed_tail(index))
                },
            }

    def part_state(self, index: int) -> Mapping[str, Any] | None:
        """What is new of the parts that were begun or stored since this was last asked.

        Also of those that another thread has only begun: their hashes must be known whatever becomes of them.
        """
        with self._lock:
            news, self._news = sorted(self._news), set()
            inner: dict[str, Any] = {}
            for number in news:
                sent = range(number, number + 1 + self._overflows(number)) if self._is_stored(number) else ()
                for at in sent:
                    found = self._inner.part_state(at)
                    if found is None:
                        return None
                    apply(inner, found, keep_nulls=True)
            patch: dict[str, Any] = {
                "inner": inner,
                "parts": {str(n): [self._parts[n].size, self._parts[n].digest] for n in news},
                "tails": {str(n): self._sealed_tail(n) for m in news for n in range(max(m - 1, 0), m + 1)},
            }
            if self._last is not None:
                patch["last"] = self._last
            return patch

    def _sealed_tail(self, index: int) -> str | None:
        """The last bytes of a part, sealed, for as long as somebody may have to send them."""
        if index not in self._tails or self._is_stored(index + 1):
            return None
        return self._tail_cipher.encrypt(self._tails[index], [self._place(index)]).hex()

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from a state: what the store still has, and what is known about it."""
        from cryptography.exceptions import InvalidTag

        held = self._inner.done
        for index, (size, digest) in ((int(i), found) for i, found in state["parts"].items()):
            self._parts[index] = _Part(size, digest)
        self._last = state["last"]
        for index, sealed in ((int(i), bytes.fromhex(found)) for i, found in state["tails"].items()):
            try:
                self._tails[index] = self._tail_cipher.decrypt(sealed, [self._place(index)])
            except InvalidTag:
                raise NotFound("the state of this upload was changed", where=printable(self.path)) from None
        # From the end: a part whose last bytes are known nowhere is of use only if the next one is there.
        for index in sorted(self._parts, reverse=True):
            whole = index in held and (index + 1 in held or not self._overflows(index))
            ends = index == self._last or index in self._tails or self._is_stored(index + 1)
            self._parts[index].stored = whole and ends

    def _place(self, index: int) -> bytes:
        return bytes(self._header) + index.to_bytes(8, "big")

    def _overflows(self, index: int) -> bool:
        """Whether it takes two parts of the inner storage: the end, moved by the header."""
        return index == self._last and _TAIL + self._parts[index].size > self.part_size

    def _is_stored(self, index: int) -> bool:
        part = self._parts.get(index)
        return part is not None and part.stored

    @property
    def done(self) -> Mapping[int, int]:
        """Sizes of plain parts by index."""
        with self._lock:
            return {index: part.size for index, part in sorted(self._parts.items()) if part.stored}

    # Parts

    def put_part(self, index: int, data: bytes | memoryview, *, last: bool = False) -> None:
        """Seal one part and store it, and the next one if it waited for this."""
        view = memoryview(data).cast("B")
        if len(view) > self.part_size or (not last and len(view) != self.part_size):
            raise UploadFailed(
                f"part {index} has {len(view)} bytes, not {self.part_size}",
                where=printable(self.path),
                retryable=False,
            )
        if not self._begin(index, view, last):
            return
        self._store(index, view, last)
        while True:
            index += 1
            with self._lock:
                waited = self._waiting.pop(index, None)
            if waited is None:
                return
            self._store(index, memoryview(waited[0]), waited[1])

    def _begin(self, index: int, view: memoryview, last: bool) -> bool:
        """Take note of a part before any byte of it is sealed; whether it can be sealed now."""
        hasher = keyed_blake3(self._hash_key)
        hasher.update(self._place(index) + (b"\1" if last else b"\0"))
        hasher.update(view)
        digest = hasher.hexdigest()[:_DIGEST]
        with self._lock:
            if self._closed:
                raise NotFound("the upload was completed or aborted", where=printable(self.path))
            known = self._parts.get(index)
            if known is not None and not same(known.digest, digest):
                raise Conflict(f"part {index} was sealed with other bytes", where=printable(self.path))
            if known is not None and known.stored:
                return False
            self._parts[index] = known or _Part(len(view), digest)
            self._news.add(index)
            if last:
                self._last = index
            else:
                self._tails[index] = bytes(view[len(view) - _TAIL :])
            if index and index - 1 not in self._tails:
                self._waiting[index] = (bytes(view), last)
                return False
            return True

    def _store(self, index: int, view: memoryview, last: bool) -> None:
        with self._lock:
            before = self._tails[index - 1] if index else b""
        first = index * self._segments
        own = len(view) if last else len(view) - _TAIL
        sealed = self._sealed(first, before, view[:own], last)
        size = self._segments * _SEGMENT
        if len(sealed) > size:
            self._put(index, sealed[:size], last=False)
            self._put(index + 1, sealed[size:], last=True)
        else:
            self._put(index, sealed, last=last)
        with self._lock:
            self._parts[index].stored = True
            self._news.add(index)
            if index and self._parts[index - 1].stored:
                self._tails.pop(index - 1, None)

    def _put(self, index: int, sealed: memoryview, *, last: bool) -> None:
        self._call(self.path, lambda: self._inner.put_part(index, sealed, last=last))

    def _sealed(self, segment: int, before: bytes, view: memoryview, last: bool) -> memoryview:
        """The segments from `segment` on that hold `before` and `view`."""
        total = len(before) + len(view)
        header = b"" if segment else bytes(self._header)
        space = len(header) + total
        count = max(-(-space // _ROOM), 1)
        out = memoryview(bytearray(space + count * TAG_SIZE))
        out[: len(header)] = header
        at, written = 0, len(header)
        for number in range(count):
            room = _ROOM - (len(header) if number == 0 else 0)
            if number == 0 and before:
                piece = memoryview(before + bytes(view[: room - len(before)]))
                at = len(piece) - len(before)
            else:
                piece = view[at : at + room]
                at += len(piece)
            ends = last and number == count - 1
            written += self._cipher.seal_into(segment + number, ends, piece, out[written:])
        return out

    # The end

    def complete(self, condition: Condition | None = None) -> Entry:
        """Make the file visible."""
        with self._lock:
            count = len(self._parts) if self._last is None else self._last + 1
            missing = [index for index in range(count) if not self._is_stored(index)]
            total = sum(part.size for part in self._parts.values())
            if missing or len(self._parts) != count or self._size not in {None, total}:
                raise UploadFailed(
                    f"parts are missing, or too many ({total} of {self._size} bytes are there)",
                    where=printable(self.path),
                    retryable=False,
                )
        if self._last is None:
            # Nobody said which one is the last. As a part of its own the end is noted, too, and no other
            # bytes can take its place if this fails.
            self.put_part(count, b"", last=True)
        entry: Entry = self._call(self.path, lambda: self._inner.complete(condition))
        found = self._plain(entry, self.path)
        with self._lock:
            self._closed = True
        return found

    def abort(self) -> None:
        """Forget the upload."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
        self._inner.abort()
