"""Keys from passphrases (Argon2id, RFC 9106) and keys from keys (HKDF, RFC 5869).

Parameters of Argon2id usually arrive in a file that somebody else could have written. So they have bounds
in both directions: too much would stop the machine, too little would make guessing cheap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from skycap.core.crypto.secret import Secret, reveal
from skycap.core.errors import ConfigInvalid, Unsupported

_MAX_MEMORY_KIB = 4 * 1024 * 1024
_MAX_ITERATIONS = 64
_MAX_LANES = 16
_MIN_SALT = 8
# The weakest setting that OWASP's password storage advice still names is 7 MiB with five passes.
_MIN_MEMORY_KIB = 7 * 1024
_MIN_WORK = 5 * _MIN_MEMORY_KIB


@dataclass(frozen=True)
class Argon2Parameters:
    """How expensive one guess is. `memory_kib` is in KiB; the default is RFC 9106's second choice.

    Raises ConfigInvalid for what Argon2 does not define and for what would stop the machine: over 4 GiB,
    64 passes, or 16 lanes.
    """

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4

    def __post_init__(self) -> None:
        _check_range("lanes", self.lanes, 1, _MAX_LANES)
        _check_range("iterations", self.iterations, 1, _MAX_ITERATIONS)
        _check_range("memory in KiB", self.memory_kib, 8 * self.lanes, _MAX_MEMORY_KIB)

    @property
    def work(self) -> int:
        """KiB written over all passes: the cost of one guess."""
        return self.memory_kib * self.iterations

    def require_strength(self) -> None:
        """Raise ConfigInvalid if guesses would be cheap: a changed file must not weaken a passphrase."""
        if self.memory_kib < _MIN_MEMORY_KIB or self.work < _MIN_WORK:
            raise ConfigInvalid(
                f"Argon2id with {self.memory_kib} KiB and {self.iterations} passes makes guessing cheap; "
                f"at least {_MIN_MEMORY_KIB} KiB and {_MIN_WORK} KiB over all passes are needed",
                hint="If you did not choose these parameters, somebody may have changed the file.",
            )


def _check_range(what: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigInvalid(f"Argon2id: {what} must be between {least} and {most}, not {value!r}")


def argon2id(
    passphrase: str | bytes | Secret[str] | Secret[bytes],
    salt: bytes,
    *,
    parameters: Argon2Parameters | None = None,
    length: int = 32,
    secret: bytes | None = None,
    associated_data: bytes | None = None,
) -> Secret[bytes]:
    """A key of `length` bytes from a passphrase; text is encoded as UTF-8, without normalising it.

    `secret` and `associated_data` are Argon2's own K and X inputs. Raises ConfigInvalid for a salt under
    8 bytes, Unsupported where the memory cannot be had.
    """
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    parameters = parameters or Argon2Parameters()
    if len(salt) < _MIN_SALT:
        raise ConfigInvalid(f"Argon2id needs a salt of at least {_MIN_SALT} bytes, not {len(salt)}")
    value = passphrase.reveal() if isinstance(passphrase, Secret) else passphrase
    kdf = Argon2id(
        salt=salt,
        length=length,
        iterations=parameters.iterations,
        lanes=parameters.lanes,
        memory_cost=parameters.memory_kib,
        ad=associated_data,
        secret=secret,
    )
    try:
        return Secret(kdf.derive(value.encode() if isinstance(value, str) else value))
    except MemoryError:
        raise Unsupported(
            f"deriving the key needs {parameters.memory_kib // 1024} MiB of memory, which this machine lacks",
            hint="Open it on a machine with more memory.",
        ) from None


def hkdf(
    key: bytes | Secret[bytes],
    *,
    info: bytes,
    salt: bytes | None = None,
    length: int = 32,
    hash_name: Literal["sha256", "sha512"] = "sha256",
) -> Secret[bytes]:
    """A key of `length` bytes for the one purpose that `info` names, from a key that is already strong."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    algorithm = {"sha256": hashes.SHA256, "sha512": hashes.SHA512}[hash_name]()
    return Secret(HKDF(algorithm, length, salt, info).derive(reveal(key)))
