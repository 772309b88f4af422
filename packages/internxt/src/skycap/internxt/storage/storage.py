"""An Internxt account as a storage."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from skycap.core import paths
from skycap.core.errors import AccessDenied, Conflict, Error, PathInvalid, Unsupported
from skycap.core.storage.capability import FULL, Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.storage.extras import Quota, Shares, Trash, Versions
from skycap.core.storage.facts import Facts
from skycap.core.storage.interface import Storage
from skycap.core.storage.options import StorageOptions
from skycap.core.storage.source import BinaryReader, Source
from skycap.core.storage.upload import Upload
from skycap.core.units import format_size
from skycap.internxt.api import account, network, sharings
from skycap.internxt.api.client import Api
from skycap.internxt.api.models import MS_NS, TRASHED, File, Folder, Item
from skycap.internxt.api.objects import Objects
from skycap.internxt.crypto.keys import Keys, require_mnemonic
from skycap.internxt.login.session import Session
from skycap.internxt.options import InternxtOptions
from skycap.internxt.storage import listing, moving, reading, removing
from skycap.internxt.storage.cache import Cache
from skycap.internxt.storage.filling import Filling
from skycap.internxt.storage.places import Places
from skycap.internxt.storage.record import Record

_LARGEST = 5 * 1024**4
_FORBIDDEN = "\\"
_BLOCK = 16


class Internxt(Storage):
    """The drive of an account, from its root folder down."""

    type_name: ClassVar[str] = "internxt"
    login_option: ClassVar[str] = "session"
    Options: ClassVar[type[StorageOptions]] = InternxtOptions
    capabilities = FULL | {
        Capability.READ_VERSION,
        Capability.WRITE_IF_ABSENT,
        Capability.RENAME,
        Capability.RENAME_IF_ABSENT,
        Capability.REMOVE_MANY,
        Capability.REMOVE_TREE,
        Capability.UPLOAD,
        Capability.UPLOAD_IF_ABSENT,
        Capability.READ_FILE,
        Capability.VERSIONS,
        Capability.VERSIONS_RESTORE,
        Capability.VERSIONS_REMOVE,
        Capability.TRASH,
        Capability.SHARE,
        Capability.SHARE_LIST,
        Capability.SHARE_REMOVE,
        Capability.QUOTA,
        Capability.SEARCH,
    }

    def __init__(self, options: InternxtOptions, session: Session) -> None:
        self.options = options
        self.session = session
        owner = session.account
        self.root = owner.root_folder
        self.bucket = owner.bucket
        self.settle_s = float(options.settle)
        common: dict[str, Any] = {"tls": options.tls, "timeouts": options.timeouts}
        self.api = Api(session, connections=2 * options.connections, **common)
        self.objects = Objects(connections=2 * options.connections, **common)
        self.cache = Cache(Folder(self.root, ""), float(options.cache))
        self.places = Places(self)
        self.record = Record(owner.uuid)
        self.lock = threading.Lock()
        self.fillings: dict[tuple[str, str], Filling] = {}
        self.sources: dict[tuple[str, str | None], reading.Source] = {}
        self._keys: dict[str, Keys] = {}

    @classmethod
    def open(cls, options: InternxtOptions, path: str) -> tuple[Storage, str]:
        """The account that is logged in."""
        return cls(options, Session.open(options)), path

    def __repr__(self) -> str:
        return f"Internxt({self.session.account.email!r})"

    @property
    def identity(self) -> str:
        """The account, wherever its services answer."""
        return f"internxt:{self.session.account.uuid}"

    @cached_property
    def facts(self) -> Facts:  # type: ignore[override]
        """What is so about the service."""
        return Facts(
            scan_fields=frozenset({"size", "mtime_ns", "version"}),
            metadata_fields=frozenset({"mtime_ns"}),
            mtime_precision_ns=MS_NS,
            max_size=_LARGEST,
            part_size=-(-max(self.options.chunk_size, 1) // _BLOCK) * _BLOCK,
            part_multiple=_BLOCK,
            max_parts=network.PARTS_MAX,
            upload_from=network.MULTIPART_MIN,
            forbidden=_FORBIDDEN,
            rename_dirs=True,
            connections=self.options.connections,
        )

    # For the modules beside this one

    def where(self, path: str) -> str:
        """The place of a path, for messages."""
        return paths.printable(path) if path else "the root folder"

    def keys(self, bucket: str = "") -> Keys:
        """The keys of a bucket, the account's own if none is said."""
        bucket = bucket or self.bucket
        with self.lock:
            if bucket not in self._keys:
                mnemonic = require_mnemonic(self.session.account.mnemonic, where=self.session.account.email)
                self._keys[bucket] = Keys(mnemonic, bucket)
            return self._keys[bucket]

    def check_size(self, path: str, size: int) -> None:
        """Raise before anything is sent of a file that the plan does not take."""
        if self._largest is not None and size > self._largest:
            raise AccessDenied(
                f"the plan of the account takes files up to {format_size(self._largest)}",
                where=self.where(path),
                hint="What the plan holds stands on the account's page on the web.",
            )

    @cached_property
    def _largest(self) -> int | None:
        return account.upload_limit(self.api, where=self.where(""))

    @cached_property
    def share_domain(self) -> str:
        """Where links lead to."""
        found = sharings.domains(self.api, where=self.where(""))
        domain = found[0] if found else self.session.endpoints.web
        return domain if "://" in domain else f"https://{domain}"

    def entry(self, path: str, item: Item) -> Entry:
        """What we tell of an item."""
        return next(self.entries([(path, item)]))

    def entries(self, items: Sequence[tuple[str, Item]]) -> Iterator[Entry]:
        """The same for many, with the hashes that are known."""
        objects = [item.file_id for _, item in items if isinstance(item, File) and item.file_id]
        hashes = self.hashes_of(objects)
        for path, item in items:
            if isinstance(item, Folder):
                yield Entry(path, Kind.DIRECTORY, mtime_ns=item.mtime_ns)
            else:
                yield Entry(
                    path,
                    Kind.FILE,
                    item.size,
                    mtime_ns=item.mtime_ns,
                    stored_at_ns=item.updated_ns,
                    version=item.version,
                    hashes=hashes.get(item.file_id or ""),
                )

    def hashes_of(self, objects: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """The hashes of the content of objects that were stored from here."""
        known = self.record.known(objects) if objects else {}
        return {file_id: {"sha256": sha256} for file_id, (_, sha256) in known.items()}

    @staticmethod
    def as_trashed(item: Item) -> Item:
        """The item as one that is in the trash, whatever its folder."""
        return replace(item, status=TRASHED)

    def new_path(self, path: str) -> str:
        """A path under which something is to be; `PathInvalid` for a name that the service does not take."""
        where = self.where(path)
        if not paths.validate(path):
            raise Conflict("the root is a directory, not a file", where=where)
        if not paths.is_utf8(path):
            raise PathInvalid("Internxt keeps names that are text, and this one is not", where=where)
        for name in path.split("/"):
            if _FORBIDDEN in name:
                raise PathInvalid("Internxt cannot have a backslash in a name", where=where)
            if not name.strip():
                raise PathInvalid("Internxt cannot have a name of blanks only", where=where)
            if len(name) > 63 and len(paths.to_bytes(name)) > paths.NAME_MAX:
                raise PathInvalid(f"a name is longer than {paths.NAME_MAX} bytes", where=where)
        return path

    def only_absent(self, condition: Condition | None, other: Capability, path: str) -> None:
        """Refuse a condition on a version, which the service does not know."""
        if condition is not None and condition.version is not None:
            self.refuse(other, path)

    # Readable

    def stat(self, path: str) -> Entry:
        """One request for a file, two for a folder; one more where the folder above is not known."""
        return self.entry(path, self.places.item(paths.validate(path)))

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """Where it is, what it takes to read it, and the bytes: three requests."""
        paths.validate(path)
        return contextmanager(reading.open_file)(self, path, offset, length, version)

    def read_file(
        self,
        path: str,
        local: str,
        *,
        offset: int = 0,
        length: int | None = None,
        version: str | None = None,
    ) -> Entry:
        """The same, into a local file; ranges of it are checked when the last one is there."""
        return reading.read_file(self, paths.validate(path), local, offset, length, version)

    # Listable

    def scan(self, path: str) -> Iterator[Entry]:
        """Pages of 50, files first."""
        return listing.scan(self, paths.validate(path))

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
        """Announce, send, finish, name: four requests, and one for each part of what is large."""
        from skycap.internxt.storage.writing import write

        self.new_path(path)
        self.only_absent(condition, Capability.WRITE_IF_VERSION, path)
        entry = write(self, path, source, size, metadata, condition)
        if self.options.thumbnails:
            from skycap.internxt.thumbnails import after_write

            after_write(self, path, entry, source)
        return entry

    def make_dir(self, path: str) -> None:
        """One request for each that is missing, and half a second for the service to know it everywhere."""
        if paths.validate(path):
            self.new_path(path)
        self.places.make(path)

    # Removable

    def remove(self, path: str, *, condition: Condition | None = None) -> None:
        """Into the trash, or for good where the option `trash` says so."""
        paths.validate(path)
        if condition is not None and condition.version is None:
            raise Unsupported("nothing is removed on condition that it is absent", where=self.where(path))
        if condition is not None:
            self.refuse(Capability.REMOVE_IF_VERSION, path)
        removing.remove(self, path)

    def remove_many(self, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
        """Fifty in one request."""
        return removing.remove_many(self, paths)

    def remove_tree(self, path: str) -> None:
        """One request, whatever is below."""
        removing.remove_tree(self, paths.validate(path))

    # Optional

    def rename(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """One request, and two more for each side that is looked up."""
        if not paths.validate(source):
            raise Conflict("the root cannot be moved", where=self.where(""))
        self.new_path(target)
        self.only_absent(condition, Capability.RENAME_IF_VERSION, target)
        return moving.rename(self, source, target, condition)

    def begin_upload(self, path: str, *, size: int | None = None, metadata: Metadata | None = None) -> Upload:
        """In parts, where the service takes them: from 100 MiB on. Others wait in a file of this machine."""
        from skycap.internxt.storage.spooled import SpooledUpload
        from skycap.internxt.storage.upload import PartsUpload

        self.new_path(path)
        if size is not None and size >= network.MULTIPART_MIN:
            return PartsUpload.begin(self, path, size, metadata)
        return SpooledUpload.begin(self, path, size, metadata)

    def resume_upload(self, state: Mapping[str, Any], source: Source | None = None) -> Upload:
        """Go on with the parts that are there; the source is read once more, for the hash of the whole."""
        from skycap.internxt.storage.spooled import SpooledUpload
        from skycap.internxt.storage.upload import PartsUpload

        if "urls" in state:
            return PartsUpload.resume(self, state, source)
        return SpooledUpload.resume(self, state)

    def versions(self) -> Versions:
        """What the plan keeps of old states."""
        from skycap.internxt.storage.versions import FileVersions

        return FileVersions(self)

    def trash(self) -> Trash:
        """What was removed, and can come back."""
        from skycap.internxt.storage.trash import AccountTrash

        return AccountTrash(self)

    def shares(self) -> Shares:
        """Public links."""
        from skycap.internxt.storage.shares import PublicLinks

        return PublicLinks(self)

    def quota(self) -> Quota:
        """Two requests."""
        where = self.where("")
        used, total = account.usage(self.api, where=where), account.limit(self.api, where=where)
        return Quota(used, total, None if total is None else max(0, total - used))

    def search(self, text: str, path: str = "") -> Iterator[Entry]:
        """What the service finds by name."""
        from skycap.internxt.storage.search import search

        return search(self, text, paths.validate(path))

    def close(self) -> None:
        """Let go of all connections, and of the record."""
        self.api.close()
        self.objects.close()
        self.record.close()
