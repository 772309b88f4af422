"""Paths and link targets, sealed and opened."""

from __future__ import annotations

import base64
from functools import lru_cache

from skycap.core.crypto.names import NameCipher, may_be_sealed
from skycap.core.crypto.secret import Secret
from skycap.core.errors import Conflict, IntegrityError, PathInvalid
from skycap.core.paths import join, printable, relative_to, split, to_bytes, validate
from skycap.core.storage.overlays.crypt.vault import CONFIG_NAME, Vault

NAME_AAD = b"skycap-crypt 1 name"
LINK_AAD = b"skycap-crypt 1 link"
_REMEMBERED = 4096
_LINK_MAX = 4095 * 5 // 8 - 16


class PathCipher:
    """Paths of the vault as the store below knows them, and back. Names are sealed one by one.

    `base` is the encrypted root; `name_max` and `path_max` are the bounds of the inner storage and of plain
    paths. What was sealed and opened is remembered, since neighbours share their folders.
    """

    def __init__(self, vault: Vault, base: str, *, name_max: int | None, path_max: int | None) -> None:
        self._base = base
        self._name_max = name_max
        self._path_max = path_max
        self._links = LinkCipher(vault.link_key)
        self._plain = vault.names == "plain"
        if not self._plain:
            names = NameCipher(vault.name_key)
            self._seal_name = lru_cache(_REMEMBERED)(lambda name: names.seal(name, aad=NAME_AAD))
            self._open_name = lru_cache(_REMEMBERED)(lambda name: names.open(name, aad=NAME_AAD))

    def seal(self, path: str, *, root: bool = False) -> str:
        """The path in the inner storage; `PathInvalid` for what no vault can hold.

        `root` says that the root will do too; else it is a `Conflict`, since it is a directory for ever.
        """
        if not validate(path) and not root:
            raise Conflict("the root of a storage is a directory", where="")
        if self._plain:
            if path == CONFIG_NAME or path.startswith(f"{CONFIG_NAME}/"):
                raise PathInvalid("this name belongs to the encryption itself", where=printable(path))
            return join(self._base, path)
        if self._path_max is not None and len(to_bytes(path)) > self._path_max:
            raise PathInvalid(
                f"a path is longer than {self._path_max} bytes, and sealing makes it longer still",
                where=printable(path),
            )
        try:
            parts = [self._seal_name(part) for part in path.split("/")] if path else []
        except PathInvalid as error:
            error.where = printable(path)
            raise
        if self._name_max is not None and any(len(part) > self._name_max for part in parts):
            raise PathInvalid(
                f"a name is too long: sealed it would have more than {self._name_max} bytes",
                where=printable(path),
            )
        return join(self._base, *parts)

    def open(self, sealed: str) -> str:
        """The plain path; `IntegrityError` for what was not sealed here, and for what lies outside."""
        try:
            below = relative_to(sealed, self._base)
        except PathInvalid as error:
            raise IntegrityError("it lies outside of the vault", where=printable(sealed)) from error
        if below == CONFIG_NAME:
            raise IntegrityError("it belongs to the encryption itself", where=CONFIG_NAME)
        if self._plain or not below:
            return below
        return "/".join([self._open_name(part) for part in below.split("/")])

    def open_below(self, sealed: str, sealed_folder: str, folder: str) -> str:
        """The same for a child of a folder whose plain path is known."""
        parent, name = split(sealed)
        if parent != sealed_folder or self._plain:
            return self.open(sealed)
        return join(folder, self._open_name(name))

    def is_foreign(self, sealed: str) -> bool:
        """Whether a path did not open because of a name that no sealing makes: another program put it there.

        All below a folder of such a name is foreign with it. Where names are in plain, nothing can be told.
        """
        if self._plain:
            return False
        for part in (sealed[len(self._base) + 1 :] if self._base else sealed).split("/"):
            try:
                self._open_name(part)
            except IntegrityError:
                return not may_be_sealed(part)
        return False

    def open_leniently(self, sealed: str) -> str:
        """The plain path as far as it can be opened; the rest as it is."""
        found = []
        for part in (sealed[len(self._base) + 1 :] if self._base else sealed).split("/"):
            try:
                found.append(part if self._plain else self._open_name(part))
            except IntegrityError:
                found.append(part)
        return "/".join(found)

    def seal_target(self, target: str) -> str:
        """What the link below leads to: nothing, by a name that tells only us where it would."""
        return self._links.seal(target)

    def open_target(self, sealed: str) -> str:
        """Where a link leads; `IntegrityError` for one that was not made here."""
        return self._links.open(sealed)


class LinkCipher:
    """Targets of symbolic links: as names, but of any characters, and as long as a link allows."""

    def __init__(self, key: Secret[bytes]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        self._siv = AESSIV(key.reveal())

    def seal(self, target: str) -> str:
        """The sealed target."""
        raw = to_bytes(target)
        if not raw or len(raw) > _LINK_MAX:
            raise PathInvalid(f"the target of a link has 1 to {_LINK_MAX} bytes", where=printable(target))
        return base64.b32hexencode(self._siv.encrypt(raw, [LINK_AAD])).decode().rstrip("=").lower()

    def open(self, sealed: str) -> str:
        """The target again."""
        from cryptography.exceptions import InvalidTag

        try:
            data = base64.b32hexdecode(sealed.upper() + "=" * (-len(sealed) % 8))
            return self._siv.decrypt(data, [LINK_AAD]).decode("utf-8", "surrogateescape")
        except (ValueError, InvalidTag):
            raise IntegrityError("the target of this link was not sealed here, or was changed") from None
