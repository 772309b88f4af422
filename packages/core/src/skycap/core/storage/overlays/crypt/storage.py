"""A vault: any storage, with contents and names sealed before they reach it.

What is not declared would tell of the content, or needs it in plain: links for others, search, and the ways
around Python. Hashes of the inner storage are those of sealed bytes, and are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from skycap.core.crypto.secret import Secret
from skycap.core.crypto.segments import Header
from skycap.core.crypto.stream import AES256_GCM_HKDF_1MB as LAYOUT
from skycap.core.errors import (
    AuthMissing,
    ConfigInvalid,
    Conflict,
    Error,
    IntegrityError,
    NotFound,
    Unsupported,
)
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.extras import Change, Changes, Leftover, Quota, Trash, Versions
from skycap.core.storage.options import StorageOptions, option
from skycap.core.storage.overlays.crypt.base import CryptBase
from skycap.core.storage.overlays.crypt.credentials import Credential, KeyFile, Passphrase
from skycap.core.storage.overlays.crypt.door import Place
from skycap.core.storage.overlays.crypt.extras import CryptTrash, CryptVersions
from skycap.core.storage.overlays.crypt.sealing import sealed_source
from skycap.core.storage.overlays.crypt.upload import CryptUpload
from skycap.core.storage.source import BinaryReader, Source
from skycap.core.storage.upload import Upload


@dataclass(frozen=True, kw_only=True)
class CryptOptions(StorageOptions):
    """Options of the storage type `crypt`. Exactly one of `passphrase` and `key_file` is set."""

    remote: str = option("The place that holds the encrypted files, like photos:secret")
    passphrase: Secret[str] | None = option("What the key is derived from", default=None)
    key_file: str | None = option(
        "A file of 32 or more random bytes, in place of a passphrase",
        default=None,
        file=True,
        must_exist=True,
    )
    names: Literal["encrypt", "plain"] = option(
        "Whether names are encrypted too; cannot be changed later", default="encrypt"
    )

    def credential(self) -> Credential:
        """What opens the vault."""
        if self.passphrase and self.key_file:
            raise ConfigInvalid(
                "a passphrase and a key file are set", where=self.remote, hint="Take one of them out."
            )
        if self.key_file:
            return KeyFile(self.key_file)
        if self.passphrase:
            return Passphrase(self.passphrase)
        raise AuthMissing(
            "there is no passphrase",
            where=self.remote,
            hint='Run "skycap auth login REMOTE", or set key_file.',
        )


class Crypt(CryptBase):
    """The vault below `base` in the inner storage."""

    type_name: ClassVar[str] = "crypt"
    Options: ClassVar[type[StorageOptions]] = CryptOptions
    wraps: ClassVar[str] = "remote"
    """The option that names the place below."""

    @classmethod
    def open(  # type: ignore[override]  # a type that `wraps` gets the place below it, too
        cls, options: CryptOptions, path: str, inner: Place
    ) -> tuple[Crypt, str]:
        """The vault in an opened place, and the path inside it; a wrong passphrase is found out here."""
        storage = cls(inner.storage, options.credential(), base=inner.path, names=options.names)
        storage.unlock()
        return storage, path

    # Readable

    def stat(self, path: str) -> Entry:
        """One entry, as listings show it. `IntegrityError` for a link target that was not sealed here."""
        self.allow(Capability.READ, path)
        self.require()
        sealed = self.sealed(path, root=True)
        return self.listed(self.call(path, lambda: self.inner.stat(sealed)), path)

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """A streaming reader; what it gives out is authenticated."""
        self.allow(Capability.READ, path)
        if version is not None:
            self.allow(Capability.READ_VERSION, path)
        return self._opened(path, offset, length, version)

    @contextmanager
    def _opened(
        self, path: str, offset: int, length: int | None, version: str | None
    ) -> Iterator[BinaryReader]:
        if not path:
            raise Unsupported("it is a directory and cannot be read", where=self.identity)
        self.require()
        sealed = self.sealed(path, root=True)
        with ExitStack() as stack:
            yield self.call(
                path, lambda: self.vault.reading.open(stack, path, sealed, offset, length, version)
            )

    # Listable

    def scan(self, path: str) -> Iterator[Entry]:
        """One level. What was sealed here and does not open is a `ScanFailed` at the end.

        What other programs put there is left out with a warning. `NotFound` where there is no vault.
        """
        self.allow(Capability.LIST, path)
        self.sealed(path, root=True)  # a path that cannot be is an error at once
        return self._scanned(path, self.inner.scan)

    def scan_all(self, path: str) -> Iterator[Entry]:
        """Everything below a path, under the same rules."""
        self.allow(Capability.SCAN_ALL, path)
        self.sealed(path, root=True)  # a path that cannot be is an error at once
        return self._scanned(path, self.inner.scan_all)

    def _scanned(self, path: str, scan: Callable[[str], Iterator[Entry]]) -> Iterator[Entry]:
        self.require()
        sealed = self.sealed(path, root=True)
        folders = (sealed, path)
        unopened, has_config = 0, False
        for entry in self.each(path, lambda: scan(sealed)):
            if (found := self.opened(entry, *folders)) is not None:
                yield found
                if (parent := entry.path.rpartition("/")[0]) != folders[0]:
                    folders = (parent, found.path.rpartition("/")[0])
            elif self.is_config(entry):
                has_config = True
            elif not self.is_foreign(entry):
                unopened += 1
        self.complete(path, unopened, has_config=has_config)

    # Writable

    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        """Seal a file while it is sent, under a key of its own."""
        self.allow(Capability.WRITE, path, condition)
        sealed = self.sealed(path, make=True)
        data, total = sealed_source(source, size, self.vault.content_key)
        kept = self.kept(metadata)
        entry = self.call(
            path, lambda: self.inner.write(sealed, data, size=total, metadata=kept, condition=condition)
        )
        self.forget(path)
        return self.plain(entry, path)

    def make_dir(self, path: str) -> None:
        """Make a directory and its parents."""
        self.allow(Capability.WRITE, path)
        sealed = self.sealed(path, root=True, make=True)
        self.call(path, lambda: self.inner.make_dir(sealed))

    # Removable

    def remove(self, path: str, *, condition: Condition | None = None) -> None:
        """Remove a file or an empty directory."""
        self.allow(Capability.REMOVE, path, condition)
        sealed = self.sealed(path)
        try:
            self.call(path, lambda: self.inner.remove(sealed, condition=condition))
        except Conflict as error:
            error.hint = self.in_the_way(sealed) or error.hint
            raise

    def remove_many(self, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
        """Remove files in few requests."""
        self.allow(Capability.REMOVE_MANY)
        return self._removed(paths)

    def _removed(self, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
        waiting: dict[str, str] = {}
        refused: list[tuple[str, Error | None]] = []

        def sealed() -> Iterator[str]:
            for path in paths:
                try:
                    name = self.sealed(path)
                except Error as error:
                    refused.append((path, error))
                else:
                    waiting[name] = path
                    yield name

        for name, error in self.inner.remove_many(sealed()):
            path = waiting.pop(name)
            yield path, None if error is None else self.named(error, path)
        yield from refused

    def remove_tree(self, path: str) -> None:
        """Remove a directory and all below it; of the root, what was sealed here."""
        self.allow(Capability.REMOVE_TREE, path)
        if path:
            sealed = self.sealed(path)
            self.call(path, lambda: self.inner.remove_tree(sealed))
            return
        # The file that holds the key stays, or what is written next could never be read.
        with suppress(NotFound):
            for entry in list(self.scan("")):
                if entry.is_dir:
                    self.remove_tree(entry.path)
                else:
                    self.remove(entry.path)

    # Inside the store

    def copy(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """Copy a file inside the store; both have the same sealed bytes."""
        self.allow(Capability.COPY, target, condition)
        sealed, to = self.sealed(source), self.sealed(target)
        entry = self.call(source, lambda: self.inner.copy(sealed, to, condition=condition), target)
        self.forget(target)
        return self.plain(entry, target)

    def rename(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """Move a file inside the store, and a directory where the inner storage can."""
        self.allow(Capability.RENAME, target, condition)
        sealed, to = self.sealed(source), self.sealed(target)
        entry = self.call(source, lambda: self.inner.rename(sealed, to, condition=condition), target)
        self.forget(target)
        return self.plain(entry, target)

    def set_metadata(self, path: str, metadata: Metadata) -> Entry:
        """Change time, mode or owner; they are kept in plain."""
        self.allow(Capability.SET_METADATA, path)
        sealed = self.sealed(path, root=True)
        kept = self.kept(metadata) or Metadata()
        return self.plain(self.call(path, lambda: self.inner.set_metadata(sealed, kept)), path)

    def make_symlink(self, path: str, target: str) -> Entry:
        """Make a symbolic link whose target is sealed; in the store it leads nowhere."""
        self.allow(Capability.MAKE_SYMLINK, path)
        sealed = self.sealed(path, make=True)
        hidden = self.vault.paths.seal_target(target)
        return self.plain(self.call(path, lambda: self.inner.make_symlink(sealed, hidden)), path)

    # Part by part

    def begin_upload(self, path: str, *, size: int | None = None, metadata: Metadata | None = None) -> Upload:
        """Begin a multipart upload, under a header of its own."""
        self.allow(Capability.UPLOAD, path)
        sealed = self.sealed(path, make=True)
        total = None if size is None else LAYOUT.sealed_size(size)
        kept = self.kept(metadata)
        inner = self.call(path, lambda: self.inner.begin_upload(sealed, size=total, metadata=kept))
        if inner.part_size % LAYOUT.segment_size:
            inner.abort()
            raise Unsupported(
                f"parts of {inner.part_size} bytes do not hold whole segments of {LAYOUT.segment_size}",
                where=path,
                hint="Set the part size of the remote below to whole MiB.",
            )
        return self._upload(inner, path, Header.new(), size)

    def resume_upload(self, state: Mapping[str, Any], source: Source | None = None) -> Upload:
        """Go on with one. The inner storage is not given the source, which is in plain."""
        self.allow(Capability.UPLOAD)
        if state.get("vault") != self.vault.id:
            raise NotFound("an upload into another vault", where=str(state.get("path", "")))
        path = str(state["path"])
        inner = self.call(path, lambda: self.inner.resume_upload(state["inner"]))
        upload = self._upload(inner, path, Header.parse(bytes.fromhex(state["header"])), state["size"])
        upload.take_up(state)
        return upload

    def _upload(self, inner: Upload, path: str, header: Header, size: int | None) -> CryptUpload:
        return CryptUpload(
            inner, self.vault.vault, path, header=header, size=size, plain=self.completed, call=self.call
        )

    # What some inner storages have

    def versions(self) -> Versions:
        """The history of paths."""
        self.allow(Capability.VERSIONS)
        return CryptVersions(self.inner.versions(), self)

    def trash(self) -> Trash:
        """Where removed things wait; only of a storage that is a vault as a whole."""
        self.allow(Capability.TRASH)
        return CryptTrash(self.inner.trash(), self)

    def quota(self) -> Quota:
        """Bytes used and left, sealed ones."""
        self.allow(Capability.QUOTA)
        return self.inner.quota()

    def lock_object(self, path: str, until_ns: int, *, version: str | None = None) -> None:
        """Retention."""
        self.allow(Capability.LOCK_OBJECT, path)
        sealed = self.sealed(path)
        self.call(path, lambda: self.inner.lock_object(sealed, until_ns, version=version))

    def changes(self, cursor: str | None = None) -> Changes:
        """What changed since a cursor; what was not sealed here is left out."""
        self.allow(Capability.CHANGES)
        found = self.inner.changes(cursor)
        items = []
        for item in found.items:
            try:
                path = self.vault.paths.open(item.path)
            except IntegrityError:
                continue
            if item.entry is None:
                items.append(Change(path, None))
            elif (entry := self.opened(item.entry)) is not None:
                items.append(Change(path, entry))
        return Changes(items, found.cursor, found.reset)

    def cleanup(self, path: str = "", *, older_than_s: float, dry_run: bool = False) -> Iterator[Leftover]:
        """Remove what interrupted writes left behind; names that cannot be opened are told as they are."""
        self.allow(Capability.CLEANUP, path)
        sealed = self.sealed(path, root=True)
        return self._cleaned(path, sealed, older_than_s, dry_run)

    def _cleaned(self, path: str, sealed: str, older_than_s: float, dry_run: bool) -> Iterator[Leftover]:
        left = self.each(path, lambda: self.inner.cleanup(sealed, older_than_s=older_than_s, dry_run=dry_run))
        for found in left:
            name = self.vault.paths.open_leniently(found.path)
            yield Leftover(name, found.id, found.size, found.started_at_ns)
