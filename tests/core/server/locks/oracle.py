"""The rules of locks once more, in plain Python over a list."""

from __future__ import annotations

from dataclasses import replace

from skycap.core.errors import AccessDenied, Locked, NotFound
from skycap.core.server.locks import Lock


def _parts(resource: str) -> list[str]:
    return resource.split("/")


def _is_in(resource: str, folder: str) -> bool:
    return _parts(resource)[: len(_parts(folder))] == _parts(folder)


class Oracle:
    """Every method gives what a store should; `now` is moved by the test."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.locks: list[Lock] = []

    def _live(self) -> list[Lock]:
        return [one for one in self.locks if one.expires_at_ns is None or one.expires_at_ns > self.now]

    def _end(self, timeout_s: int | None) -> int | None:
        return None if timeout_s is None else self.now + timeout_s * 10**9

    def covering(self, resource: str) -> tuple[Lock, ...]:
        on = [
            one
            for one in self._live()
            if one.resource == resource or (one.deep and _is_in(resource, one.resource))
        ]
        return tuple(sorted(on, key=lambda one: len(_parts(one.resource))))

    def at_or_below(self, resource: str) -> tuple[Lock, ...]:
        found = [one for one in self._live() if _is_in(one.resource, resource)]
        return tuple(sorted(found, key=lambda one: one.resource.encode("utf-8", "surrogateescape")))

    def held(self, token: str) -> tuple[Lock, ...]:
        return tuple(one for one in self.at_or_below("local:") if one.token == token)

    def acquire(self, lock: Lock, timeout_s: int | None) -> Lock:
        twins = [
            one
            for one in self._live()
            if (one.resource, one.token, one.door) == (lock.resource, lock.token, lock.door)
        ]
        for one in twins:
            if (one.scope, one.deep, one.principal) == (lock.scope, lock.deep, lock.principal):
                return self._change(one, replace(one, expires_at_ns=self._end(timeout_s)))
        near = [*self.covering(lock.resource)]
        if lock.deep:
            near += [one for one in self.at_or_below(lock.resource) if one not in near]
        hit = [one for one in near if "exclusive" in (one.scope, lock.scope) or one in twins]
        if hit:
            raise self._refusal(hit)
        given = replace(lock, created_at_ns=self.now, expires_at_ns=self._end(timeout_s))
        self.locks.append(given)
        return given

    def refresh(self, resource: str, token: str, principal: str | None, timeout_s: int | None) -> Lock:
        lock = self._find(list(self.covering(resource)), token, principal)
        return self._change(lock, replace(lock, expires_at_ns=self._end(timeout_s)))

    def replace(
        self, resource: str, old: str, new: str, *, principal: str | None, timeout_s: int | None
    ) -> Lock:
        lock = self._find(list(self.covering(resource)), old, principal, own=resource)
        twins = [
            one
            for one in self.covering(resource)
            if (one.resource, one.token, one.door) == (resource, new, lock.door) and one is not lock
        ]
        if twins:
            raise self._refusal(twins)
        return self._change(lock, replace(lock, token=new, expires_at_ns=self._end(timeout_s)))

    def release(self, resource: str, token: str, principal: str | None) -> Lock:
        lock = self._find(list(self.covering(resource)), token, principal)
        self.locks.remove(lock)
        return lock

    def drop_below(self, resource: str) -> int:
        gone = self.at_or_below(resource)
        self.locks = [one for one in self._live() if one not in gone]
        return len(gone)

    def purge(self) -> None:
        self.locks = self._live()

    def _find(self, covering: list[Lock], token: str, principal: str | None, own: str | None = None) -> Lock:
        fitting = [one for one in covering if one.token == token and own in {None, one.resource}]
        usable = [one for one in fitting if one.principal is None or one.principal == principal]
        if usable:
            return usable[-1]
        if fitting:
            raise AccessDenied
        raise self._refusal(covering) if covering else NotFound()

    def _change(self, old: Lock, new: Lock) -> Lock:
        self.locks[self.locks.index(old)] = new
        return new

    @staticmethod
    def _refusal(locks: list[Lock]) -> Locked:
        error = Locked()
        error.conflicts = tuple(locks)
        return error
