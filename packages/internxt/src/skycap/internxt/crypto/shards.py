"""The hash of a stored object: RIPEMD-160 of the SHA-256 of its ciphertext, over all parts of it."""

from __future__ import annotations

import hashlib

Data = bytes | bytearray | memoryview


class ShardHash:
    """Takes the ciphertext in order, in pieces of any size."""

    def __init__(self) -> None:
        self._inner = hashlib.sha256()

    def update(self, data: Data, /) -> None:
        """Take more bytes."""
        self._inner.update(data)

    def digest(self) -> bytes:
        """The 20 bytes for what was taken so far."""
        # hashlib has it only where OpenSSL still lets it.
        from Cryptodome.Hash import RIPEMD160

        return RIPEMD160.new(self._inner.digest()).digest()

    def hexdigest(self) -> str:
        """The same in 40 hexadecimal digits, as the service wants it."""
        return self.digest().hex()

    def copy(self) -> ShardHash:
        """One that goes on from here apart from this one."""
        twin = ShardHash()
        twin._inner = self._inner.copy()
        return twin
