"""What is shown instead of a password: to the Drive API, and to the network behind it."""

from __future__ import annotations

import base64
import hashlib

from skycap.core.crypto.secret import Secret
from skycap.core.errors import ProviderError

_ROUNDS = 10_000
_KEY_SIZE = 32


def password_hash(password: Secret[str], salt: str) -> Secret[str]:
    """PBKDF2-HMAC-SHA-1 of a password with a salt in hexadecimal: 64 hexadecimal digits.

    SHA-1 is what the service compares with. `ProviderError` if the salt is not hexadecimal.
    """
    try:
        raw = bytes.fromhex(salt)
    except ValueError:
        raise ProviderError("the salt that the server sent is not hexadecimal") from None
    made = hashlib.pbkdf2_hmac("sha1", password.reveal().encode("utf-8"), raw, _ROUNDS, _KEY_SIZE)
    return Secret(made.hex())


def network_password(user_id: str) -> Secret[str]:
    """What opens the network: SHA-256 of the user id of the account, in hexadecimal."""
    return Secret(hashlib.sha256(user_id.encode("utf-8")).hexdigest())


def basic(user: str, password: Secret[str]) -> Secret[str]:
    """The value of the header Authorization for the network."""
    pair = f"{user}:{password.reveal()}".encode()
    return Secret(f"Basic {base64.b64encode(pair).decode('ascii')}")
