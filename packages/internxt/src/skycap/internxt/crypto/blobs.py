"""Texts sealed under a password: private keys, and what a share link holds.

    salt (64 bytes) | nonce (16) | tag (16) | ciphertext           all of it in base64

AES-256-GCM, no associated data; the key is PBKDF2-HMAC-SHA-512 of the password with 2145 rounds.
"""

from __future__ import annotations

import base64
import hashlib
import os

from skycap.core.crypto.secret import Secret
from skycap.core.errors import IntegrityError

_SALT_SIZE = 64
_NONCE_SIZE = 16
_TAG_SIZE = 16
_ROUNDS = 2145


def seal(
    text: Secret[str], password: Secret[str], *, salt: bytes | None = None, nonce: bytes | None = None
) -> str:
    """A text in that form; salt and nonce are random unless given."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt = os.urandom(_SALT_SIZE) if salt is None else salt
    nonce = os.urandom(_NONCE_SIZE) if nonce is None else nonce
    if len(salt) != _SALT_SIZE or len(nonce) != _NONCE_SIZE:
        raise ValueError(f"a salt has {_SALT_SIZE} bytes, and a nonce {_NONCE_SIZE}")
    sealed = AESGCM(_key(password, salt)).encrypt(nonce, text.reveal().encode("utf-8"), None)
    tag, ciphertext = sealed[-_TAG_SIZE:], sealed[:-_TAG_SIZE]
    return base64.b64encode(salt + nonce + tag + ciphertext).decode("ascii")


def unseal(blob: str, password: Secret[str]) -> Secret[str]:
    """The text again. `IntegrityError` for another password, a changed blob, and what is none."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        raw = base64.b64decode(blob, validate=True)
    except ValueError:
        raw = b""
    head = _SALT_SIZE + _NONCE_SIZE
    if len(raw) < head + _TAG_SIZE:
        raise IntegrityError("this is no text sealed under a password")
    salt, nonce = raw[:_SALT_SIZE], raw[_SALT_SIZE:head]
    tag, ciphertext = raw[head : head + _TAG_SIZE], raw[head + _TAG_SIZE :]
    try:
        plain = AESGCM(_key(password, salt)).decrypt(nonce, ciphertext + tag, None)
        return Secret(plain.decode("utf-8"))
    except (InvalidTag, UnicodeDecodeError):
        raise IntegrityError("this password does not open it, or it was changed") from None


def _key(password: Secret[str], salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.reveal().encode("utf-8"), salt, _ROUNDS, 32)
