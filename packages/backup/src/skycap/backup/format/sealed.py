"""Sealed objects: footers, index objects, snapshots, marks, leases, settings.

    sealed = "BKSO" | 1 | suite | type | 0 | salt (32) | ciphertext | tag (16)
    plain  = codec (1) | 0 0 0 | stored length u32 | raw length u32 | stored bytes | zeros

The key is made of the salt, so it seals one message, and the nonce is zero. The header, the repository and
the context are authenticated: an object opens as what it is and where it belongs, or not at all.
"""

from __future__ import annotations

import os
import struct

from skycap.backup.format import limits
from skycap.backup.format.compression import Codec, Compressor, Decompressor
from skycap.backup.format.keys import Keys, ObjectType
from skycap.backup.format.padding import padded
from skycap.backup.format.suites import NONCE_SIZE, TAG_SIZE
from skycap.core.crypto.hashing import Data
from skycap.core.errors import ConfigInvalid, Damaged, FormatUnsupported, TamperDetected

MAGIC = b"BKSO"
VERSION = 1
SALT_SIZE = 32
HEADER_SIZE = 40
_FRAME = struct.Struct("<BxxxII")
_NONCE = bytes(NONCE_SIZE)
OVERHEAD = HEADER_SIZE + _FRAME.size + TAG_SIZE
"""Bytes around the stored ones, without padding."""
_RAW_LIMITS = {
    ObjectType.FOOTER_DATA: limits.FOOTER_RAW,
    ObjectType.FOOTER_TREE: limits.FOOTER_RAW,
    ObjectType.INDEX: limits.INDEX_RAW,
    ObjectType.SNAPSHOT: limits.SNAPSHOT_RAW,
    ObjectType.MARK: limits.MARK_RAW,
    ObjectType.LEASE: limits.LEASE_RAW,
    ObjectType.CONFIG: limits.SETTINGS_RAW,
    ObjectType.RUN: limits.RUN_RAW,
}


def seal(
    keys: Keys,
    kind: ObjectType,
    body: bytes,
    *,
    context: bytes = b"",
    compress: bool = True,
    before: int = 0,
    salt: bytes | None = None,
) -> bytes:
    """The stored bytes of an object. With `before` more bytes around it, the whole gets a padded length.

    A given `salt` of 32 bytes must never have been used before; without one it is random. Raises
    ConfigInvalid for a body over the limit of its type.
    """
    if len(body) > _RAW_LIMITS[kind]:
        raise ConfigInvalid(f"{kind.word}: {len(body)} bytes are more than the {_RAW_LIMITS[kind]} allowed")
    stored, codec = Compressor().pack(body, sample=False) if compress else (body, Codec.RAW)
    size = memoryview(stored).nbytes
    zeros = padded(before + OVERHEAD + size) - before - OVERHEAD - size
    header = MAGIC + bytes((VERSION, keys.suite, kind, 0)) + (salt or os.urandom(SALT_SIZE))
    plain = b"".join((_FRAME.pack(codec, size, len(body)), stored, bytes(zeros)))
    cipher = keys.make_cipher(keys.seal_key(kind, header[-SALT_SIZE:]))
    return header + cipher.encrypt(_NONCE, plain, header + keys.repository_id + context)


def open_sealed(keys: Keys, kind: ObjectType, sealed: Data, *, context: bytes = b"") -> bytes:
    """The body again.

    Raises Damaged for what is no sealed object, FormatUnsupported for one of a later version, TamperDetected
    for one that was changed, or belongs elsewhere.
    """
    view = memoryview(sealed).cast("B")
    if len(view) < OVERHEAD or view[:4] != MAGIC:
        raise Damaged(f"{kind.word}: this is no sealed object, or was cut off")
    if view[4] != VERSION:
        raise FormatUnsupported(
            f"{kind.word}: sealed in version {view[4]} of the format; this program knows {VERSION}",
            hint="Use a newer skycap, or check the repository: the object may be damaged.",
        )
    header = bytes(view[:HEADER_SIZE])
    if header[5:8] != bytes((keys.suite, kind, 0)):
        raise TamperDetected(f"{kind.word}: the object is of another type or sealed with another cipher")
    plain = _decrypted(keys, kind, view, header + keys.repository_id + context)
    codec, size, raw_length = _FRAME.unpack_from(plain)
    end = _FRAME.size + size
    if end > len(plain) or plain.count(0, end) != len(plain) - end or raw_length > _RAW_LIMITS[kind]:
        raise Damaged(f"{kind.word}: the lengths in the object do not fit")
    stored = memoryview(plain)[_FRAME.size : end]
    if codec == Codec.RAW and size == raw_length:
        return bytes(stored)
    if codec != Codec.ZSTD:
        raise Damaged(f"{kind.word}: the object is packed in a way that does not exist")
    body = bytearray(raw_length)
    with memoryview(body) as out:
        Decompressor().unpack_into(stored, out)
    return bytes(body)


def _decrypted(keys: Keys, kind: ObjectType, view: memoryview, authenticated: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    cipher = keys.make_cipher(keys.seal_key(kind, authenticated[HEADER_SIZE - SALT_SIZE : HEADER_SIZE]))
    try:
        return cipher.decrypt(_NONCE, view[HEADER_SIZE:], authenticated)
    except InvalidTag:
        raise TamperDetected(
            f"{kind.word}: the object does not authenticate: it was changed, or belongs to another place",
            hint="Nobody without the key of this repository can make one that does. Run a check.",
        ) from None
