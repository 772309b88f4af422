"""Names that a store may see, for names that it may not: AES-SIV (RFC 5297), deterministic.

The same name under the same key and associated data gives the same sealed name, so a sealed tree can be
looked up without an index. A store learns which names are equal in one place, and how long they are.

    sealed name = base32hex(SIV (16) | ciphertext), RFC 4648, lower case, no padding

Base32 because it survives a store that ignores or changes case, where base64 does not, and every store keeps
letters and digits; the "hex" alphabet because it keeps the order of the bytes; no padding because `=` must be
quoted in URLs. The price is 8 characters for 5 bytes: 143 bytes of name fill the 255 that file systems allow.
"""

from __future__ import annotations

import base64
import re

from skycap.core.crypto.secret import Secret, reveal
from skycap.core.errors import ConfigInvalid, IntegrityError, PathInvalid

KEY_SIZE = 64
MAX_SEALED = 255
MAX_PLAIN = MAX_SEALED * 5 // 8 - 16
MIN_SEALED = 28
"""Characters of a sealed name of one byte: none is shorter."""
_SEALED = re.compile(f"[0-9a-vA-V]{{{MIN_SEALED}}}")


class NameCipher:
    """Seals single parts of a path; any thread. The key has 64 bytes: half for the SIV, half for the text."""

    def __init__(self, key: bytes | Secret[bytes]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        if len(reveal(key)) != KEY_SIZE:
            raise ConfigInvalid(f"a key for names has {KEY_SIZE} bytes, not {len(reveal(key))}")
        self._siv = AESSIV(reveal(key))

    def seal(self, name: str, *, aad: bytes = b"") -> str:
        """The sealed name. `aad` binds it to a place; names of another place do not open there.

        A name that is not text on this system comes with surrogate escapes and keeps its bytes. Raises
        PathInvalid for what is no part of a path, and for more than `MAX_PLAIN` bytes.
        """
        if not _is_part(name):
            raise PathInvalid(f"{name!r} is not the name of a file or directory")
        try:
            raw = name.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise PathInvalid(f"{name!r} holds half a character and cannot be written as bytes") from None
        if len(raw) > MAX_PLAIN:
            raise PathInvalid(
                f"{name!r} is {len(raw)} bytes long; sealed names can hold {MAX_PLAIN}, since stores allow "
                f"{MAX_SEALED} and sealing makes names longer",
                hint="Shorten the name, or do not encrypt names on this remote.",
            )
        sealed = self._siv.encrypt(raw, [aad])
        return base64.b32hexencode(sealed).decode().rstrip("=").lower()

    def open(self, sealed: str, *, aad: bytes = b"") -> str:
        """The name again, whatever the store made of its case. IntegrityError for a name not sealed here."""
        from cryptography.exceptions import InvalidTag

        try:
            padded = sealed.upper() + "=" * (-len(sealed) % 8)
            data = base64.b32hexdecode(padded)
            name = self._siv.decrypt(data, [aad]).decode("utf-8", "surrogateescape")
        except (ValueError, InvalidTag):
            raise _foreign(sealed) from None
        if not _is_part(name) or base64.b32hexencode(data).decode() != padded:
            raise _foreign(sealed)
        return name


def may_be_sealed(name: str) -> bool:
    """Whether a name that does not open may have been a sealed one, before somebody changed it.

    It may where as many characters in a row as the shortest sealed name has are of its alphabet: so a sealed
    name that got another end, a number or a prefix still counts. No key is needed to tell.
    """
    return _SEALED.search(name) is not None


def _is_part(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _foreign(sealed: str) -> IntegrityError:
    return IntegrityError(f"{sealed!r} was not sealed with this key for this place, or was changed")
