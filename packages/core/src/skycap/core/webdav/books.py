"""What a client was told is kept, and the storage cannot keep: properties, times, empty folders.

SQLite in the state folder, keyed by resource. Losing it loses no file.
"""

from __future__ import annotations

from collections.abc import Mapping


class Books:
    """The books of all that is served. Threads share it; several servers may use one file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def has_folder(self, key: str) -> bool:
        """Whether a folder was made here that the store itself does not show."""
        raise NotImplementedError

    def add_folder(self, key: str) -> None:
        """Remember a folder; one that is known is success."""
        raise NotImplementedError

    def folders_in(self, key: str) -> list[str]:
        """The names of such folders directly in another."""
        raise NotImplementedError

    def time(self, key: str, version: str | None) -> int | None:
        """The time a client gave this version of a file, in nanoseconds since the epoch."""
        raise NotImplementedError

    def times_in(self, key: str) -> Mapping[str, tuple[str | None, int]]:
        """The times in a folder: version and nanoseconds by name, in one query."""
        raise NotImplementedError

    def set_time(self, key: str, version: str | None, mtime_ns: int) -> None:
        """Remember the time a client gave."""
        raise NotImplementedError

    def properties(self, key: str) -> Mapping[str, str]:
        """The dead properties of a resource: XML of the whole element by name in Clark notation."""
        raise NotImplementedError

    def properties_in(self, key: str) -> Mapping[str, Mapping[str, str]]:
        """Those of all that is directly in a folder, by name, in one query."""
        raise NotImplementedError

    def set_properties(self, key: str, changes: Mapping[str, str | None]) -> None:
        """Set or (None) remove properties, all or none."""
        raise NotImplementedError

    def copied(self, source: str, target: str, *, deep: bool) -> None:
        """A resource was copied, with `deep` all below it; what was known of the target is forgotten."""
        raise NotImplementedError

    def moved(self, source: str, target: str) -> None:
        """A resource and all below it was moved, over the target."""
        raise NotImplementedError

    def removed(self, key: str) -> None:
        """A resource and all below it is gone."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the file. Twice is fine."""
