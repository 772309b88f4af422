"""Versions, trash and links of the storage in memory."""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence
from dataclasses import replace
from typing import TYPE_CHECKING

from skycap.core.errors import AccessDenied, Conflict, NotFound
from skycap.core.paths import join, printable, validate
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry
from skycap.core.storage.extras import Share, Shares, Trash, Trashed, Version, Versions
from skycap.core.storage.memory.space import Discarded, Space, State

if TYPE_CHECKING:
    from skycap.core.storage.memory.storage import Memory


class MemoryVersions(Versions):
    """Every state of every file, until it is removed."""

    def __init__(self, storage: Memory, space: Space) -> None:
        self._storage = storage
        self._space = space

    def list(self, path: str) -> Iterator[Version]:
        """Newest first."""
        validate(path)
        with self._space.lock:
            states = [*self._states(path)]
            found = self._space.find(path)
            current = None if found is None else found.version
        for state in reversed(states):
            latest = state is states[-1] and state.version == (current or state.version)
            if state.node is None:
                gone = Entry(path, stored_at_ns=state.at_ns, version=state.version)
                yield Version(gone, latest=latest, deleted=True)
            else:
                yield Version(state.node.entry(path), latest=latest)

    def restore(self, path: str, version: str) -> Entry:
        """Store the old content anew."""
        self._storage.need(Capability.VERSIONS_RESTORE, path=path)
        with self._space.lock:
            node = self._state(path, version).node
            if node is None:
                raise Conflict("a removal cannot be restored", where=printable(path))
            return self._storage.store(path, node.content, node.metadata, None)

    def remove(self, path: str, version: str) -> None:
        """Forget one; the one before takes the place of the latest."""
        self._storage.need(Capability.VERSIONS_REMOVE, path=path)
        with self._space.lock:
            states = self._space.history.get(validate(path), [])
            state = self._state(path, version)
            if state.node is not None and state.node.locked_until_ns > self._space.clock():
                raise AccessDenied("it is under retention", where=printable(path))
            latest = state is states[-1]
            states.remove(state)
            if latest:
                self._fall_back(path, states)

    def _fall_back(self, path: str, states: MutableSequence[State]) -> None:
        before = [*states]
        node = states[-1].node if states else None
        if self._space.find(path) is not None:
            self._space.take(path)
        if node is not None:
            self._space.put(path, node)
        self._space.history[path] = before

    def _states(self, path: str) -> MutableSequence[State]:
        states = self._space.history.get(path)
        if not states:
            raise NotFound("no such file, and there was none", where=printable(path))
        return states

    def _state(self, path: str, version: str) -> State:
        for state in self._states(validate(path)):
            if state.version == version:
                return state
        raise NotFound(
            f"no version {version}", where=printable(path), hint='"skycap versions" lists those there are.'
        )


class MemoryTrash(Trash):
    """Removed things by number."""

    def __init__(self, storage: Memory, space: Space) -> None:
        self._storage = storage
        self._space = space

    def list(self) -> Iterator[Trashed]:
        """Oldest first."""
        with self._space.lock:
            found = [_trashed(*item) for item in self._space.trash.items()]
        yield from found

    def put(self, path: str) -> Trashed:
        """Take it out of the tree."""
        self._storage.checked(path)
        with self._space.lock:
            discarded = Discarded(path, self._space.take(path), self._space.clock())
            id = self._space.new_id()  # noqa: A001 - the stores' own word
            self._space.trash[id] = discarded
            return _trashed(id, discarded)

    def restore(self, id: str, to: str | None = None) -> Entry:  # noqa: A002
        """Put it back; `Conflict` if something else is there by now."""
        with self._space.lock:
            discarded = self._space.trash.get(id)
            if discarded is None:
                raise NotFound("not in the trash", where=id)
            path = self._storage.checked(discarded.path if to is None else to)
            if self._space.find(path) is not None:
                raise Conflict("it exists already", where=printable(path))
            node = discarded.node if discarded.node.is_dir else self._storage.renewed(discarded.node)
            self._space.put(path, node)
            del self._space.trash[id]
            return node.entry(path)

    def clear(self) -> int:
        """Forget all of it."""
        with self._space.lock:
            count = len(self._space.trash)
            self._space.trash.clear()
            return count


def _trashed(id: str, discarded: Discarded) -> Trashed:  # noqa: A002
    return Trashed(id, discarded.node.entry(discarded.path), discarded.at_ns)


class MemoryShares(Shares):
    """Links that lead nowhere."""

    def __init__(self, storage: Memory, space: Space) -> None:
        self._storage = storage
        self._space = space

    def create(self, path: str, *, expires_s: float | None = None, password: str | None = None) -> Share:
        """A new one, or the one there is."""
        validate(path)
        with self._space.lock:
            self._space.get(path)
            expires = None if expires_s is None else self._space.clock() + int(expires_s * 1e9)
            made = Share("", path, None, expires, password is not None)
            for share in self._space.shares.values():
                if replace(share, url="", id=None) == made:
                    return share
            id = self._space.new_id()  # noqa: A001 - the stores' own word
            share = replace(made, id=id, url=f"memory://{join(self._space.name, 'shares', id)}")
            self._space.shares[id] = share
            return share

    def list(self, path: str = "") -> Iterator[Share]:
        """In the order they were made."""
        self._storage.need(Capability.SHARE_LIST, path=path)
        with self._space.lock:
            shares = [*self._space.shares.values()]
        yield from (share for share in shares if not path or f"{share.path}/".startswith(f"{path}/"))

    def remove(self, id: str) -> None:  # noqa: A002
        """Take it back."""
        self._storage.need(Capability.SHARE_REMOVE)
        with self._space.lock:
            self._space.shares.pop(id, None)
