"""Versions and trash of the inner storage, under plain names and sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol, TypeVar

from skycap.core.errors import IntegrityError
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry
from skycap.core.storage.extras import Trash, Trashed, Version, Versions

T = TypeVar("T")


class Below(Protocol):
    """What a vault gives to these: its inner storage's errors and entries under plain names."""

    def plain(self, entry: Entry, path: str) -> Entry:
        """An inner entry as ours, at a path that is known."""
        ...

    def opened(self, entry: Entry) -> Entry | None:
        """The same at its own path; None, and a word in the log, if it is not ours."""
        ...

    def sealed(self, path: str, *, root: bool = False) -> str:
        """The path in the inner storage."""
        ...

    def call(self, path: str, call: Callable[[], T]) -> T:
        """Its answer; what it raises names the plain path."""
        ...

    def allow(self, capability: Capability, path: str) -> None:
        """`Unsupported` for what is not declared."""
        ...

    def forget(self, path: str) -> None:
        """What is remembered of the content is old."""
        ...


class CryptVersions(Versions):
    """The history of sealed files."""

    def __init__(self, inner: Versions, below: Below) -> None:
        self._inner = inner
        self._below = below

    def list(self, path: str) -> Iterator[Version]:
        """Every state, newest first; those that were not sealed here are left out."""
        sealed = self._below.sealed(path)
        found = self._below.call(path, lambda: self._inner.list(sealed))
        while (version := self._below.call(path, lambda: next(found, None))) is not None:
            try:
                yield replace(version, entry=self._below.plain(version.entry, path))
            except IntegrityError:
                self._below.opened(version.entry)  # says so in the log

    def restore(self, path: str, version: str) -> Entry:
        """Make an old state the newest one."""
        self._below.allow(Capability.VERSIONS_RESTORE, path)
        sealed = self._below.sealed(path)
        entry = self._below.call(path, lambda: self._inner.restore(sealed, version))
        self._below.forget(path)
        return self._below.plain(entry, path)

    def remove(self, path: str, version: str) -> None:
        """Forget one state for good."""
        self._below.allow(Capability.VERSIONS_REMOVE, path)
        sealed = self._below.sealed(path)
        self._below.call(path, lambda: self._inner.remove(sealed, version))
        self._below.forget(path)  # the one before may be the newest now


class CryptTrash(Trash):
    """The trash of a storage that is a vault as a whole."""

    def __init__(self, inner: Trash, below: Below) -> None:
        self._inner = inner
        self._below = below

    def list(self) -> Iterator[Trashed]:
        """What was sealed here."""
        for found in self._inner.list():
            entry = self._below.opened(found.entry)
            if entry is not None:
                yield replace(found, entry=entry)

    def put(self, path: str) -> Trashed:
        """Move a file or a directory into the trash."""
        sealed = self._below.sealed(path)
        found = self._below.call(path, lambda: self._inner.put(sealed))
        return replace(found, entry=self._below.plain(found.entry, path))

    def restore(self, id: str, to: str | None = None) -> Entry:  # noqa: A002 - the interface's word
        """Bring it back to where it was, or to another path."""
        sealed = None if to is None else self._below.sealed(to)
        entry = self._below.call(to or id, lambda: self._inner.restore(id, sealed))
        found = self._below.plain(entry, to) if to is not None else self._below.opened(entry)
        if found is None:
            raise IntegrityError("what came back was not sealed here", where=id)
        self._below.forget(found.path)
        return found

    def clear(self) -> int:
        """Remove all of it for good."""
        return self._inner.clear()
