"""The code that newer clients put beside an object: HMAC-SHA-512 over the hashes of its shards.

Its key is HKDF-SHA-512 of the file's key, so that a server cannot exchange the object and its hash.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from skycap.core.crypto.compare import same
from skycap.core.crypto.kdf import hkdf
from skycap.core.crypto.secret import Secret

_INFO = b"for hmac"
_SIZE = 64


def mac_key(file_key: Secret[bytes]) -> Secret[bytes]:
    """The 64 bytes for the code of an object."""
    return hkdf(file_key, info=_INFO, salt=bytes(_SIZE), length=_SIZE, hash_name="sha512")


def content_mac(file_key: Secret[bytes], shard_hashes: Iterable[str]) -> str:
    """The code in 128 hexadecimal digits; the hashes are hexadecimal, too."""
    code = hmac.new(mac_key(file_key).reveal(), digestmod="sha512")
    for one in shard_hashes:
        code.update(bytes.fromhex(one))
    return code.hexdigest()


def is_genuine(file_key: Secret[bytes], shard_hashes: Iterable[str], value: str) -> bool:
    """Whether that is the code of an object with these shards."""
    return same(content_mac(file_key, shard_hashes), value.lower())
