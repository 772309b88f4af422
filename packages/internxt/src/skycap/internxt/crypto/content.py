"""The content of an object: AES-256-CTR, as long as the plain bytes, without header or tag.

The first counter is the first 16 bytes of the index, big-endian; it wraps at 2**128. A changed byte is not
noticed by the cipher: the hash of the shard notices it.
"""

from __future__ import annotations

from skycap.core.crypto.ctr import Ctr
from skycap.core.crypto.secret import Secret

_COUNTER_SIZE = 16


class Content:
    """The key stream of one object. Threads share one; each takes a `Ctr` of its own."""

    def __init__(self, key: Secret[bytes], index: bytes) -> None:
        self._key = key
        self._counter = index[:_COUNTER_SIZE]

    def at(self, offset: int) -> Ctr:
        """Encrypts, or decrypts, from the byte at `offset` on."""
        return Ctr(self._key, self._counter, offset=offset)
