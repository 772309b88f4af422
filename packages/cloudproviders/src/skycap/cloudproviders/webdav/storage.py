"""A folder on a WebDAV server as a storage."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, ClassVar

from skycap.cloudproviders.webdav import changing, listing, reading, writing
from skycap.cloudproviders.webdav.address import Place
from skycap.cloudproviders.webdav.client import Dav
from skycap.cloudproviders.webdav.cloud.place import CloudPlace, with_files
from skycap.cloudproviders.webdav.dates import SECOND_NS
from skycap.cloudproviders.webdav.folders import Folders, make_dir
from skycap.cloudproviders.webdav.names import check, is_temporary
from skycap.cloudproviders.webdav.options import WebDavOptions
from skycap.cloudproviders.webdav.probe import find_traits
from skycap.cloudproviders.webdav.properties import AVAILABLE, TYPE, USED
from skycap.cloudproviders.webdav.vendors import CLOUDS, Traits
from skycap.core import paths
from skycap.core.errors import ConfigInvalid, Conflict, NotFound, Unsupported
from skycap.core.storage.capability import FULL, Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.extras import Leftover, Quota, Shares, Trash, Versions
from skycap.core.storage.facts import Facts
from skycap.core.storage.interface import Storage
from skycap.core.storage.options import StorageOptions
from skycap.core.storage.source import BinaryReader, Source
from skycap.core.storage.upload import Upload
from skycap.core.units import MiB

_CONDITIONS = {Capability.WRITE_IF_ABSENT, Capability.WRITE_IF_VERSION, Capability.REMOVE_IF_VERSION}
_SHARES = {Capability.SHARE, Capability.SHARE_LIST, Capability.SHARE_REMOVE}
_EXTRAS = {
    Capability.TRASH,
    Capability.VERSIONS,
    Capability.VERSIONS_RESTORE,
    Capability.READ_VERSION,
    Capability.SEARCH,
}
_ALWAYS = FULL | {Capability.REMOVE_TREE, Capability.CLEANUP}
_COPY = {Capability.COPY, Capability.COPY_IF_ABSENT}
_MOVE = {Capability.RENAME, Capability.RENAME_IF_ABSENT}


def capabilities_of(traits: Traits) -> frozenset[Capability]:
    """What a storage on such a server can do."""
    found = set(_ALWAYS)
    optional: list[tuple[bool, set[Capability]]] = [
        (traits.copy, _COPY),
        (traits.move, _MOVE),
        (traits.conditions, _CONDITIONS),
        (traits.patch != "none", {Capability.SET_METADATA}),
        (traits.quota, {Capability.QUOTA}),
        (traits.infinity, {Capability.SCAN_ALL}),
        (traits.uploads, {Capability.UPLOAD}),
        (traits.shares, _SHARES),
        (traits.extras, _EXTRAS),
    ]
    for there, capabilities in optional:
        if there:
            found |= capabilities
    return frozenset(found)


class _OfServer:
    """What a storage can do: found out when it is asked for. Of the class, what there can be at most."""

    most = _ALWAYS | _COPY | _MOVE | _CONDITIONS | _SHARES | _EXTRAS
    most |= {Capability.SET_METADATA, Capability.QUOTA, Capability.SCAN_ALL, Capability.UPLOAD}

    def __get__(self, storage: WebDav | None, kind: type[WebDav]) -> frozenset[Capability]:
        return frozenset(self.most) if storage is None else capabilities_of(storage.traits)


class WebDav(Storage):
    """A folder and all below it. What it can do depends on the server."""

    type_name: ClassVar[str] = "webdav"
    Options: ClassVar[type[StorageOptions]] = WebDavOptions
    capabilities = _OfServer()
    by_server: ClassVar[frozenset[Capability]] = frozenset(_OfServer.most - _ALWAYS)
    """What not every server can."""

    def __init__(self, options: WebDavOptions, place: Place) -> None:
        if options.vendor in CLOUDS:
            place = with_files(place, options.user)
        self.options = options
        self.dav = Dav(options, place)
        self.folders = Folders(self)
        self._identity = place.identity(options.user)

    @classmethod
    def open(cls, options: WebDavOptions, path: str) -> tuple[Storage, str]:
        """The folder that the option `url` names; without one, the host that begins the path."""
        if options.url:
            return cls(options, Place.parse(options.url)), path
        if not path:
            raise ConfigInvalid(
                "it is not said where the server is",
                hint="Set url, or write webdav://HOST/PATH.",
            )
        place, inside = Place.of_path(path)
        return cls(options, place), inside

    def __repr__(self) -> str:
        return f"WebDav({self.where('')!r})"

    @property
    def identity(self) -> str:
        """The user, the server and the folder."""
        return self._identity

    @cached_property
    def traits(self) -> Traits:
        """How the server behaves."""
        return find_traits(self.dav, self.options, self._identity)

    @cached_property
    def cloud(self) -> CloudPlace:
        """Where the services of a cloud are."""
        return CloudPlace.of(self.dav.place, self.options.user)

    @cached_property
    def facts(self) -> Facts:  # type: ignore[override]
        """What is so about this server."""
        traits = self.traits
        fields = {"size", "mtime_ns" if traits.keeps_times else "stored_at_ns"}
        return Facts(
            scan_fields=frozenset(fields | {"version"} if traits.etags else fields),
            metadata_fields=frozenset({"mtime_ns"} if traits.keeps_times else ()),
            mtime_precision_ns=SECOND_NS if traits.keeps_times else None,
            part_min=5 * MiB,
            part_max=5 * 1024 * MiB,
            max_parts=10_000,
            part_size=max(self.options.chunk_size, 5 * MiB),
            upload_from=max(self.options.upload_from, 1),
            forbidden=traits.forbidden,
            name_max=traits.name_max,
            rename_dirs=True,
            connections=self.options.connections,
        )

    # For the modules beside this one

    def where(self, path: str) -> str:
        """The place of a path, for messages."""
        return self.dav.place.shown(path)

    def greet(self) -> None:
        """See to it that the server has told how it wants to know us, before a body is sent only once."""
        if not self.dav.auth.ready:
            url = self.dav.place.url(folder=True)
            for _ in self.dav.propfind(url, "0", (TYPE,), where=self.where("")):
                pass

    def condition_headers(
        self, condition: Condition | None, path: str, *, uploading: bool = False
    ) -> dict[str, str]:
        """The headers of a condition; `Unsupported` where the server is not known to heed them."""
        if condition is None:
            return {}
        if not self.traits.conditions or uploading:
            kind = "upload" if uploading else "write"
            self.refuse(Capability(f"{kind}_if_{'absent' if condition.version is None else 'version'}"), path)
        return {"if-none-match": "*"} if condition.version is None else {"if-match": condition.version}

    def _path(self, path: str) -> str:
        return paths.validate(path)

    def _new_path(self, path: str) -> str:
        if not paths.validate(path):
            raise Conflict("the root is a directory, not a file", where=self.where(""))
        return check(path, self.traits, self.where(path))

    # Readable

    def stat(self, path: str) -> Entry:
        """One PROPFIND."""
        return listing.look(self, self._path(path))[0]

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """One GET; an old version is asked for under its own address."""
        self._path(path)
        if version is not None:
            self._needs(Capability.READ_VERSION, path)
        return reading.open_file(self, path, offset, length, version)

    # Listable

    def scan(self, path: str) -> Iterator[Entry]:
        """One PROPFIND, read as it comes."""
        return listing.scan(self, self._path(path))

    def scan_all(self, path: str) -> Iterator[Entry]:
        """One PROPFIND, where the server answers for all levels at once."""
        self._needs(Capability.SCAN_ALL, path)
        return listing.scan(self, self._path(path), deep=True)

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
        """One PUT; where that is not all or nothing, under another name, and then a MOVE."""
        self._new_path(path)
        self.condition_headers(condition, path)
        return writing.write(self, path, source, size, metadata, condition)

    def make_dir(self, path: str) -> None:
        """One MKCOL, and more where folders above are missing."""
        if self._path(path):
            check(path, self.traits, self.where(path))
        make_dir(self, path)

    # Removable

    def remove(self, path: str, *, condition: Condition | None = None) -> None:
        """A look, and one DELETE."""
        self._path(path)
        if condition is not None and condition.version is None:
            raise Unsupported("nothing is removed on condition that it is absent", where=self.where(path))
        if condition is not None:
            self._needs(Capability.REMOVE_IF_VERSION, path)
        changing.remove(self, path, condition)

    def remove_tree(self, path: str) -> None:
        """One DELETE."""
        changing.remove_tree(self, self._path(path))

    # Optional

    def _needs(self, capability: Capability, path: str = "") -> None:
        if not self.can(capability):
            self.refuse(capability, path)

    def copy(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """One COPY, between looks at what is there."""
        self._needs(Capability.COPY, source)
        self._path(source)
        self._new_path(target)
        self._only_absent(condition, Capability.COPY_IF_VERSION, target)
        return changing.copy(self, source, target, condition)

    def rename(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """One MOVE, between looks at what is there."""
        self._needs(Capability.RENAME, source)
        if not self._path(source):
            raise Conflict("the root cannot be moved", where=self.where(""))
        self._new_path(target)
        self._only_absent(condition, Capability.RENAME_IF_VERSION, target)
        return changing.rename(self, source, target, condition)

    def _only_absent(self, condition: Condition | None, other: Capability, path: str) -> None:
        if condition is not None and condition.version is not None:
            self.refuse(other, path)

    def begin_upload(self, path: str, *, size: int | None = None, metadata: Metadata | None = None) -> Upload:
        """A folder for the parts, beside the files."""
        from skycap.cloudproviders.webdav.cloud.upload import ChunkedUpload

        self._needs(Capability.UPLOAD, path)
        self._new_path(path)
        return ChunkedUpload.begin(self, path, size, metadata)

    def resume_upload(self, state: Mapping[str, Any], source: Source | None = None) -> Upload:
        """Go on with the parts that the server still holds."""
        from skycap.cloudproviders.webdav.cloud.upload import ChunkedUpload

        self._needs(Capability.UPLOAD)
        return ChunkedUpload.resume(self, state)

    def set_metadata(self, path: str, metadata: Metadata) -> Entry:
        """One PROPPATCH, and a look at what came of it."""
        self._needs(Capability.SET_METADATA, path)
        self._path(path)
        if metadata.mtime_ns is None:
            return self.stat(path)
        return changing.set_mtime(self, path, metadata.mtime_ns)

    def versions(self) -> Versions:
        """The history that the cloud keeps."""
        from skycap.cloudproviders.webdav.cloud.versions import CloudVersions

        self._needs(Capability.VERSIONS)
        return CloudVersions(self)

    def trash(self) -> Trash:
        """What was removed, and can come back."""
        from skycap.cloudproviders.webdav.cloud.trash import CloudTrash

        self._needs(Capability.TRASH)
        return CloudTrash(self)

    def shares(self) -> Shares:
        """Public links."""
        from skycap.cloudproviders.webdav.cloud.shares import CloudShares

        self._needs(Capability.SHARE)
        return CloudShares(self)

    def quota(self) -> Quota:
        """One PROPFIND of the root."""
        self._needs(Capability.QUOTA)
        url, where = self.dav.place.url(folder=True), self.where("")
        item = next(iter(list(self.dav.propfind(url, "0", (TYPE, USED, AVAILABLE), where=where))), None)
        if item is None:
            raise NotFound("nothing is there", where=where)
        used, free = (_bytes(item.get(name)) for name in (USED, AVAILABLE))
        total = used + free if used is not None and free is not None else None
        return Quota(used, total, free)

    def search(self, text: str, path: str = "") -> Iterator[Entry]:
        """What the cloud finds by name."""
        from skycap.cloudproviders.webdav.cloud.search import search

        self._needs(Capability.SEARCH, path)
        return search(self, text, self._path(path))

    def cleanup(self, path: str = "", *, older_than_s: float, dry_run: bool = False) -> Iterator[Leftover]:
        """Remove folders of uploads, or files that are not finished."""
        self._path(path)
        before_ns = time.time_ns() - int(older_than_s * SECOND_NS)
        if self.traits.uploads:
            from skycap.cloudproviders.webdav.cloud.upload import cleanup

            yield from cleanup(self, path, before_ns, dry_run=dry_run)
        if not self.traits.atomic_put:
            yield from self._cleanup_files(path, before_ns, dry_run=dry_run)

    def _cleanup_files(self, path: str, before_ns: int, *, dry_run: bool) -> Iterator[Leftover]:
        folders = [path]
        while folders:
            try:
                entries = list(listing.scan(self, folders.pop(), temporary=True))
            except NotFound:
                continue
            folders += [entry.path for entry in entries if entry.is_dir]
            for entry in entries:
                # Its time may be the one that the whole file is to have; then it is as old as that.
                begun = entry.stored_at_ns or entry.mtime_ns
                if not is_temporary(entry.name) or begun is None or begun > before_ns:
                    continue
                if not dry_run:
                    changing.delete(self, entry.path)
                yield Leftover(entry.path, entry.name, entry.size, begun)

    def close(self) -> None:
        """Let go of all connections."""
        self.dav.close()


def _bytes(text: str | None) -> int | None:
    """A number of bytes; clouds write negative ones where there is no limit, or none that they know."""
    return int(text) if text is not None and text.isdecimal() else None


__all__ = ["WebDav", "WebDavOptions", "capabilities_of"]
