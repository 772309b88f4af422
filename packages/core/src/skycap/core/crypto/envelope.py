"""A fresh AES-256-GCM key for the content, wrapped by RSA-OAEP for whoever may read it.

Only the two operations: how key, nonce, ciphertext and tag lie in a message is up to each protocol. OAEP uses
SHA-256 for both of its hashes and an empty label (RFC 8017); GCM a nonce of 12 bytes and a tag of 16
(NIST SP 800-38D).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skycap.core.crypto.secret import Secret, reveal
from skycap.core.errors import ConfigInvalid, IntegrityError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import OAEP
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

KEY_SIZE = 32
NONCE_SIZE = 12
TAG_SIZE = 16
_MIN_RSA_BITS = 2048


@dataclass(frozen=True)
class Sealed:
    """One sealed message: 12-byte nonce, ciphertext as long as the plain text, 16-byte tag."""

    nonce: bytes
    ciphertext: bytes
    tag: bytes


def new_key() -> Secret[bytes]:
    """32 random bytes."""
    return Secret(os.urandom(KEY_SIZE))


def wrap_key(public_key: RSAPublicKey, key: bytes | Secret[bytes]) -> bytes:
    """The key, readable only by the holder of the private key; as long as the RSA modulus."""
    if public_key.key_size < _MIN_RSA_BITS:
        raise ConfigInvalid(f"an RSA key of {public_key.key_size} bits is too weak to wrap a key")
    return public_key.encrypt(_checked(key), _oaep())


def unwrap_key(private_key: RSAPrivateKey, wrapped: bytes) -> Secret[bytes]:
    """The key again. Raises IntegrityError, and says no more, whatever is wrong with `wrapped`."""
    try:
        key = private_key.decrypt(wrapped, _oaep())
    except ValueError:
        # Details would help whoever sends guesses (Manger's attack on OAEP).
        raise IntegrityError("the wrapped key cannot be opened with this private key") from None
    if len(key) != KEY_SIZE:
        raise IntegrityError("the wrapped key cannot be opened with this private key")
    return Secret(key)


def seal(key: bytes | Secret[bytes], plain: bytes, *, aad: bytes = b"", nonce: bytes | None = None) -> Sealed:
    """Seal a message. A given nonce must never have been used with this key; without one it is random."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_SIZE) if nonce is None else nonce
    if len(nonce) != NONCE_SIZE:
        raise ConfigInvalid(f"a nonce has {NONCE_SIZE} bytes, not {len(nonce)}")
    sealed = AESGCM(_checked(key)).encrypt(nonce, plain, aad)
    return Sealed(nonce, sealed[:-TAG_SIZE], sealed[-TAG_SIZE:])


def open_sealed(key: bytes | Secret[bytes], sealed: Sealed, *, aad: bytes = b"") -> bytes:
    """The plain message. Raises IntegrityError if any part of it, or `aad`, is not what was sealed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(sealed.nonce) != NONCE_SIZE or len(sealed.tag) != TAG_SIZE:
        raise IntegrityError("the message is not sealed as it should be: nonce or tag has the wrong length")
    try:
        return AESGCM(_checked(key)).decrypt(sealed.nonce, sealed.ciphertext + sealed.tag, aad)
    except InvalidTag:
        raise IntegrityError(
            "the message does not authenticate: it was changed, or the key is wrong"
        ) from None


def _checked(key: bytes | Secret[bytes]) -> bytes:
    raw = reveal(key)
    if len(raw) != KEY_SIZE:
        raise ConfigInvalid(f"AES-256 needs a key of {KEY_SIZE} bytes, not {len(raw)}")
    return raw


def _oaep() -> OAEP:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
    from cryptography.hazmat.primitives.hashes import SHA256

    return OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=None)
