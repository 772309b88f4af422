"""What every verb of `Crypt` stands on: the opened vault, sealed paths, plain entries, errors in plain."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from skycap.core.crypto.secret import Secret
from skycap.core.crypto.stream import AES256_GCM_HKDF_1MB as LAYOUT
from skycap.core.errors import Error, IntegrityError, ScanFailed, Unsupported
from skycap.core.paths import join, printable, validate
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.storage.facts import Facts
from skycap.core.storage.interface import Storage
from skycap.core.storage.overlays.crypt.credentials import Credential
from skycap.core.storage.overlays.crypt.door import Door
from skycap.core.storage.overlays.crypt.facts import KEPT_METADATA, facts_over, takes_parts
from skycap.core.storage.overlays.crypt.names import PathCipher
from skycap.core.storage.overlays.crypt.reading import Reading
from skycap.core.storage.overlays.crypt.vault import CONFIG_NAME, Names, Vault
from skycap.core.storage.overlays.overlay import Overlay

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_NO_MORE = "further ones are named with -v only"


@dataclass(frozen=True)
class Opened:
    """A vault with all that is made from its keys."""

    vault: Vault
    content_key: Secret[bytes]
    paths: PathCipher
    reading: Reading

    @property
    def id(self) -> str:
        """Its public id."""
        return self.vault.id


class CryptBase(Overlay):
    """A storage around another one, all of it below `base` sealed."""

    offers: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.READ,
            Capability.LIST,
            Capability.WRITE,
            Capability.REMOVE,
            Capability.READ_VERSION,
            Capability.WRITE_IF_ABSENT,
            Capability.WRITE_IF_VERSION,
            Capability.REMOVE_IF_VERSION,
            Capability.SCAN_ALL,
            Capability.COPY,
            Capability.COPY_IF_ABSENT,
            Capability.COPY_IF_VERSION,
            Capability.RENAME,
            Capability.RENAME_IF_ABSENT,
            Capability.RENAME_IF_VERSION,
            Capability.REMOVE_MANY,
            Capability.REMOVE_TREE,
            Capability.UPLOAD,
            Capability.UPLOAD_IF_ABSENT,
            Capability.UPLOAD_IF_VERSION,
            Capability.SET_METADATA,
            Capability.MAKE_SYMLINK,
            Capability.VERSIONS,
            Capability.VERSIONS_RESTORE,
            Capability.VERSIONS_REMOVE,
            Capability.TRASH,
            Capability.QUOTA,
            Capability.LOCK_OBJECT,
            Capability.CHANGES,
            Capability.CLEANUP,
        }
    )
    _UPLOADS = frozenset({Capability.UPLOAD, Capability.UPLOAD_IF_ABSENT, Capability.UPLOAD_IF_VERSION})

    def __init__(
        self, inner: Storage, credential: Credential, *, base: str = "", names: Names = "encrypt"
    ) -> None:
        super().__init__(inner)
        if not inner.can(Capability.READ) or inner.facts.names_on_write:
            raise Unsupported(
                "what cannot be read back, or chooses names itself, cannot hold encrypted files",
                where=inner.identity,
            )
        self.type_name = "crypt"  # type: ignore[misc] # unlike other overlays, this is a type of its own
        self._base = validate(base)
        self._names: Names = names
        self._facts = facts_over(inner.facts, names, base)
        if not takes_parts(inner.facts):
            self.capabilities -= self._UPLOADS
        if base:
            self.capabilities -= {Capability.TRASH}  # it holds what lies outside, and is cleared as a whole
        self._door = Door(inner, base, credential, names)
        self._opened_vault: Opened | None = None
        self._warned: set[bool] = set()

    @property
    def identity(self) -> str:
        """The place below, and that it is seen in plain."""
        return f"crypt:{self.inner.identity}" + (f"/{self._base}" if self._base else "")

    def where(self, path: str) -> str:
        """How errors name a path: as it is in plain."""
        return printable(path) or self.identity

    @property
    def base(self) -> str:
        """The folder of the inner storage that the vault lies in."""
        return self._base

    @property
    def facts(self) -> Facts:  # type: ignore[override]
        """What is still so when everything is sealed."""
        return self._facts

    # The vault

    def unlock(self) -> None:
        """Open the vault now; `AuthMissing` for a wrong passphrase. One that is not there yet stays so."""
        self._door.open()

    @property
    def vault(self) -> Opened:
        """The vault as it is in the store, or as it will be."""
        return self._keys(make=False)

    def _keys(self, *, make: bool) -> Opened:
        vault = self._door.open(make=make)
        if self._opened_vault is None or self._opened_vault.vault is not vault:
            facts = self._facts
            paths = PathCipher(vault, self._base, name_max=self.inner.facts.name_max, path_max=facts.path_max)
            key = vault.content_key
            self._opened_vault = Opened(vault, key, paths, Reading(self.inner, key, self.plain))
        return self._opened_vault

    def allow(self, capability: Capability, path: str = "", condition: Condition | None = None) -> None:
        """`Unsupported` for a verb, or a condition of it, that is not declared."""
        if capability not in self.capabilities:
            self.refuse(capability, path)
        if condition is not None:
            absent = condition.version is None and capability is not Capability.REMOVE
            self.allow(Capability(f"{capability.value}_if_{'absent' if absent else 'version'}"), path)

    # Paths and entries

    def sealed(self, path: str, *, root: bool = False, make: bool = False) -> str:
        """The path in the inner storage; with `make`, in a vault that is in the store."""
        if not make:
            return self.vault.paths.seal(path, root=root)
        # A name that cannot be leaves nothing behind, not even an empty vault.
        self.vault.paths.seal(path, root=root)
        return self._keys(make=True).paths.seal(path, root=root)

    def plain(self, entry: Entry, path: str) -> Entry:
        """An inner entry as ours; `IntegrityError` for a size or link target that no sealing makes."""
        size, target = entry.size, entry.target
        try:
            if size is not None and entry.kind is Kind.FILE:
                size = LAYOUT.plain_size(size)
            if target is not None:
                target = self.vault.paths.open_target(target)
        except IntegrityError as error:
            error.where = printable(path)
            raise
        metadata = self.kept(entry.metadata)
        return entry._replace(path=path, size=size, target=target, hashes=None, metadata=metadata)

    def completed(self, entry: Entry, path: str) -> Entry:
        """The entry of a file that was just written."""
        self.forget(path)
        return self.plain(entry, path)

    def listed(self, entry: Entry, path: str) -> Entry:
        """The same for a listing: a file whose size no sealing makes is there, as an empty one.

        Who left it out would tell a sync that it is gone. Reading it is an error.
        """
        if entry.kind is Kind.FILE and entry.size is not None:
            try:
                LAYOUT.plain_size(entry.size)
            except IntegrityError as error:
                _LOG.warning("%s was cut off, or was not encrypted (%s)", printable(path), error.message)
                return self.plain(entry._replace(size=LAYOUT.sealed_size(0)), path)
        return self.plain(entry, path)

    def opened(self, entry: Entry, sealed_folder: str = "", folder: str = "") -> Entry | None:
        """The same at its own path; None for what was not sealed here, and the log says so."""
        paths = self.vault.paths
        try:
            if sealed_folder:
                path = paths.open_below(entry.path, sealed_folder, folder)
            else:
                path = paths.open(entry.path)
            return self.listed(entry, path)
        except IntegrityError as error:
            if not self.is_config(entry):
                self._skipped(entry, error)
            return None

    def is_config(self, entry: Entry) -> bool:
        """Whether it is the file that holds the key."""
        return entry.path == self._door.path

    def is_foreign(self, entry: Entry) -> bool:
        """Whether an entry that did not open is another program's: left out, and no hole in a listing.

        It is not where the name may once have been ours. Who runs the store could hide a file behind such a
        name; but so could they by removing it.
        """
        return self.vault.paths.is_foreign(entry.path)

    def in_the_way(self, sealed: str) -> str | None:
        """What to do about a folder that looks empty from here and is not: where a foreign file is in it."""
        with suppress(Error):
            for entry in self.inner.scan(sealed):
                if self.is_foreign(entry):
                    where = printable(join(self.inner.identity, entry.path))
                    return f"Another program left {where} there. Remove it, then this can go."
        return None

    def _skipped(self, entry: Entry, error: IntegrityError) -> None:
        foreign, shown = self.is_foreign(entry), printable(entry.path)
        said, self._warned = foreign in self._warned, self._warned | {foreign}
        if foreign:
            text = f"left out {shown}, whose name was not made by this remote"
        else:
            why = f"it was not encrypted by this remote, or was changed ({error.message})"
            text = f"cannot open {shown}: {why}"
        _LOG.log(logging.INFO if said else logging.WARNING, text if said else f"{text}; {_NO_MORE}")

    def require(self) -> None:
        """`NotFound` if there is no vault: what is not mounted must not look empty."""
        self._door.require()

    def complete(self, path: str, unopened: int, *, has_config: bool) -> None:
        """`ScanFailed` at the end of a listing that did not show all that is there."""
        if not path and not has_config:
            raise ScanFailed(
                f"{CONFIG_NAME} is no longer among the files of the vault",
                where=self.identity,
                hint="Is the place below still mounted?",
            )
        if unopened:
            raise ScanFailed(
                f"{unopened} name{'s' * (unopened != 1)} could not be opened, and "
                "what is behind is not listed",
                where=printable(path) or self.identity,
                hint="Another program changed them or put them there. The warning names the first.",
            )

    def kept(self, metadata: Metadata | None) -> Metadata | None:
        """What of it is kept, in plain."""
        if metadata is None:
            return None
        return Metadata(**{name: getattr(metadata, name) for name in KEPT_METADATA})

    def forget(self, path: str) -> None:
        """What is remembered of the content at `path` is old."""
        opened = self.vault
        opened.reading.forget(opened.paths.seal(path, root=True))

    # Errors

    def named(self, error: Error, path: str) -> Error:
        """The error, with the path as we know it."""
        error.where = self.where(path)
        return error

    def call(self, path: str, call: Callable[[], T], other: str | None = None) -> T:
        """The answer of a call to the inner storage; what it raises names the plain path."""
        try:
            return call()
        except Error as error:
            raise self.named(error, path if other is None else f"{path} -> {other}") from None

    def each(self, path: str, start: Callable[[], Iterator[T]]) -> Iterator[T]:
        """The same for what comes one by one."""
        try:
            yield from start()
        except Error as error:
            raise self.named(error, path) from None
