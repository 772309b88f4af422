"""AES-256 in counter mode (NIST SP 800-38A), from any byte offset.

Counter mode only hides; it does not notice a changed byte. It is here for formats of others that have their
own checks. The counter is the whole 16-byte block, big-endian, and wraps at 2**128.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skycap.core.crypto.secret import Secret, reveal
from skycap.core.errors import ConfigInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

_BLOCK = 16
_KEY = 32


class Ctr:
    """A key stream that can be sought. Encrypting and decrypting are the same; one object, one thread."""

    def __init__(self, key: bytes | Secret[bytes], counter: bytes, *, offset: int = 0) -> None:
        if len(reveal(key)) != _KEY:
            raise ConfigInvalid(f"AES-256 needs a key of {_KEY} bytes, not {len(reveal(key))}")
        if len(counter) != _BLOCK:
            raise ConfigInvalid(f"counter mode needs a first counter of {_BLOCK} bytes, not {len(counter)}")
        self._key = key if isinstance(key, Secret) else Secret(key)
        self._counter = counter
        self._context: CipherContext
        self.seek(offset)

    def seek(self, offset: int) -> None:
        """Go on with the byte at `offset`, counted from the first byte under the first counter."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        if offset < 0:
            raise ValueError(f"offset {offset} is before the start")
        block, within = divmod(offset, _BLOCK)
        mode = modes.CTR(counter_at(self._counter, block))
        self._context = Cipher(algorithms.AES256(self._key.reveal()), mode).encryptor()
        self._context.update(bytes(within))
        self._offset = offset

    def tell(self) -> int:
        """The offset of the next byte."""
        return self._offset

    def update(self, data: bytes | bytearray | memoryview) -> bytes:
        """The next bytes, encrypted or decrypted."""
        self._offset += len(data)
        return self._context.update(data)

    def update_into(self, data: bytes | bytearray | memoryview, out: memoryview | bytearray) -> int:
        """As `update`, into a buffer of at least the same length, which may be `data` itself."""
        count = self._context.update_into(data, out)
        self._offset += count
        return count


def counter_at(counter: bytes, block: int) -> bytes:
    """The 16-byte counter `block` blocks later, carried through all 128 bits."""
    return ((int.from_bytes(counter, "big") + block) % 2**128).to_bytes(_BLOCK, "big")
