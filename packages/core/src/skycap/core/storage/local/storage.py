"""Files of this machine as a storage."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat as stat_module
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

from skycap.core import paths
from skycap.core.errors import Conflict, Error, NotFound, PathInvalid, Unsupported, UploadFailed
from skycap.core.storage.capability import FULL, Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.storage.extras import BulkReader, BulkWriter, Leftover, Quota
from skycap.core.storage.facts import Facts
from skycap.core.storage.failures import translate
from skycap.core.storage.interface import Storage
from skycap.core.storage.local import probe, temporary
from skycap.core.storage.local.attributes import apply, entry_of, kind_of, metadata_of
from skycap.core.storage.local.bulk import LocalBulkReader, LocalBulkWriter
from skycap.core.storage.local.bytes import OnBytes, copy_bytes, ignore, write_all
from skycap.core.storage.local.folder import make_folders
from skycap.core.storage.local.reading import open_range
from skycap.core.storage.local.scanning import Links, scan_folder
from skycap.core.storage.local.upload import LocalUpload
from skycap.core.storage.options import StorageOptions, option
from skycap.core.storage.source import COPY_BUFFER, BinaryReader, LocalFile, Source, is_fetchable, opened
from skycap.core.storage.upload import Upload

_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_WINDOWS = os.name == "nt"
_REMOVALS = 100
"""Rounds in which a tree is removed while others remove things in it."""
Fsync = Literal["never", "file"]


@dataclass(frozen=True, kw_only=True)
class LocalOptions(StorageOptions):
    """Options of the storage type `local`."""

    root: str = option("The folder it shows; a path is below it", default="/", file=True)
    links: Links = option("Symbolic links: keep them, follow them, or skip them", default="keep")
    fsync: Fsync = option("Force each file to disk before it gets its name: never, or file", default="never")


class Local(Storage):
    """A folder of this machine. It need not exist before the first write."""

    type_name: ClassVar[str] = "local"
    Options: ClassVar[type[StorageOptions]] = LocalOptions
    capabilities = FULL | {
        Capability.WRITE_IF_ABSENT,
        Capability.COPY,
        Capability.COPY_IF_ABSENT,
        Capability.RENAME,
        Capability.RENAME_IF_ABSENT,
        Capability.REMOVE_TREE,
        Capability.UPLOAD,
        Capability.UPLOAD_IF_ABSENT,
        Capability.SET_METADATA,
        Capability.MAKE_SYMLINK,
        Capability.LOCAL_PATH,
        Capability.BULK_READ,
        Capability.BULK_WRITE,
        Capability.QUOTA,
        Capability.CLEANUP,
    }

    def __init__(
        self, root: str | os.PathLike[str], *, links: Links = "keep", fsync: Fsync = "never"
    ) -> None:
        self.root = os.path.abspath(os.fspath(root))
        self._links: Links = links
        if links != "keep":  # it would not show the link it made, and bulk readers follow none
            self.capabilities = self.capabilities - {Capability.MAKE_SYMLINK, Capability.BULK_READ}
        self.forces_to_disk = fsync == "file"

    @classmethod
    def open(cls, options: LocalOptions, path: str) -> tuple[Local, str]:
        """The storage a remote of this type means, and the path inside it."""
        return cls(os.path.expanduser(options.root), links=options.links, fsync=options.fsync), path

    def __repr__(self) -> str:
        return f"Local({self.root!r})"

    @property
    def identity(self) -> str:
        """This machine and the real path of the root."""
        return f"local:{os.path.realpath(self.root)}"

    @cached_property
    def facts(self) -> Facts:  # type: ignore[override]
        """What the file system below the root is like, looked at once and without writing."""
        facts = Facts(
            scan_ordered=True,
            metadata_fields=frozenset({"mtime_ns", "mode", "uid", "gid", "xattrs"}),
            part_size=8 * 1024 * 1024,
            bytes_names=os.name != "nt",
            rename_dirs=True,
            network=False,
            connections=4,
        )
        return replace(
            facts, case_sensitive=probe.case_sensitive(self.root), read_only=probe.read_only(self.root)
        )

    # Readable

    def stat(self, path: str) -> Entry:
        """One entry with mode, owner and extended attributes."""
        local = self._join(path)
        try:
            info = self._look(local, follow=not path or self._links == "follow")
            link = os.readlink(local) if stat_module.S_ISLNK(info.st_mode) else None
            return entry_of(path, info, link)._replace(metadata=metadata_of(local, info))
        except OSError as error:
            raise translate(error, local) from error

    @staticmethod
    def _look(local: str, *, follow: bool) -> os.stat_result:
        if follow:
            with contextlib.suppress(OSError):  # a link that leads nowhere is shown as one, as listings do
                return os.stat(local)
        return os.lstat(local)

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> contextlib.AbstractContextManager[BinaryReader]:
        """A streaming reader of the file's bytes."""
        if version is not None:
            self.refuse(Capability.READ_VERSION, path)
        return open_range(self._join_file(path), offset, length)

    # Listable

    def scan(self, path: str) -> Iterator[Entry]:
        """One level, in the order in which listings are merged."""
        return scan_folder(self._join_file(path), path, self._links)

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
        """Write to a temporary file in the same folder, then rename it into place."""
        self.check_condition(condition, Capability.WRITE_IF_VERSION, path)
        final = self._join_new(path)
        folder = os.path.dirname(final)
        try:
            old = _replaced(final)
            private = metadata is not None and metadata.mode is not None
            descriptor, name = temporary.create(folder, private=private)
            try:
                try:
                    self._fill(descriptor, name, source, size)
                    self._finish(descriptor, metadata, old)
                    if not _WINDOWS:
                        temporary.replace(name, final, only_new=condition is not None)
                        # By the descriptor: under that name there may be another writer's file by now.
                        info = os.fstat(descriptor)
                finally:
                    os.close(descriptor)
                if _WINDOWS:  # an open file cannot be renamed there
                    temporary.replace(name, final, only_new=condition is not None)
                    info = os.lstat(final)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
                raise
            if self.forces_to_disk:
                temporary.sync_folder(folder)
            return entry_of(path, info)
        except Error:  # of the source; some of ours are an OSError too
            raise
        except OSError as error:
            raise translate(error, final, writing=True) from error

    @staticmethod
    def _fill(descriptor: int, name: str, source: Source, size: int | None) -> None:
        if isinstance(source, bytes | bytearray | memoryview):
            if size is not None and len(source) != size:
                raise UploadFailed(f"the source has {len(source)} bytes, not {size}", retryable=False)
            write_all(descriptor, source)
        elif isinstance(source, os.PathLike):
            _copy_file(descriptor, os.fspath(source), size, getattr(source, "on_bytes", None))
        elif is_fetchable(source):
            source.fetch(name)
            if size is not None and (found := os.fstat(descriptor).st_size) != size:
                raise UploadFailed(f"{found} bytes arrived of {size}", retryable=True)
        else:
            with opened(source, size) as reader:
                while data := reader.read(COPY_BUFFER):
                    write_all(descriptor, data)

    def _finish(self, descriptor: int, metadata: Metadata | None, old: os.stat_result | None) -> None:
        info = os.fstat(descriptor)
        wanted = metadata or Metadata()
        if wanted.mode is None and old is not None:
            wanted = replace(wanted, mode=stat_module.S_IMODE(old.st_mode))
        apply(descriptor, wanted, info)
        if self.forces_to_disk:
            os.fsync(descriptor)

    def make_dir(self, path: str) -> None:
        """Make it and its parents."""
        local = self._join_new(path) if path else self.root
        try:
            make_folders(local)
        except OSError as error:
            raise translate(error, local, writing=True) from error

    # Removable

    def remove(self, path: str, *, condition: Condition | None = None) -> None:
        """Unlink a file or a link, or remove an empty directory."""
        if condition is not None:
            self.refuse(Capability.REMOVE_IF_VERSION, path)
        local = self._join(path)
        try:
            os.unlink(local)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError) as error:
            self._remove_folder(local, error)
        except NotADirectoryError:
            return
        except OSError as error:
            raise translate(error, local, writing=True) from error

    @staticmethod
    def _remove_folder(local: str, error: OSError) -> None:
        # macOS and Windows say "not permitted" where Linux says "is a directory".
        if not stat_module.S_ISDIR(os.lstat(local).st_mode):
            raise translate(error, local, writing=True) from error
        try:
            os.rmdir(local)
        except FileNotFoundError:
            return
        except OSError as failure:
            raise translate(failure, local, writing=True) from failure

    # Optional

    def copy(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """Copy by the kernel: reflink where the file system has it."""
        self.check_condition(condition, Capability.COPY_IF_VERSION, target)
        entry = self.stat(source)
        if not entry.is_file:
            raise Unsupported("only files can be copied", where=paths.printable(source))
        local = LocalFile(self._join_file(source))
        return self.write(target, local, size=entry.size, metadata=entry.metadata, condition=condition)

    def rename(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """Rename a file, a link or a directory."""
        self.check_condition(condition, Capability.RENAME_IF_VERSION, target)
        old, new = self._join(source), self._join_new(target)
        try:
            info = os.lstat(old)
        except OSError as error:
            raise translate(error, old) from error
        try:
            is_dir = stat_module.S_ISDIR(info.st_mode)
            if is_dir and target.startswith(f"{source}/"):
                raise Conflict("it cannot be moved below itself", where=paths.printable(new))
            if condition is not None and os.path.lexists(new):
                raise Conflict("it exists already", where=paths.printable(new))
            make_folders(os.path.dirname(new))
            if condition is not None and not is_dir:
                temporary.replace(old, new, only_new=True)
            else:
                os.replace(old, new)
            with contextlib.suppress(FileNotFoundError):  # removed since, by somebody else
                info = os.lstat(new)
            return entry_of(target, info)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            raise translate(error, old if missing else new, writing=not missing) from error

    def remove_tree(self, path: str) -> None:
        """Remove a directory and all below it, never through a link."""
        local = self._join(path)
        for left in reversed(range(_REMOVALS)):
            try:
                if stat_module.S_ISDIR(os.lstat(local).st_mode):
                    shutil.rmtree(local)
                else:
                    os.unlink(local)
                return
            except (FileNotFoundError, NotADirectoryError) as error:
                if not os.path.lexists(local):
                    return
                if not left:  # others removed things in it all the time, or put them back
                    raise translate(error, str(error.filename or local), writing=True) from error
            except OSError as error:
                raise translate(error, str(error.filename or local), writing=True) from error

    def bulk_read(self) -> BulkReader:
        """Read many small files."""
        if Capability.BULK_READ not in self.capabilities:
            self.refuse(Capability.BULK_READ)
        return LocalBulkReader(self.root)

    def bulk_write(self, *, metadata: bool = True) -> BulkWriter:
        """Copy many small local files."""
        return LocalBulkWriter(self.root, metadata=metadata, sync=self.forces_to_disk)

    def begin_upload(self, path: str, *, size: int | None = None, metadata: Metadata | None = None) -> Upload:
        """Parts go to a hidden file in the same folder."""
        return LocalUpload.begin(self, path, self._join_new(path), size, metadata)

    def resume_upload(self, state: Mapping[str, Any], source: Source | None = None) -> Upload:
        """Go on; parts whose bytes on disk are not what they were are sent again."""
        path = paths.validate(str(state["path"]))
        return LocalUpload.resume(self, path, self._join_new(path), state)

    def set_metadata(self, path: str, metadata: Metadata) -> Entry:
        """Change time, mode, owner, extended attributes."""
        local = self._join_file(path)
        try:
            info = os.lstat(local)
            if stat_module.S_ISLNK(info.st_mode):
                if metadata.mtime_ns is not None and os.utime in os.supports_follow_symlinks:
                    os.utime(local, ns=(metadata.mtime_ns, metadata.mtime_ns), follow_symlinks=False)
            else:
                apply(local, metadata, info)
        except OSError as error:
            raise translate(error, local, writing=True) from error
        return self.stat(path)

    def make_symlink(self, path: str, target: str) -> Entry:
        """Make a link under a temporary name, then rename it into place."""
        if not self.can(Capability.MAKE_SYMLINK):
            self.refuse(Capability.MAKE_SYMLINK, path)
        final = self._join_new(path)
        name = f"{os.path.dirname(final)}{os.sep}{temporary.new_name('part')}"
        try:
            make_folders(os.path.dirname(final))
            os.symlink(target, name)
            try:
                os.replace(name, final)
            except BaseException:
                os.unlink(name)
                raise
            return entry_of(path, os.lstat(final), os.readlink(final))
        except OSError as error:
            raise translate(error, final, writing=True) from error

    def where(self, path: str) -> str:
        """The path in the file system."""
        return paths.printable(self._join_file(path))

    def local_path(self, path: str) -> str:
        """The path in the file system."""
        return self._join_file(path)

    def quota(self) -> Quota:
        """What the file system says of itself."""
        existing = probe.existing_parent(self.root)
        usage = shutil.disk_usage(existing)
        return Quota(usage.used, usage.total, usage.free)

    def cleanup(self, path: str = "", *, older_than_s: float, dry_run: bool = False) -> Iterator[Leftover]:
        """Remove temporary files whose writer is gone; parts of uploads older than `older_than_s`."""
        for local, info in temporary.abandoned(self._join_file(path), older_than_s=older_than_s):
            if not dry_run:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(local)
            where = os.path.relpath(local, self.root).replace(os.sep, "/")
            yield Leftover(where, os.path.basename(local), info.st_size, info.st_mtime_ns)

    # Paths

    def _join(self, path: str) -> str:
        if self._links == "follow":
            return f"{self.root}{os.sep}{paths.validate(path)}" if path else self.root
        return self._under(path)

    def _join_file(self, path: str) -> str:
        return self._join(path) if self._links == "follow" else self._under(path, follow_last=True)

    def _join_new(self, path: str) -> str:
        if not path:
            raise Conflict("the root of a storage is a directory", where=paths.printable(self.root))
        if temporary.is_temporary(paths.split(path)[1]):
            raise PathInvalid("this name is kept for unfinished files", where=paths.printable(path))
        return self._under(path)

    def _under(self, path: str, *, follow_last: bool = False) -> str:
        try:
            return paths.join_under(self.root, path, follow_last=follow_last)
        except OSError as error:  # a folder on the way that may not be entered
            raise translate(error, f"{self.root}{os.sep}{path}") from error

    def check_condition(self, condition: Condition | None, by_version: Capability, path: str) -> None:
        """Refuse a condition on a version, as the capability it would need."""
        # A file system cannot compare and rename in one step, so a condition on a version is not offered.
        if condition is not None and condition.version is not None:
            self.refuse(by_version, path)


def _replaced(local: str) -> os.stat_result | None:
    """The stat of the file that a write is going to replace; `Conflict` where a device or a pipe stands."""
    try:
        info = os.lstat(local)
        what = os.stat(local) if stat_module.S_ISLNK(info.st_mode) else info
    except FileNotFoundError:
        return None
    if kind_of(what) is Kind.OTHER:
        raise Conflict(
            "a device, a pipe or a socket stands there, and is not replaced by a file",
            where=paths.printable(local),
            hint='Write "-" for standard output.',
        )
    return info if stat_module.S_ISREG(info.st_mode) else None


def _copy_file(descriptor: int, local: str, size: int | None, on_bytes: OnBytes | None) -> None:
    try:
        source = os.open(local, _READ)
    except OSError as error:
        raise _source_error(error, local) from error
    try:
        info = os.fstat(source)
        if not stat_module.S_ISREG(info.st_mode):
            raise Unsupported(f"it is {kind_of(info).noun}, not a regular file", where=paths.printable(local))
        copied = copy_bytes(source, descriptor, info, on_bytes or ignore)
        after = os.fstat(source)
    finally:
        os.close(source)
    wanted = info.st_size if size is None else size
    if copied != wanted or after.st_mtime_ns != info.st_mtime_ns or after.st_size != info.st_size:
        raise UploadFailed(
            f"it changed while it was read ({copied} of {wanted} bytes)",
            where=paths.printable(local),
            hint="Run the command again.",
            retryable=False,
        )


def _source_error(error: OSError, local: str) -> Error:
    found = translate(error, local)
    return found if not isinstance(found, Conflict) else NotFound("not a file", where=found.where)


__all__ = ["Local", "LocalOptions"]
