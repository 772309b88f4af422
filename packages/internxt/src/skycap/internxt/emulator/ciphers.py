"""The little cryptography that a server does: unwrap passwords, wrap salts and mnemonics, open share links.

Every function follows the published protocol and is held to its vectors by the tests.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import os
import re

APP_SECRET = "6KYQBP847D4ATSFA"  # noqa: S105 - public: every client carries it
_MAGIC = b"Salted__"
_GCM_ROUNDS = 2145
_SALT, _IV, _TAG = 64, 16, 16


class Unreadable(ValueError):
    """What came is not something that was wrapped, or not under this secret."""


def wrap(text: str, secret: str, salt: bytes | None = None) -> str:
    """Salted AES-256-CBC of OpenSSL, as lower-case hex. `salt`: 8 bytes, random unless given."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    salt = salt or os.urandom(8)
    key, iv = _bytes_to_key(secret, salt)
    padder = PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return (_MAGIC + salt + encryptor.update(padded) + encryptor.finalize()).hex()


def unwrap(blob: str, secret: str) -> str:
    """The text that `wrap` hid; `Unreadable` if it cannot be had."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    try:
        raw = bytes.fromhex(blob)
        if raw[:8] != _MAGIC or len(raw) < 32 or len(raw) % 16:
            raise ValueError("not a wrapped text")
        key, iv = _bytes_to_key(secret, raw[8:16])
        decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
        unpadder = PKCS7(128).unpadder()
        padded = decryptor.update(raw[16:]) + decryptor.finalize()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except ValueError as error:
        raise Unreadable("it was not wrapped with this secret") from error


def _bytes_to_key(secret: str, salt: bytes) -> tuple[bytes, bytes]:
    digest, whole = b"", b""
    while len(whole) < 48:
        digest = hashlib.md5(digest + secret.encode() + salt, usedforsecurity=False).digest()
        whole += digest
    return whole[:32], whole[32:48]


def seal(text: str, password: str, salt: bytes | None = None, iv: bytes | None = None) -> str:
    """AES-256-GCM under a password: base64 of salt, IV, tag and ciphertext. Salt 64 and IV 16 bytes."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    salt, iv = salt or os.urandom(_SALT), iv or os.urandom(_IV)
    encryptor = Cipher(algorithms.AES(_gcm_key(password, salt)), modes.GCM(iv)).encryptor()
    hidden = encryptor.update(text.encode()) + encryptor.finalize()
    return base64.b64encode(salt + iv + encryptor.tag + hidden).decode()


def unseal(blob: str, password: str) -> str:
    """The text that `seal` hid; `Unreadable` if it was changed or the password is another."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    try:
        raw = base64.b64decode(blob, validate=True)
        if len(raw) < _SALT + _IV + _TAG:
            raise ValueError("too short")
        salt, iv, rest = raw[:_SALT], raw[_SALT : _SALT + _IV], raw[_SALT + _IV :]
        mode = modes.GCM(iv, rest[:_TAG])
        decryptor = Cipher(algorithms.AES(_gcm_key(password, salt)), mode).decryptor()
        return (decryptor.update(rest[_TAG:]) + decryptor.finalize()).decode()
    except (ValueError, InvalidTag, binascii.Error) as error:
        raise Unreadable("it was not sealed with this password") from error


@functools.lru_cache(maxsize=256)
def _gcm_key(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _GCM_ROUNDS, 32)


@functools.lru_cache(maxsize=64)
def password_hash(password: str, salt: bytes) -> str:
    """What a client sends for a password, in hex: PBKDF2 over SHA-1, 10 000 rounds."""
    return hashlib.pbkdf2_hmac("sha1", password.encode(), salt, 10_000, 32).hex()


def file_key(bucket_key: bytes, index: bytes) -> bytes:
    """The 32-byte key of one object, of the first 32 bytes of its bucket's key and its 32-byte index."""
    return hashlib.sha512(bucket_key[:32] + index).digest()[:32]


def one_time_codes(secret: str, now_s: float, steps: int = 2) -> list[str]:
    """The six-digit codes that are good at a time: the current one and `steps` to either side."""
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    current = int(now_s // 30)
    return [_code(key, step) for step in range(max(current - steps, 0), current + steps + 1)]


def _code(key: bytes, step: int) -> str:
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def is_base32(text: str) -> bool:
    """Whether a text can be the secret of one-time codes."""
    return bool(re.fullmatch(r"[A-Za-z2-7]{8,}", text)) and len(text) % 8 in {0, 2, 4, 5, 7}
