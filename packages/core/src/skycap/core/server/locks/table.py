"""The store over a table of SQL: the same statements for every database.

A key may be longer than a B-tree of PostgreSQL takes (a third of a page). So a row also holds the first 1,024
bytes of its key, whose order follows that of the keys, and a digest, to find one key by.
"""

# ruff: noqa: S608 - only names of ours stand in the statements

from __future__ import annotations

import dataclasses
import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from skycap.core.errors import AccessDenied, Locked, NotFound
from skycap.core.paths import printable
from skycap.core.server.locks.lock import NEVER_NS, Lock, check_token, decode, encode, later
from skycap.core.server.locks.store import CONFLICTS_MAX, LockStore

HEAD = 1024
SCHEMA_VERSION = 1
TABLE = "skycap_locks"

_COLUMNS = "resource, token, door, scope, deep, principal, owner, created_at_ns, expires_at_ns"
_LIVE = "(expires_at_ns IS NULL OR expires_at_ns > ?)"
_BELOW = "head >= ? AND head <= ? AND resource > ? AND resource < ?"
_IN_ORDER = "ORDER BY head, resource, id"
"""That of the keys, as the index has it already but for those with one head."""
_AT_ONCE = 500
"""Digests in one statement: far below what any database takes."""


class Transaction(Protocol):
    """What runs statements with `?` for parameters, all of them or none."""

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a query gives."""

    def change(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """How many rows were changed."""

    def now_ns(self) -> int:
        """The time by the clock of the store."""


class TableLockStore(LockStore):
    """Everything but the database."""

    @abstractmethod
    def _transaction(self, *, writes: bool) -> AbstractContextManager[Transaction]:
        """A transaction; one that writes is alone from its first statement to its end."""

    def now_ns(self) -> int:
        """Nanoseconds since the epoch by the clock of the store."""
        with self._transaction(writes=False) as run:
            return run.now_ns()

    def acquire(self, lock: Lock) -> Lock:
        """Take a lock if nothing is in its way."""
        with self._transaction(writes=True) as run:
            now = run.now_ns()
            _purge(run, now)
            covering = _covering(run, lock.resource, now)
            for number, one in covering:
                if _is_same(one, lock):
                    return _renew(run, number, one, _end(now, lock.timeout_ns))
            in_the_way = [one for _, one in covering if _exclude(one, lock) or _are_twins(one, lock)]
            if lock.deep and len(in_the_way) < CONFLICTS_MAX:
                in_the_way += _below_in_the_way(run, lock, now, CONFLICTS_MAX - len(in_the_way))
            if in_the_way:
                raise _locked(lock.resource, in_the_way)
            return _insert(run, lock, now)

    def refresh(
        self,
        resource: str,
        token: str,
        principal: str | None,
        timeout_s: float | None,
        *,
        door: str | None = None,
    ) -> Lock:
        """Let a lock live for longer."""
        with self._transaction(writes=True) as run:
            now = run.now_ns()
            number, lock = _find(_covering(run, resource, now), resource, token, principal, door)
            return _renew(run, number, lock, later(now, timeout_s))

    def replace(
        self,
        resource: str,
        old_token: str,
        new_token: str,
        *,
        principal: str | None = None,
        timeout_s: float | None,
        door: str | None = None,
    ) -> Lock:
        """Give a lock another token."""
        check_token(new_token)
        with self._transaction(writes=True) as run:
            now = run.now_ns()
            covering = _covering(run, resource, now)
            own = [(number, one) for number, one in covering if one.resource == resource]
            number, lock = _find(own, resource, old_token, principal, door, holders=covering)
            twins = [
                one
                for other, one in own
                if other != number and (one.token, one.door) == (new_token, lock.door)
            ]
            if twins:
                raise _locked(resource, twins)
            run.change(f"UPDATE {TABLE} SET token = ? WHERE id = ?", (encode(new_token), number))
            return _renew(run, number, _with(lock, token=new_token), later(now, timeout_s))

    def release(self, resource: str, token: str, principal: str | None, *, door: str | None = None) -> Lock:
        """Give a lock back."""
        with self._transaction(writes=True) as run:
            number, lock = _find(_covering(run, resource, run.now_ns()), resource, token, principal, door)
            run.change(f"DELETE FROM {TABLE} WHERE id = ?", (number,))
            return lock

    def covering(self, resource: str) -> tuple[Lock, ...]:
        """The locks on a resource."""
        with self._transaction(writes=False) as run:
            return tuple(lock for _, lock in _covering(run, resource, run.now_ns()))

    def at_or_below(self, resource: str) -> tuple[Lock, ...]:
        """The locks on a resource itself and on anything below it."""
        with self._transaction(writes=False) as run:
            now = run.now_ns()
            own = [lock for _, lock in _covering(run, resource, now) if lock.resource == resource]
            below = run.rows(
                f"SELECT {_COLUMNS} FROM {TABLE} WHERE {_BELOW} AND {_LIVE} {_IN_ORDER}",
                (*_range(resource), now),
            )
            return (*own, *map(_lock, below))

    def held(self, token: str) -> tuple[Lock, ...]:
        """The locks of that token."""
        with self._transaction(writes=False) as run:
            found = run.rows(
                f"SELECT {_COLUMNS} FROM {TABLE} WHERE token = ? AND {_LIVE} {_IN_ORDER}",
                (encode(token), run.now_ns()),
            )
            return tuple(map(_lock, found))

    def drop_below(self, resource: str) -> int:
        """Forget the locks on a resource and on anything below it."""
        with self._transaction(writes=True) as run:
            _purge(run, run.now_ns())
            key = encode(resource)
            own = run.change(f"DELETE FROM {TABLE} WHERE digest = ? AND resource = ?", (digest_of(key), key))
            return own + run.change(f"DELETE FROM {TABLE} WHERE {_BELOW}", _range(resource))

    def purge(self) -> int:
        """Remove what is over."""
        with self._transaction(writes=True) as run:
            return _purge(run, run.now_ns())


def digest_of(key: bytes) -> bytes:
    """The 16 bytes that a key is found by."""
    return hashlib.blake2b(key, digest_size=16).digest()


def ancestors(key: bytes) -> Iterator[bytes]:
    """The keys of everything a key lies in, from the root down."""
    at = key.find(b"/")
    while at >= 0:
        yield key[:at]
        at = key.find(b"/", at + 1)


def _range(resource: str) -> tuple[bytes, bytes, bytes, bytes]:
    # All keys that begin with the resource and a slash lie before the resource and a "0", the next byte.
    first, last = encode(resource) + b"/", encode(resource) + b"0"
    return first[:HEAD], last[:HEAD], first, last


def _covering(run: Transaction, resource: str, now: int) -> list[tuple[int, Lock]]:
    key = encode(resource)
    keys = [*ancestors(key), key]
    found: list[tuple[int, int, Lock]] = []
    for begin in range(0, len(keys), _AT_ONCE):
        some = keys[begin : begin + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        rows = run.rows(
            f"SELECT id, {_COLUMNS} FROM {TABLE} WHERE digest IN ({marks}) AND {_LIVE}",
            (*map(digest_of, some), now),
        )
        for number, *columns in rows:
            lock = _lock(columns)
            stored = bytes(columns[0])
            if stored == key or (lock.deep and key.startswith(stored + b"/")):
                found.append((len(stored), number, lock))
    return [(number, lock) for _, number, lock in sorted(found, key=lambda row: row[:2])]


def _below_in_the_way(run: Transaction, lock: Lock, now: int, limit: int) -> list[Lock]:
    only = "" if lock.scope == "exclusive" else " AND scope = 'exclusive'"
    rows = run.rows(
        f"SELECT {_COLUMNS} FROM {TABLE} WHERE {_BELOW} AND {_LIVE}{only} {_IN_ORDER} LIMIT ?",
        (*_range(lock.resource), now, limit),
    )
    return [_lock(row) for row in rows]


def _are_twins(one: Lock, other: Lock) -> bool:
    # Their tokens could not be told apart.
    return (one.resource, one.token, one.door) == (other.resource, other.token, other.door)


def _exclude(one: Lock, other: Lock) -> bool:
    return "exclusive" in {one.scope, other.scope}


def _is_same(one: Lock, other: Lock) -> bool:
    return (one.resource, one.token, one.door, one.principal, one.scope, one.deep) == (
        other.resource,
        other.token,
        other.door,
        other.principal,
        other.scope,
        other.deep,
    )


def _find(
    candidates: list[tuple[int, Lock]],
    resource: str,
    token: str,
    principal: str | None,
    door: str | None,
    *,
    holders: list[tuple[int, Lock]] | None = None,
) -> tuple[int, Lock]:
    denied = False
    # The nearest one first: a deep lock above may have the same token.
    for number, lock in reversed(candidates):
        if lock.token == token and door in {None, lock.door}:
            if lock.principal in {None, principal}:
                return number, lock
            denied = True
    if denied:
        raise AccessDenied("the lock is held by somebody else", where=printable(resource))
    if found := holders if holders is not None else candidates:
        raise _locked(resource, [lock for _, lock in found])
    raise NotFound("nothing is locked here", where=printable(resource))


def _locked(resource: str, locks: list[Lock]) -> Locked:
    error = Locked(
        "somebody holds a lock on it" if len(locks) == 1 else f"{len(locks):,} locks are in the way",
        where=printable(resource),
        hint="Wait until it is given back or its time is over.",
    )
    error.conflicts = tuple(locks[:CONFLICTS_MAX])
    return error


def _insert(run: Transaction, lock: Lock, now: int) -> Lock:
    lock = _with(lock, created_at_ns=now, expires_at_ns=_end(now, lock.timeout_ns))
    key = encode(lock.resource)
    run.change(
        f"INSERT INTO {TABLE} (digest, head, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            digest_of(key),
            key[:HEAD],
            key,
            encode(lock.token),
            encode(lock.door),
            lock.scope,
            int(lock.deep),
            None if lock.principal is None else encode(lock.principal),
            encode(lock.owner),
            lock.created_at_ns,
            lock.expires_at_ns,
        ),
    )
    return lock


def _renew(run: Transaction, number: int, lock: Lock, expires_at_ns: int | None) -> Lock:
    run.change(f"UPDATE {TABLE} SET expires_at_ns = ? WHERE id = ?", (expires_at_ns, number))
    return _with(lock, expires_at_ns=expires_at_ns)


def _end(now: int, timeout_ns: int | None) -> int | None:
    return None if timeout_ns is None else min(now + timeout_ns, NEVER_NS)


def _purge(run: Transaction, now: int) -> int:
    return run.change(f"DELETE FROM {TABLE} WHERE expires_at_ns <= ?", (now,))


def _with(lock: Lock, **changes: Any) -> Lock:
    return dataclasses.replace(lock, **changes)


def _lock(row: Sequence[Any]) -> Lock:
    resource, token, door, scope, deep, principal, owner, created, expires = row
    return Lock(
        decode(bytes(resource)),
        decode(bytes(token)),
        decode(bytes(door)),
        scope,
        bool(deep),
        None if principal is None else decode(bytes(principal)),
        decode(bytes(owner)),
        created,
        expires,
    )
