"""Where a vault lies: looks for its file, opens it, and makes it with the first write.

Before that first write nothing is in the store, and nothing can be read: an empty place may as well be a disk
that is not mounted. Until then a new vault lives in memory only, so that names can be checked; each look asks
again, since another process may have made it.
"""

from __future__ import annotations

import contextlib
import threading
from typing import NoReturn, Protocol

from skycap.core.errors import ConfigInvalid, Conflict, Error, IntegrityError, NotFound
from skycap.core.paths import join, printable
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import IF_ABSENT, if_version
from skycap.core.storage.interface import Storage
from skycap.core.storage.overlays.crypt.credentials import Credential
from skycap.core.storage.overlays.crypt.vault import CONFIG_MAX, CONFIG_NAME, Names, Vault, rewrapped
from skycap.core.storage.source import read_exactly


class Door:
    """The way into one vault; threads may share it."""

    def __init__(self, inner: Storage, base: str, credential: Credential, names: Names) -> None:
        self._inner = inner
        self._base = base
        self.path = join(base, CONFIG_NAME)
        self._where = printable(join(inner.identity, self.path))
        self._credential = credential
        self._names: Names = names
        self._vault: Vault | None = None
        self._unmade: Vault | None = None
        self._lock = threading.Lock()

    def open(self, *, make: bool = False) -> Vault:
        """The vault; with `make` it is in the store afterwards.

        `AuthMissing` for a wrong passphrase, `ConfigInvalid` for a place that holds other files.
        """
        if self._vault is not None:
            return self._vault
        with self._lock:
            if self._vault is None:
                self._vault = self._look()
            if self._vault is not None:
                return self._vault
            if self._unmade is None:
                self._unmade = Vault.new(self._names)
            if not make:
                return self._unmade
            self._vault = self._make(self._unmade)
            return self._vault

    def require(self) -> None:
        """`NotFound` if no vault is in the store."""
        self.open()
        if self._vault is None:
            self.missing()

    def missing(self) -> NoReturn:
        """Say that no vault is there."""
        raise NotFound(
            "there is no vault here",
            where=printable(join(self._inner.identity, self._base)),
            hint="If it lies on a disk that is not there, mount it. The first write makes a new vault.",
        )

    def _look(self) -> Vault | None:
        data = self._read()
        if data is None:
            if self._holds_something():
                raise ConfigInvalid(
                    f"files are there, but no {CONFIG_NAME}",
                    where=printable(self._base) or self._inner.identity,
                    hint=f"Name an empty folder; or, if {CONFIG_NAME} was lost, put it back from a copy.",
                )
            return None
        return self._checked(Vault.opened(data, self._credential, where=self._where))

    def _checked(self, vault: Vault) -> Vault:
        if vault.names != self._names:
            raise ConfigInvalid(
                f"it was made with names={vault.names}, and is opened with names={self._names}",
                where=self._where,
                hint=f"Set names to {vault.names}. It cannot be changed later.",
            )
        return vault

    def _read(self) -> bytes | None:
        try:
            return _read(self._inner, self.path)
        except NotFound:
            return None

    def _holds_something(self) -> bool:
        if not self._inner.can(Capability.LIST):
            return False
        try:
            return next(iter(self._inner.scan(self._base)), None) is not None
        except NotFound:
            return False

    def _make(self, vault: Vault) -> Vault:
        data = vault.sealed(self._credential)
        only_new = self._inner.can(Capability.WRITE_IF_ABSENT)
        with contextlib.suppress(Conflict):  # somebody else was first: theirs it is
            self._inner.write(self.path, data, size=len(data), condition=IF_ABSENT if only_new else None)
        # Read back always: what is used must be what the store holds, or all that follows would be lost.
        kept = self._look()
        if kept is None:
            raise IntegrityError("it was written, and is not there", where=self._where)
        return kept


class Place(Protocol):
    """A location: an opened storage and a path in it."""

    @property
    def storage(self) -> Storage:
        """What holds the encrypted files."""
        ...

    @property
    def path(self) -> str:
        """Where in it the vault begins."""
        ...


def check_credential(place: Place, credential: Credential) -> None:
    """`AuthMissing` if it does not open the vault in a place, `NotFound` if there is none."""
    path = join(place.path, CONFIG_NAME)
    Vault.opened(_read(place.storage, path), credential, where=printable(path))


def change_credential(place: Place, old: Credential, new: Credential) -> None:
    """Open the vault in a place by `new` from now on. Only its key is wrapped anew, no file is touched.

    `AuthMissing` if `old` does not open it, `Conflict` if somebody else changed it in between. Where it ends
    well, the store was asked and has the new file.
    """
    path = join(place.path, CONFIG_NAME)
    version = place.storage.stat(path).version
    data = rewrapped(_read(place.storage, path), old, new, where=printable(path))
    checked = version is not None and place.storage.can(Capability.WRITE_IF_VERSION)
    condition = if_version(version) if checked and version is not None else None
    try:
        place.storage.write(path, data, size=len(data), condition=condition)
    except Error:
        # Perhaps only the answer was lost, and the next try found what the first one wrote.
        with contextlib.suppress(Error):
            if _read(place.storage, path) == data:
                return
        raise
    if _read(place.storage, path) != data:
        raise Conflict("somebody else changed it at the same time", where=printable(path))


def _read(storage: Storage, path: str) -> bytes:
    with storage.read(path) as reader:
        data = read_exactly(reader, CONFIG_MAX + 1)
    if len(data) > CONFIG_MAX:
        raise IntegrityError("it is far too large to be ours", where=printable(path))
    return data
