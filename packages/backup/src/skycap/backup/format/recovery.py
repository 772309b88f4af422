"""A recovery key on paper: 14 groups of four characters, with a checksum that finds a slip of the pen.

35 bytes = key (32) | first 3 bytes of SHA-256 of a label and the key, five bits a character
"""

from __future__ import annotations

import hashlib

from skycap.backup.format.keyfiles import RecoveryKey
from skycap.backup.format.suites import KEY_SIZE
from skycap.core.crypto.secret import Secret
from skycap.core.errors import NoKey

# Crockford's: no I, L, O, which look like digits, and no U.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_LABEL = b"skycap-backup v1 recovery key"
_CHECK_SIZE = 3
_CHARACTERS = (KEY_SIZE + _CHECK_SIZE) * 8 // 5
_GROUP = 4


def print_recovery_key(key: RecoveryKey) -> Secret[str]:
    """The text for a card."""
    raw = key.secret.reveal()
    number = int.from_bytes(raw + _check(raw), "big")
    text = "".join(_ALPHABET[number >> 5 * at & 31] for at in reversed(range(_CHARACTERS)))
    return Secret("-".join(text[at : at + _GROUP] for at in range(0, _CHARACTERS, _GROUP)))


def read_recovery_key(text: Secret[str]) -> RecoveryKey:
    """The key again, whatever case and spaces it has. Raises NoKey for a slip, and says which kind."""
    characters = "".join(text.reveal().upper().replace("-", " ").split())
    if len(characters) != _CHARACTERS:
        raise NoKey(f"a recovery key has {_CHARACTERS} characters, and this one {len(characters)}")
    number = 0
    for at, character in enumerate(characters):
        if character not in _VALUES:
            raise NoKey(
                f"no recovery key has the character in group {at // _GROUP + 1}, place {at % _GROUP + 1}",
                hint="It has digits and letters without accents, and no U.",
            )
        number = number << 5 | _VALUES[character]
    raw = number.to_bytes(KEY_SIZE + _CHECK_SIZE, "big")
    if _check(raw[:KEY_SIZE]) != raw[KEY_SIZE:]:
        raise NoKey("the recovery key has a slip in it: its checksum is wrong", hint="Read it once more.")
    return RecoveryKey(Secret(raw[:KEY_SIZE]))


def _check(raw: bytes) -> bytes:
    return hashlib.sha256(_LABEL + raw).digest()[:_CHECK_SIZE]
