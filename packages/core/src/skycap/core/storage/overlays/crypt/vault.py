"""The file `.skycap-crypt` in the encrypted root: how the key of the vault is wrapped, and under what.

The vault's master key is random and never changes; what a passphrase or a key file gives only wraps it, so
that changing the passphrase rewrites this one file. Everything in the file is authenticated by the wrapping.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from skycap.core.crypto import envelope
from skycap.core.crypto.kdf import hkdf
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, Error, IntegrityError, Unsupported
from skycap.core.storage.overlays.crypt.credentials import Credential

CONFIG_NAME = ".skycap-crypt"
CONFIG_MAX = 64 * 1024
FORMAT = "skycap-crypt"
VERSION = 1
CONTENT_AAD = b"skycap-crypt 1 contents"
Names = Literal["encrypt", "plain"]


@dataclass(frozen=True)
class Vault:
    """An opened vault: its public id, whether it seals names, and its 32-byte master key."""

    id: str
    names: Names
    master: Secret[bytes]

    @classmethod
    def new(cls, names: Names) -> Vault:
        """One with a fresh key."""
        return cls(os.urandom(16).hex(), names, Secret(os.urandom(envelope.KEY_SIZE)))

    @property
    def content_key(self) -> Secret[bytes]:
        """32 bytes, the input key of the streaming AEAD."""
        return hkdf(self.master, info=b"skycap-crypt 1 contents")

    @property
    def name_key(self) -> Secret[bytes]:
        """64 bytes, for AES-SIV of names."""
        return hkdf(self.master, info=b"skycap-crypt 1 names", length=64)

    @property
    def link_key(self) -> Secret[bytes]:
        """64 bytes, for AES-SIV of the targets of symbolic links."""
        return hkdf(self.master, info=b"skycap-crypt 1 links", length=64)

    @property
    def upload_key(self) -> Secret[bytes]:
        """96 bytes, for what the state of an upload holds; never in the store."""
        return hkdf(self.master, info=b"skycap-crypt 1 uploads", length=96)

    def sealed(self, credential: Credential) -> bytes:
        """The content of the file, its key wrapped anew under `credential`."""
        public = {
            "format": FORMAT,
            "version": VERSION,
            "id": self.id,
            "names": self.names,
            "kdf": credential.new(),
            "nonce": os.urandom(envelope.NONCE_SIZE).hex(),
        }
        wrapping = credential.derive(cast("Mapping[str, Any]", public["kdf"]))
        nonce = bytes.fromhex(cast(str, public["nonce"]))
        wrapped = envelope.seal(wrapping, self.master.reveal(), aad=canonical(public), nonce=nonce)
        found = {**public, "wrapped": (wrapped.ciphertext + wrapped.tag).hex()}
        return json.dumps(found, indent=2).encode() + b"\n"

    @classmethod
    def opened(cls, data: bytes, credential: Credential, *, where: str) -> Vault:
        """The vault behind the content of its file.

        `AuthMissing` if the credential does not open it, `IntegrityError` for what is no such file.
        """
        found = _parsed(data, where)
        kdf = found["kdf"]
        if kdf.get("name") != credential.kdf:
            other = "passphrase" if kdf.get("name") == "argon2id" else "key_file"
            raise AuthMissing(
                f"it was not made with a {'passphrase' if credential.kdf == 'argon2id' else 'key file'}",
                where=where,
                hint=f"Set {other} instead.",
            )
        wrapped = bytes.fromhex(found.pop("wrapped"))
        sealed = envelope.Sealed(
            bytes.fromhex(found["nonce"]), wrapped[: -envelope.TAG_SIZE], wrapped[-envelope.TAG_SIZE :]
        )
        try:
            wrapping = credential.derive(kdf)
        except Error as error:
            error.where = error.where or where
            raise
        try:
            master = envelope.open_sealed(wrapping, sealed, aad=canonical(found))
        except IntegrityError:
            wrong, hint = "key file", "Nothing was written. Give the one that this remote was made with."
            if credential.kdf == "argon2id":
                wrong = "passphrase"
                hint = (
                    'Nothing was written. "skycap auth login NAME" stores the right one; "skycap remote '
                    'passphrase NAME" ends a change of it that was cut off.'
                )
            raise AuthMissing(
                f"this {wrong} does not open the vault, or {CONFIG_NAME} was changed",
                where=where,
                hint=hint,
            ) from None
        return cls(found["id"], found["names"], Secret(master))


def canonical(public: Mapping[str, Any]) -> bytes:
    """The bytes that are authenticated: JSON in ASCII, members sorted by name, no white space."""
    return json.dumps(public, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def rewrapped(data: bytes, old: Credential, new: Credential, *, where: str) -> bytes:
    """The content of the file for the same vault under another credential; no file is sealed again."""
    return Vault.opened(data, old, where=where).sealed(new)


def _parsed(data: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
        if found["format"] != FORMAT:
            raise ValueError("it is of another format")
        if isinstance(found["version"], int) and found["version"] > VERSION:
            raise Unsupported(
                f"it is of version {found['version']} of the format, which this skycap does not know",
                where=where,
                hint="Install a newer skycap.",
            )
        if found["version"] != VERSION or found["names"] not in {"encrypt", "plain"}:
            raise ValueError("its version or its names are none")
        for name, size in (("id", 16), ("nonce", envelope.NONCE_SIZE), ("wrapped", 48)):
            if len(bytes.fromhex(found[name])) != size:
                raise ValueError(f"{name} has the wrong length")
        if not isinstance(found["kdf"], dict):
            raise TypeError("kdf is no object")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(
            f"it is damaged, or not made by skycap ({type(error).__name__}: {error})",
            where=where,
            hint=f"Put {CONFIG_NAME} back from a copy: without it nothing here can be read.",
        ) from error
    return cast("dict[str, Any]", found)
