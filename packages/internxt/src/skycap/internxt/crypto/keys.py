"""From the mnemonic to the key of one file.

    seed      = PBKDF2-HMAC-SHA-512(mnemonic in NFKD, "mnemonic", 2048)   64 bytes, as in BIP-39
    bucketKey = SHA-512(seed | bucket id)                                 64 bytes
    fileKey   = the first half of SHA-512(first half of bucketKey | index)  32 bytes

The bucket id is 12 bytes (24 hexadecimal digits); the index is 32 random bytes, new for each object and kept
in clear beside it. The mnemonic has 24 English words of BIP-39, whose checksum is looked at before anything
is encrypted: a wrong word would make files that nobody can read.
"""

from __future__ import annotations

import hashlib
import os

from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid, IntegrityError

INDEX_SIZE = 32
_BUCKET_SIZE = 12
_KEY_SIZE = 32
_ROUNDS = 2048


class Keys:
    """The keys of one bucket. Threads share one; deriving a file's key from it costs one hash."""

    def __init__(self, mnemonic: Secret[str], bucket: str) -> None:
        self._bucket_key = bucket_key(mnemonic, bucket)

    @property
    def bucket(self) -> Secret[bytes]:
        """The key of the bucket, 64 bytes."""
        return self._bucket_key

    def file(self, index: bytes) -> Secret[bytes]:
        """The AES-256 key of the object with this index."""
        return _file_key(self._bucket_key, index)


def seed(mnemonic: Secret[str]) -> Secret[bytes]:
    """The 64 bytes that BIP-39 makes of a mnemonic, without a passphrase."""
    import unicodedata

    words = unicodedata.normalize("NFKD", mnemonic.reveal()).encode("utf-8")
    return Secret(hashlib.pbkdf2_hmac("sha512", words, b"mnemonic", _ROUNDS))


def bucket_key(mnemonic: Secret[str], bucket: str) -> Secret[bytes]:
    """The 64 bytes for a bucket; `ConfigInvalid` if its id is not 24 hexadecimal digits."""
    try:
        raw = bytes.fromhex(bucket)
    except ValueError:
        raw = b""
    if len(raw) != _BUCKET_SIZE:
        raise ConfigInvalid(f"{bucket!r} is no bucket: an id has 24 hexadecimal digits")
    return Secret(hashlib.sha512(seed(mnemonic).reveal() + raw).digest())


def file_key(mnemonic: Secret[str], bucket: str, index: bytes) -> Secret[bytes]:
    """The 32 bytes for one object. Who needs many keys of a bucket makes a `Keys` once."""
    return _file_key(bucket_key(mnemonic, bucket), index)


def _file_key(of_bucket: Secret[bytes], index: bytes) -> Secret[bytes]:
    if len(index) != INDEX_SIZE:
        raise IntegrityError(f"the index of an object has {INDEX_SIZE} bytes, not {len(index)}")
    return Secret(hashlib.sha512(of_bucket.reveal()[:_KEY_SIZE] + index).digest()[:_KEY_SIZE])


def new_index() -> bytes:
    """The index for a new object: 32 random bytes. Two objects never share one: they would share a key."""
    return os.urandom(INDEX_SIZE)


def require_mnemonic(mnemonic: Secret[str], *, where: str = "") -> Secret[str]:
    """The mnemonic, if it is one; `IntegrityError` if a word or the checksum is wrong."""
    from mnemonic import Mnemonic

    words = mnemonic.reveal()
    if len(words.split()) != 24 or not Mnemonic("english").check(words):
        raise IntegrityError(
            "what the account holds is no recovery phrase of 24 words",
            where=where or None,
            hint="Nothing was encrypted with it. Log in again, and look at the account on the web.",
        )
    return mnemonic
