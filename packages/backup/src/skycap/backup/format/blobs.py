"""Blobs: one piece of a file or of metadata, sealed under a key of its own.

    stored = nonce (12) | ciphertext | tag (16)
    key    = BLAKE3 keyed with the key of its kind, over its id

The id is the keyed hash of the raw bytes. It is computed again after every opening, so a wrong content under
a right tag is an error, whatever went wrong before it was sealed.
"""

from __future__ import annotations

import os

from skycap.backup.format import limits
from skycap.backup.format.compression import Codec, Decompressor
from skycap.backup.format.keys import ID_SIZE, Keys, Kind
from skycap.backup.format.suites import NONCE_SIZE, TAG_SIZE
from skycap.core.crypto.hashing import Data
from skycap.core.errors import ConfigInvalid, Damaged, TamperDetected

OVERHEAD = NONCE_SIZE + TAG_SIZE
RAW_LIMITS = {Kind.DATA: limits.BLOB_RAW, Kind.TREE: limits.TREE_RAW}
_MAGIC = b"BKBL"
_VERSION = 1


def _prefix(keys: Keys, kind: Kind) -> bytes:
    return _MAGIC + bytes((_VERSION, keys.suite, kind, 0)) + keys.repository_id


class BlobSealer:
    """Seals blobs of one kind into a caller's buffer. Any thread."""

    def __init__(self, keys: Keys, kind: Kind) -> None:
        self._hasher = keys.hasher
        self._make_cipher = keys.make_cipher
        self._key = keys.blob_keys[kind]
        self._prefix = _prefix(keys, kind)

    def seal_into(self, blob_id: bytes, packed: Data, out: memoryview, *, nonce: bytes | None = None) -> int:
        """Fill `out`, which has `OVERHEAD` bytes more than `packed`; their number.

        A given nonce must never have been used with this id. Raises ConfigInvalid for another size of `out`.
        """
        if len(out) != memoryview(packed).nbytes + OVERHEAD:
            raise ConfigInvalid(f"a sealed blob is {OVERHEAD} bytes longer than what is sealed")
        nonce = os.urandom(NONCE_SIZE) if nonce is None else nonce
        out[:NONCE_SIZE] = nonce
        cipher = self._make_cipher(self._hasher(blob_id, key=self._key).digest())
        cipher.encrypt_into(nonce, packed, self._prefix + blob_id, out[NONCE_SIZE:])
        return len(out)


class BlobOpener:
    """Opens blobs of one kind into a caller's buffer. One thread at a time: it keeps a buffer of its own."""

    def __init__(self, keys: Keys, kind: Kind) -> None:
        self._keys = keys
        self._kind = kind
        self._prefix = _prefix(keys, kind)
        self._limit = RAW_LIMITS[kind]
        self._decompressor = Decompressor()
        self._scratch = bytearray()

    def open_into(
        self, blob_id: bytes, stored: Data, raw_length: int, codec: int, out: memoryview
    ) -> memoryview:
        """Write the raw bytes to the start of `out`, and return that part of it.

        `raw_length` and `codec` come from a footer or an index. What is not right leaves only zeros there.
        Raises Damaged for lengths that cannot be and for what does not authenticate, TamperDetected for a
        blob that opens and is another one.
        """
        view = memoryview(stored).cast("B")
        size = len(view) - OVERHEAD
        if not 0 < size <= limits.BLOB_RAW or not 0 < raw_length <= self._limit or len(blob_id) != ID_SIZE:
            raise Damaged("a blob cannot have the lengths that are recorded for it", where=blob_id.hex())
        out = out[:raw_length]
        if len(out) != raw_length:
            raise ConfigInvalid(f"the buffer is smaller than the {raw_length} bytes of the blob")
        good = False
        try:
            self._unseal(blob_id, view, size, codec, out)
            good = self._keys.blob_id(self._kind, out) == blob_id
        finally:
            if not good:
                # Whoever catches the error must not find bytes that nobody vouched for.
                out[:] = bytes(raw_length)
        if not good:
            raise TamperDetected(
                "a blob opens, but its content is another than its id says",
                where=blob_id.hex(),
                hint="It was made by a faulty program, or by somebody who has the key.",
            )
        return out

    def open(self, blob_id: bytes, stored: Data, raw_length: int, codec: int) -> bytes:
        """The raw bytes in memory of their own."""
        if not 0 < raw_length <= self._limit:
            raise Damaged("a blob cannot have the lengths that are recorded for it", where=blob_id.hex())
        raw = bytearray(raw_length)
        with memoryview(raw) as out:
            self.open_into(blob_id, stored, raw_length, codec, out)
        return bytes(raw)

    def _unseal(self, blob_id: bytes, view: memoryview, size: int, codec: int, out: memoryview) -> None:
        if codec == Codec.RAW and size == len(out):
            self._decrypt_into(blob_id, view, out)
        elif codec == Codec.ZSTD:
            if len(self._scratch) < size:
                self._scratch = bytearray(size)
            with memoryview(self._scratch)[:size] as packed:
                self._decrypt_into(blob_id, view, packed)
                self._decompressor.unpack_into(packed, out)
        else:
            raise Damaged("a blob is packed in a way that does not exist", where=blob_id.hex())

    def _decrypt_into(self, blob_id: bytes, view: memoryview, out: memoryview) -> None:
        from cryptography.exceptions import InvalidTag

        keys = self._keys
        cipher = keys.make_cipher(keys.hasher(blob_id, key=keys.blob_keys[self._kind]).digest())
        try:
            cipher.decrypt_into(bytes(view[:NONCE_SIZE]), view[NONCE_SIZE:], self._prefix + blob_id, out)
        except InvalidTag:
            raise Damaged(
                "a blob does not authenticate: its bytes were damaged, changed or swapped",
                where=blob_id.hex(),
                hint="Run a check of the repository, and then the backup again: it stores what is missing.",
            ) from None
