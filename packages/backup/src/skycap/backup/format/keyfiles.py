"""Key files: the master key, wrapped under a passphrase or a recovery key; canonical JSON.

    KEK     = Argon2id(passphrase), or HKDF-SHA256(recovery key)
    wrapped = AES-256-GCM(key from KEK, nonce, master key, all other members)

All of it is authenticated. `digest` tells damage from a wrong passphrase before anything is derived, `commit`
a wrong passphrase from a file that somebody changed; it also lets no file open under two passphrases.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any

from skycap.backup.format import canonical, fields, limits
from skycap.backup.format.keys import REPOSITORY_ID_SIZE, derive
from skycap.backup.format.suites import KEY_SIZE, NONCE_SIZE, TAG_SIZE
from skycap.core.crypto import envelope
from skycap.core.crypto.compare import same
from skycap.core.crypto.kdf import Argon2Parameters, argon2id, hkdf
from skycap.core.crypto.secret import Secret
from skycap.core.errors import (
    ConfigInvalid,
    Damaged,
    FormatUnsupported,
    IntegrityError,
    NoKey,
    TamperDetected,
)

MAGIC = "skycap-backup-key"
NAME_SIZE = 16
_VERSION = 1
_SALT_SIZE = 32
_RECOVERY = b"skycap-backup v1 recovery key"
_WHAT = "a key file"
_ARGON2 = fields.object_with(
    {
        "name": fields.one_of("argon2id"),
        "salt": fields.hex_of(_SALT_SIZE),
        "memory_kib": fields.count,
        "iterations": fields.count,
        "lanes": fields.count,
    }
)
_HKDF = fields.object_with({"name": fields.one_of("hkdf-sha256"), "salt": fields.hex_of(_SALT_SIZE)})
_KDFS = {"passphrase": _ARGON2, "recovery": _HKDF}
_CHECKS: dict[str, fields.Check] = {
    "repository": fields.hex_of(REPOSITORY_ID_SIZE),
    "kind": fields.one_of(*_KDFS),
    "label": fields.text,
    "created": fields.time,
    "commit": fields.hex_of(32),
    "nonce": fields.hex_of(NONCE_SIZE),
    "wrapped": fields.hex_of(KEY_SIZE + TAG_SIZE),
}


@dataclass(frozen=True)
class RecoveryKey:
    """256 random bits that open a key file of their own kind; `format.recovery` prints and reads them."""

    secret: Secret[bytes]

    @classmethod
    def new(cls) -> RecoveryKey:
        """A fresh one."""
        return cls(Secret(os.urandom(KEY_SIZE)))


@dataclass(frozen=True)
class KeyFile:
    """A key file as it was read: whole, but not yet opened."""

    name: bytes
    repository_id: bytes
    kind: str
    label: str
    created: str
    members: dict[str, Any]


def make_key_file(
    master: Secret[bytes],
    repository_id: bytes,
    opens_with: Secret[str] | RecoveryKey,
    *,
    created: str,
    label: str = "",
    parameters: Argon2Parameters | None = None,
    salt: bytes | None = None,
    nonce: bytes | None = None,
) -> tuple[bytes, bytes]:
    """The name of a key file, 16 bytes, and its bytes.

    `created` is a time in the form of `canonical`. Salt and nonce are random unless a test gives them. Raises
    ConfigInvalid for an empty passphrase, and for parameters that would make guessing cheap.
    """
    salt = salt or os.urandom(_SALT_SIZE)
    if isinstance(opens_with, RecoveryKey):
        kdf: dict[str, Any] = {"name": "hkdf-sha256", "salt": salt.hex()}
    else:
        if not opens_with:
            raise ConfigInvalid("an empty passphrase protects nothing", hint="Choose one of several words.")
        chosen = parameters or Argon2Parameters()
        chosen.require_strength()
        kdf = {
            "name": "argon2id",
            "salt": salt.hex(),
            "memory_kib": chosen.memory_kib,
            "iterations": chosen.iterations,
            "lanes": chosen.lanes,
        }
    kek = _kek(kdf, opens_with)
    nonce = nonce or os.urandom(NONCE_SIZE)
    members: dict[str, Any] = {
        "magic": MAGIC,
        "version": _VERSION,
        "repository": repository_id.hex(),
        "kind": "recovery" if isinstance(opens_with, RecoveryKey) else "passphrase",
        "kdf": kdf,
        "label": label,
        "created": created,
        "commit": derive("key commitment", kek).hex(),
        "nonce": nonce.hex(),
    }
    sealed = envelope.seal(_wrap_key(kek), master.reveal(), aad=canonical.dumps(members), nonce=nonce)
    members["wrapped"] = (sealed.ciphertext + sealed.tag).hex()
    digest = hashlib.sha256(canonical.dumps(members))
    return digest.digest()[:NAME_SIZE], canonical.dumps({**members, "digest": digest.hexdigest()})


def read_key_file(stored: bytes, *, name: bytes | None = None) -> KeyFile:
    """A key file, checked as far as that goes without a key; `name`, 16 bytes, if it lay in a repository.

    Raises Damaged for a file that is not whole or lies under another name, FormatUnsupported for a later
    version.
    """
    if len(stored) > limits.KEY_FILE:
        raise Damaged(f"{_WHAT} has {len(stored)} bytes; none is that large")
    members = canonical.loads(stored, _WHAT)
    fields.require(members, {"magic": fields.one_of(MAGIC), "version": fields.count}, _WHAT)
    digest = members.pop("digest", None)
    made = hashlib.sha256(canonical.dumps(members))
    if digest != made.hexdigest() or name not in (None, made.digest()[:NAME_SIZE]):
        raise Damaged(
            "the key file is damaged, or lies under the name of another one",
            hint="Use another key file, the recovery key, or a copy of this file.",
        )
    if members["version"] > _VERSION:
        raise FormatUnsupported(
            f"the key file is of version {members['version']}", hint="Use a newer skycap."
        )
    fields.require(members, _CHECKS, _WHAT)
    fields.require(members, {"kdf": _KDFS[members["kind"]]}, _WHAT)
    return KeyFile(
        made.digest()[:NAME_SIZE],
        bytes.fromhex(members["repository"]),
        members["kind"],
        members["label"],
        members["created"],
        members,
    )


def open_key_file(
    key_file: KeyFile, opens_with: Secret[str] | RecoveryKey, *, repository_id: bytes | None = None
) -> Secret[bytes]:
    """The master key.

    Raises NoKey for a wrong passphrase or recovery key or one of the other kind, TamperDetected for a file
    that somebody changed or that belongs to another repository, ConfigInvalid for parameters out of bounds.
    """
    if repository_id is not None and key_file.repository_id != repository_id:
        raise TamperDetected("the key file belongs to another repository")
    kind = "recovery" if isinstance(opens_with, RecoveryKey) else "passphrase"
    if kind != key_file.kind:
        raise NoKey(
            f"this key file opens with a {key_file.kind}{' key' if key_file.kind == 'recovery' else ''}"
        )
    members = {name: value for name, value in key_file.members.items() if name != "wrapped"}
    kek = _kek(members["kdf"], opens_with)
    if not same(derive("key commitment", kek).hex(), members["commit"]):
        raise NoKey(
            f"this is not the {'recovery key' if kind == 'recovery' else 'passphrase'} of this key file",
            hint="Mind the keyboard layout and capitals; other key files may open with it.",
        )
    raw = bytes.fromhex(key_file.members["wrapped"])
    sealed = envelope.Sealed(bytes.fromhex(members["nonce"]), raw[:-TAG_SIZE], raw[-TAG_SIZE:])
    try:
        return Secret(envelope.open_sealed(_wrap_key(kek), sealed, aad=canonical.dumps(members)))
    except IntegrityError:
        raise TamperDetected(
            "the key file fits this passphrase, but somebody changed it afterwards",
            hint="Use another key file, and find out who can write to the repository.",
        ) from None


def _kek(kdf: dict[str, Any], opens_with: Secret[str] | RecoveryKey) -> bytes:
    salt = bytes.fromhex(kdf["salt"])
    if isinstance(opens_with, RecoveryKey):
        return hkdf(opens_with.secret, salt=salt, info=_RECOVERY).reveal()
    parameters = Argon2Parameters(kdf["memory_kib"], kdf["iterations"], kdf["lanes"])
    parameters.require_strength()
    return argon2id(opens_with, salt, parameters=parameters).reveal()


def _wrap_key(kek: bytes) -> bytes:
    return derive("key wrap", kek)
