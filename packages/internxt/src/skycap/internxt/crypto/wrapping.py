"""Short texts under a password, as CryptoJS writes them: salts, password hashes, mnemonics.

    "Salted__" | 8 bytes of salt | AES-256-CBC with PKCS#7         all of it in hexadecimal

Key and first block come from MD5 (the EVP_BytesToKey of OpenSSL, one round). That hides nothing from who
guesses passwords, and does not notice every change; it is the form that the service wants.
"""

from __future__ import annotations

import hashlib
import os

from skycap.core.crypto.secret import Secret
from skycap.core.errors import IntegrityError

APP_SECRET = Secret("6KYQBP847D4ATSFA")
"""Wraps what is between the client and the server; every client has it, so it is no secret."""
_MAGIC = b"Salted__"
_SALT_SIZE = 8
_BLOCK = 16


def wrap(text: Secret[str], password: Secret[str], *, salt: bytes | None = None) -> str:
    """A text in that form. A salt is made up where none is given; it has 8 bytes."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    salt = os.urandom(_SALT_SIZE) if salt is None else salt
    key, first = _derived(password, salt)
    padder = PKCS7(8 * _BLOCK).padder()
    padded = padder.update(text.reveal().encode("utf-8")) + padder.finalize()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(first)).encryptor()
    return (_MAGIC + salt + encryptor.update(padded) + encryptor.finalize()).hex()


def unwrap(wrapped: str, password: Secret[str]) -> Secret[str]:
    """The text again. `IntegrityError` for another password, and for what is not of this form."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    try:
        blob = bytes.fromhex(wrapped)
    except ValueError:
        blob = b""
    head = len(_MAGIC) + _SALT_SIZE
    body = blob[head:]
    if not blob.startswith(_MAGIC) or not body or len(body) % _BLOCK:
        raise IntegrityError("this is no text wrapped under a password")
    key, first = _derived(password, blob[len(_MAGIC) : head])
    decryptor = Cipher(algorithms.AES256(key), modes.CBC(first)).decryptor()
    padded = decryptor.update(body) + decryptor.finalize()
    unpadder = PKCS7(8 * _BLOCK).unpadder()
    try:
        return Secret((unpadder.update(padded) + unpadder.finalize()).decode("utf-8"))
    except ValueError:
        # The cause would quote bytes of what was not meant to be seen.
        raise IntegrityError("this password does not open it") from None


def _derived(password: Secret[str], salt: bytes) -> tuple[bytes, bytes]:
    if len(salt) != _SALT_SIZE:
        raise IntegrityError(f"the salt of a wrapped text has {_SALT_SIZE} bytes, not {len(salt)}")
    seasoned = password.reveal().encode("utf-8") + salt
    found = last = b""
    while len(found) < 48:
        last = hashlib.md5(last + seasoned, usedforsecurity=False).digest()
        found += last
    return found[:32], found[32:]
