"""Passwords: read from where they are kept, and hashed so that a file of them gives none away.

A hash is the string of Argon2's reference implementation, in the format of the Password Hashing Competition:
`$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH`, the last two in base64 without padding.
"""

from __future__ import annotations

import base64
import binascii
import logging
import os
import re
import sys
from dataclasses import dataclass
from typing import TextIO

from skycap.core.crypto.compare import same
from skycap.core.crypto.kdf import Argon2Parameters, argon2id
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, ConfigInvalid

PARAMETERS = Argon2Parameters(memory_kib=19 * 1024, iterations=2, lanes=1)
"""From OWASP's password storage advice: little memory, since a server hashes beside its work."""
_SALT_SIZE = 16
_LONGEST = 1024
_PHC = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)
_log = logging.getLogger("skycap.server")


@dataclass(frozen=True, slots=True)
class Hash:
    """What a password became. `str` gives the one line for a file."""

    parameters: Argon2Parameters
    salt: bytes
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> Hash:
        """The hash in `text`; `ConfigInvalid` if it is none, or its parameters are not Argon2's."""
        found = _PHC.fullmatch(text)
        if found is None:
            raise ConfigInvalid("this is no hash of Argon2id")
        memory, passes, lanes = (int(found.group(number)) for number in (1, 2, 3))
        try:
            salt, digest = _decoded(found.group(4)), _decoded(found.group(5))
        except binascii.Error:
            raise ConfigInvalid("this is no hash of Argon2id") from None
        return cls(Argon2Parameters(memory, passes, lanes), salt, digest)

    def __str__(self) -> str:
        chosen = self.parameters
        costs = f"m={chosen.memory_kib},t={chosen.iterations},p={chosen.lanes}"
        return f"$argon2id$v=19${costs}${_encoded(self.salt)}${_encoded(self.digest)}"

    def fits(self, password: Secret[str]) -> bool:
        """Whether it is the hash of this password; costs as much either way."""
        key = argon2id(password, self.salt, parameters=self.parameters, length=len(self.digest))
        return same(key.reveal(), self.digest)


def hash_password(password: Secret[str], *, parameters: Argon2Parameters = PARAMETERS) -> Hash:
    """A fresh hash; `ConfigInvalid` for an empty password, or one of over 1,024 characters."""
    require_usable(password)
    salt = os.urandom(_SALT_SIZE)
    return Hash(parameters, salt, argon2id(password, salt, parameters=parameters).reveal())


def require_usable(password: Secret[str]) -> None:
    """Raise `ConfigInvalid` for a password that no client could send, or that protects nothing."""
    if not password:
        raise ConfigInvalid("the password is empty")
    if not is_possible(password):
        raise ConfigInvalid(f"the password has more than {_LONGEST} characters, or is no text")


def is_possible(password: Secret[str]) -> bool:
    """Whether it can be anybody's: what is longer than 1,024 characters is not even hashed."""
    value = password.reveal()
    if len(value) > _LONGEST:
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def read_password(path: str, *, stdin: TextIO | None = None) -> Secret[str]:
    """The first line of the file at `path`, or of standard input for `-`; at most 1,024 characters.

    `AuthMissing` if there is none. A file that others may read is warned of.
    """
    where = "standard input" if path == "-" else path
    try:
        if path == "-":
            line = (stdin or sys.stdin).readline()
        else:
            with open(path, encoding="utf-8") as file:
                warn_if_shared(file.fileno(), path)
                line = file.readline()
    except OSError as error:
        raise AuthMissing(
            f"the password cannot be read ({error.strerror})",
            where=where,
            hint="--password-file names a file whose first line is the password, or - for standard input.",
        ) from None
    except UnicodeDecodeError:
        raise AuthMissing("the password is not UTF-8", where=where) from None
    password = Secret(line.rstrip("\r\n"))
    try:
        require_usable(password)
    except ConfigInvalid as error:
        raise AuthMissing(error.message, where=where, hint="The password is the first line.") from None
    return password


def warn_if_shared(descriptor: int, path: str) -> None:
    """Warn of a secret file that others than its owner may read."""
    if os.name != "nt" and os.fstat(descriptor).st_mode & 0o077:
        _log.warning("%s can be read by others; chmod 600 keeps it to you", path)


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
