"""What a listing and a look tell about one thing in a storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from skycap.core.paths import order_key, split


class Kind(StrEnum):
    """What an entry is. `OTHER` is a pipe, a socket, a device: listed, and never moved."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    OTHER = "other"

    @property
    def noun(self) -> str:
        """As it stands in a sentence."""
        return "a special file" if self is Kind.OTHER else f"a {self.value}"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What travels with the bytes of a file. None means: not known, or leave as it is.

    `mtime_ns` counts from the epoch, `mode` is the permission bits, `xattrs` are raw bytes by name, `extra`
    is text by name that a store keeps for the user.
    """

    mtime_ns: int | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    xattrs: Mapping[str, bytes] | None = None
    content_type: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


class Entry(NamedTuple):
    """One thing in a storage.

    `size` is in bytes, of files only. `mtime_ns` is the client's time of last change, `stored_at_ns` the
    store's own clock. `version` is opaque and changes whenever the content does. `hashes` are lower-case
    hexadecimal by kind, known without reading. A field is None where the store does not know it, or where a
    listing does not carry it: the fact `scan_fields` says which.
    """

    path: str
    kind: Kind = Kind.FILE
    size: int | None = None
    mtime_ns: int | None = None
    stored_at_ns: int | None = None
    version: str | None = None
    target: str | None = None
    hashes: Mapping[str, str] | None = None
    metadata: Metadata | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return split(self.path)[1]

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return self.kind is Kind.DIRECTORY

    @property
    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.kind is Kind.FILE

    @property
    def order(self) -> bytes:
        """Where it stands in the order in which listings are merged."""
        return order_key(self.path, is_dir=self.kind is Kind.DIRECTORY)

    def at(self, path: str) -> Entry:
        """The same, seen under another path."""
        return self._replace(path=path)


def directory(path: str) -> Entry:
    """A directory of which nothing more is known."""
    return Entry(path, Kind.DIRECTORY)
