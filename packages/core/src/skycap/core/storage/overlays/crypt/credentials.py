"""What opens a vault: a passphrase or a key file. Each turns into the key that wraps the vault's own."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any, Protocol

from skycap.core.crypto.kdf import Argon2Parameters, argon2id, hkdf
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, ConfigInvalid, IntegrityError
from skycap.core.paths import printable

SALT_SIZE = 16
KEY_FILE_MIN = 32
KEY_FILE_MAX = 4096
_KEY_FILE_INFO = b"skycap-crypt 1 key file"


class Credential(Protocol):
    """Something from which the wrapping key of a vault is derived."""

    kdf: str
    """The name under which the vault says how it is derived."""

    def new(self) -> dict[str, Any]:
        """The public parameters of a new derivation, JSON, its name and a fresh salt included."""
        ...

    def derive(self, parameters: Mapping[str, Any]) -> Secret[bytes]:
        """The 32-byte wrapping key for such parameters."""
        ...


class Passphrase:
    """Argon2id of a passphrase, as UTF-8 and not normalised. `parameters` are for new derivations."""

    kdf = "argon2id"

    def __init__(self, value: Secret[str], parameters: Argon2Parameters | None = None) -> None:
        if not value:
            raise AuthMissing("the passphrase is empty", hint="An empty one would protect nothing.")
        self._value = value
        self._parameters = parameters or Argon2Parameters()
        self._parameters.require_strength()

    def new(self) -> dict[str, Any]:
        """A fresh salt, and how expensive a guess shall be."""
        used = self._parameters
        return {
            "name": self.kdf,
            "salt": os.urandom(SALT_SIZE).hex(),
            "memory_kib": used.memory_kib,
            "iterations": used.iterations,
            "lanes": used.lanes,
        }

    def derive(self, parameters: Mapping[str, Any]) -> Secret[bytes]:
        """The wrapping key; `ConfigInvalid` for parameters that are too weak, or would stop the machine."""
        try:
            salt = bytes.fromhex(parameters["salt"])
            wanted = Argon2Parameters(parameters["memory_kib"], parameters["iterations"], parameters["lanes"])
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError("it does not say how its key is derived from a passphrase") from error
        wanted.require_strength()
        return argon2id(self._value, salt, parameters=wanted)


class KeyFile:
    """HKDF of the bytes of a key file, which must be random: nothing slows down a guess."""

    kdf = "hkdf-sha256"

    def __init__(self, path: str) -> None:
        self._path = os.path.expanduser(path)

    def new(self) -> dict[str, Any]:
        """A fresh salt."""
        return {"name": self.kdf, "salt": os.urandom(SALT_SIZE).hex()}

    def derive(self, parameters: Mapping[str, Any]) -> Secret[bytes]:
        """The wrapping key; the file is read each time it is asked for."""
        try:
            salt = bytes.fromhex(parameters["salt"])
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError("it does not say how its key is derived from a key file") from error
        return hkdf(self._read(), salt=salt, info=_KEY_FILE_INFO)

    def _read(self) -> Secret[bytes]:
        where = printable(self._path)
        try:
            with open(self._path, "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise ConfigInvalid("the key file is not a regular file", where=where)
                data = file.read(KEY_FILE_MAX + 1)
        except OSError as error:
            raise AuthMissing(
                f"the key file cannot be read ({error.strerror})",
                where=where,
                hint="Put the key file back, or set key_file to where it is.",
            ) from error
        if not KEY_FILE_MIN <= len(data) <= KEY_FILE_MAX:
            raise ConfigInvalid(
                f"a key file has {KEY_FILE_MIN} to {KEY_FILE_MAX} bytes",
                where=where,
                hint="Make one with: head -c 32 /dev/urandom > FILE",
            )
        return Secret(data)
