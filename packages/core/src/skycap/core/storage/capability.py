"""What a storage can do. Each has a verb behind it; one that is not declared raises `Unsupported`."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """A verb of a storage, or a condition or argument that a verb accepts; named after that verb."""

    READ = "read"
    LIST = "list"
    WRITE = "write"
    REMOVE = "remove"

    READ_VERSION = "read_version"
    WRITE_IF_ABSENT = "write_if_absent"
    WRITE_IF_VERSION = "write_if_version"
    REMOVE_IF_VERSION = "remove_if_version"

    SCAN_ALL = "scan_all"
    COPY = "copy"
    COPY_IF_ABSENT = "copy_if_absent"
    COPY_IF_VERSION = "copy_if_version"
    RENAME = "rename"
    RENAME_IF_ABSENT = "rename_if_absent"
    RENAME_IF_VERSION = "rename_if_version"
    REMOVE_MANY = "remove_many"
    REMOVE_TREE = "remove_tree"
    UPLOAD = "upload"
    UPLOAD_IF_ABSENT = "upload_if_absent"
    UPLOAD_IF_VERSION = "upload_if_version"
    SET_METADATA = "set_metadata"
    MAKE_SYMLINK = "make_symlink"
    LOCAL_PATH = "local_path"
    READ_FILE = "read_file"
    BULK_READ = "bulk_read"
    BULK_WRITE = "bulk_write"

    VERSIONS = "versions"
    VERSIONS_RESTORE = "versions_restore"
    VERSIONS_REMOVE = "versions_remove"
    TRASH = "trash"
    SHARE = "share"
    SHARE_LIST = "share_list"
    SHARE_REMOVE = "share_remove"
    QUOTA = "quota"
    SEARCH = "search"
    LOCK_OBJECT = "lock_object"
    CHANGES = "changes"
    CLEANUP = "cleanup"


READABLE = frozenset({Capability.READ})
WRITABLE = frozenset({Capability.WRITE})
FULL = frozenset({Capability.READ, Capability.LIST, Capability.WRITE, Capability.REMOVE})

_LACKS = {
    Capability.READ: "cannot be read from",
    Capability.LIST: "cannot be listed",
    Capability.WRITE: "cannot be written to",
    Capability.REMOVE: "cannot remove anything",
    Capability.READ_VERSION: "have no old versions to read",
    Capability.MAKE_SYMLINK: "have no symbolic links",
    Capability.VERSIONS: "have no versions",
    Capability.VERSIONS_RESTORE: "cannot bring back a version",
    Capability.VERSIONS_REMOVE: "cannot forget single versions",
    Capability.TRASH: "have no trash",
    Capability.SHARE: "have no links",
    Capability.SHARE_LIST: "have no list of links",
    Capability.SHARE_REMOVE: "cannot take back a link",
    Capability.QUOTA: "have no quota",
    Capability.SEARCH: "have no search",
    Capability.CHANGES: "have no list of changes",
    Capability.CLEANUP: "have no cleanup",
}
LACKS = {one: _LACKS.get(one, f"cannot {one.value.replace('_', ' ')}") for one in Capability}
"""What is said of a storage that has not declared it."""
