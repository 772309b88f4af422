"""What only some storages have: versions, trash, share links, quota, search, changes. Shapes, no logic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skycap.core.errors import Error, Unsupported
from skycap.core.storage.entry import Entry, Metadata


class BulkReader(ABC):
    """Reads many small files. Threads may share it."""

    @abstractmethod
    def get(self, paths: Sequence[str], limit: int) -> Sequence[tuple[bytes, Entry] | Error]:
        """All of each file and its entry with metadata; in order, and for each what went wrong instead.

        A file of more than `limit` bytes is refused, as is a symbolic link.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of what was held for it. Twice is fine."""


class BulkWriter(ABC):
    """Stores many small files. Threads may share it."""

    @abstractmethod
    def write(self, files: Sequence[tuple[str, str, int | None]]) -> Sequence[Error | None]:
        """Store each `(path, local file, expected size)`; for each, in order, what went wrong, or None.

        Each is all or nothing. A local file that is a symbolic link is refused.
        """

    @abstractmethod
    def put(self, contents: Sequence[tuple[str, bytes, Metadata | None]]) -> Sequence[Entry | Error]:
        """Store each `(path, content, metadata)`; for each, in order, its entry, or what went wrong.

        As `Storage.write` does: each is all or nothing.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of what was held for it. Twice is fine."""


@dataclass(frozen=True, slots=True)
class Version:
    """One state a path has had. `entry.version` names it; `deleted` marks a moment it was removed."""

    entry: Entry
    latest: bool = False
    deleted: bool = False


class Versions(ABC):
    """The history of paths."""

    @abstractmethod
    def list(self, path: str) -> Iterator[Version]:
        """Every state of a file, newest first."""

    def restore(self, path: str, version: str) -> Entry:
        """Make an old state the newest one; the states between stay."""
        raise Unsupported("old versions cannot be restored here", where=path)

    def remove(self, path: str, version: str) -> None:
        """Forget one state for good; `NotFound` where there is none of this name, and nothing is changed."""
        raise Unsupported("single versions cannot be removed here", where=path)


@dataclass(frozen=True, slots=True)
class Trashed:
    """Something in the trash: where it was, and under which id it can be had back."""

    id: str
    entry: Entry
    trashed_at_ns: int | None = None


class Trash(ABC):
    """Where removed things wait."""

    @abstractmethod
    def list(self) -> Iterator[Trashed]:
        """What is in the trash."""

    @abstractmethod
    def put(self, path: str) -> Trashed:
        """Move a file or a directory into the trash."""

    @abstractmethod
    def restore(self, id: str, to: str | None = None) -> Entry:  # noqa: A002 - the stores' own word
        """Bring it back to where it was, or to another path."""

    @abstractmethod
    def clear(self) -> int:
        """Remove all of it for good; how many there were."""


@dataclass(frozen=True, slots=True)
class Share:
    """A link that lets others in. `id` is what the store knows it by, `expires_at_ns` None if it does not."""

    url: str
    path: str
    id: str | None = None
    expires_at_ns: int | None = None
    password: bool = False


class Shares(ABC):
    """Links to files for people without an account."""

    @abstractmethod
    def create(self, path: str, *, expires_s: float | None = None, password: str | None = None) -> Share:
        """A new link, or the one there is of the same terms.

        What cannot be kept, an expiry or a password, raises `Unsupported`, and no link is made. What is given
        says what holds: an expiry that is sooner than asked is told in `expires_at_ns`, a later one is none.
        """

    def list(self, path: str = "") -> Iterator[Share]:
        """The links at or below a path."""
        raise Unsupported("links cannot be listed here", where=path)

    def remove(self, id: str) -> None:  # noqa: A002 - the stores' own word
        """Take a link back. One that is absent is success."""
        raise Unsupported("links cannot be taken back here", where=id)


@dataclass(frozen=True, slots=True)
class Quota:
    """Bytes. `total` and `free` are None where the store has no limit or does not say."""

    used: int | None = None
    total: int | None = None
    free: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a path since a cursor: its entry now, or None if it is gone."""

    path: str
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes, and the cursor to ask with next. `reset` says: the cursor was too old, list again."""

    items: Sequence[Change]
    cursor: str
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something an interrupted write left behind in the store, invisible as a file."""

    path: str
    id: str
    size: int | None = None
    started_at_ns: int | None = None
