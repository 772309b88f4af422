"""The layout of Tink's AES-GCM-HKDF streaming AEAD: sizes, header, and the cipher of one segment.

Format: https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming

    sealed  = segment 0 | segment 1 | ... | last segment        all but the last `segment_size` bytes long
    segment 0 begins with the header: its length 40 (1 byte) | salt (32) | nonce prefix (7)
    segment = AES-256-GCM(plain, key, nonce) | tag (16), no associated data
    key     = HKDF-SHA256(input key, salt, info = associated data), 32 bytes
    nonce   = prefix (7) | number of the segment (4, big-endian) | 1 for the last, else 0

The number and the last-flag in the nonce are what makes reordering and truncation fail to authenticate.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skycap.core.crypto.kdf import hkdf
from skycap.core.crypto.secret import Secret, reveal
from skycap.core.errors import ConfigInvalid, IntegrityError, Unsupported

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_SIZE = 32
HEADER_SIZE = 40
TAG_SIZE = 16
_SALT_SIZE = 32
_PREFIX_SIZE = 7
_MAX_SEGMENTS = 2**32


@dataclass(frozen=True)
class Layout:
    """A parameter set: how many bytes a sealed segment has, header and tag included."""

    segment_size: int

    def __post_init__(self) -> None:
        if not HEADER_SIZE + TAG_SIZE < self.segment_size < 2**31:
            raise ConfigInvalid(f"a sealed segment cannot have {self.segment_size} bytes")

    @property
    def first_room(self) -> int:
        """Plain bytes in segment 0."""
        return self.segment_size - HEADER_SIZE - TAG_SIZE

    @property
    def room(self) -> int:
        """Plain bytes in every later segment but the last."""
        return self.segment_size - TAG_SIZE

    def plain_offset(self, segment: int) -> int:
        """The offset of a segment's first plain byte; the sealed one is `segment * segment_size`."""
        return self.first_room + (segment - 1) * self.room if segment else 0

    def segment_at(self, plain_offset: int) -> int:
        """The segment that holds the plain byte at this offset."""
        after_first = plain_offset - self.first_room
        return 0 if after_first < 0 else 1 + after_first // self.room

    def sealed_size(self, plain_size: int) -> int:
        """How many bytes `plain_size` bytes become."""
        segments = 1 + self.segment_at(max(plain_size - 1, 0))
        return plain_size + HEADER_SIZE + segments * TAG_SIZE

    def plain_size(self, sealed_size: int) -> int:
        """How many bytes were sealed. Raises IntegrityError for a size that no sealing gives."""
        whole, rest = divmod(sealed_size, self.segment_size)
        segments = whole + (1 if rest else 0)
        least = HEADER_SIZE + TAG_SIZE if whole == 0 else TAG_SIZE + 1
        if sealed_size <= 0 or (rest and rest < least):
            raise IntegrityError(
                f"no sealed content is {sealed_size} bytes long: it was cut off, or was not sealed by skycap"
            )
        return sealed_size - HEADER_SIZE - segments * TAG_SIZE


@dataclass(frozen=True)
class Header:
    """The random beginning of one sealing: 32 bytes of salt and 7 of nonce prefix. Not secret."""

    salt: bytes
    prefix: bytes

    def __post_init__(self) -> None:
        if len(self.salt) != _SALT_SIZE or len(self.prefix) != _PREFIX_SIZE:
            raise ConfigInvalid(f"a header has {_SALT_SIZE} bytes of salt and {_PREFIX_SIZE} of nonce prefix")

    @classmethod
    def new(cls) -> Header:
        """A fresh one: different content must never be sealed under one header."""
        return cls(os.urandom(_SALT_SIZE), os.urandom(_PREFIX_SIZE))

    @classmethod
    def parse(cls, data: bytes | bytearray | memoryview) -> Header:
        """Read the 40 bytes back. Raises IntegrityError for anything else."""
        raw = bytes(data)
        if len(raw) != HEADER_SIZE or raw[0] != HEADER_SIZE:
            raise IntegrityError("the content does not begin with a sealed header")
        return cls(raw[1 : 1 + _SALT_SIZE], raw[1 + _SALT_SIZE :])

    def __bytes__(self) -> bytes:
        return bytes([HEADER_SIZE]) + self.salt + self.prefix


class SegmentCipher:
    """Seals and opens single segments of one content; any thread, any order."""

    def __init__(self, key: bytes | Secret[bytes], aad: bytes, header: Header) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(reveal(key)) != KEY_SIZE:
            raise ConfigInvalid(f"a sealing key has {KEY_SIZE} bytes, not {len(reveal(key))}")
        derived = hkdf(key, salt=header.salt, info=aad, length=KEY_SIZE)
        self._gcm: AESGCM = AESGCM(derived.reveal())
        self._prefix = header.prefix

    def seal_into(self, segment: int, last: bool, plain: memoryview, out: memoryview) -> int:
        """Write the sealed bytes, `TAG_SIZE` more than the plain ones, to the start of `out`."""
        size = len(plain) + TAG_SIZE
        return self._gcm.encrypt_into(self._nonce(segment, last), plain, None, out[:size])

    def open_into(self, segment: int, last: bool, sealed: memoryview, out: memoryview) -> int:
        """Write the plain bytes to the start of `out`; what does not authenticate leaves only zeros there."""
        from cryptography.exceptions import InvalidTag

        size = len(sealed) - TAG_SIZE
        if size < 0:
            raise IntegrityError(f"segment {segment} is cut off")
        try:
            return self._gcm.decrypt_into(self._nonce(segment, last), sealed, None, out[:size])
        except InvalidTag:
            # OpenSSL writes while it checks: without this the caller would hold unauthenticated bytes.
            out[:size] = bytes(size)
            raise IntegrityError(
                f"segment {segment} does not authenticate: the key or the associated data is wrong, "
                "or the content was changed, reordered or cut off"
            ) from None

    def _nonce(self, segment: int, last: bool) -> bytes:
        if segment >= _MAX_SEGMENTS:
            raise Unsupported(f"a sealed content cannot have more than {_MAX_SEGMENTS} segments")
        return self._prefix + segment.to_bytes(4, "big") + (b"\1" if last else b"\0")
