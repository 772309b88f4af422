"""The lock manager that WsgiDAV asks, over the lock store that every door shares."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from wsgidav.lock_man.lock_manager import LockManager

from skycap.core.errors import AccessDenied, Conflict, Error, Locked, NotFound
from skycap.core.server.locks import Lock
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import IF_ABSENT
from skycap.core.webdav.answers import XML_TYPE, Answer, Refusal, refusal
from skycap.core.webdav.dav.work import CURRENT, Work, opaque
from skycap.core.webdav.listing.locks import DOOR
from skycap.core.webdav.locking import wished_seconds
from skycap.core.webdav.shares import Place


class OurLockManager(LockManager):
    """Every public method is ours: nothing is stored by WsgiDAV."""

    def __init__(self) -> None:
        """Without a store of WsgiDAV's."""

    def __del__(self) -> None:
        """There is nothing to close."""

    def __repr__(self) -> str:
        return type(self).__name__

    def acquire(
        self, *, lock_type: str, lock_scope: str, lock_depth: str, timeout: Any, **_told: Any
    ) -> dict[str, Any]:
        """Lock what the request is about. If nothing is there, an empty file is made under the lock."""
        work = CURRENT.get()
        place, is_new = work.place, work.entry is None
        if is_new and (parent := _parent(work)) is not None:
            work.locking.check(parent, work.tokens, work.request.user)
        wanted = Lock.wanted(
            place.key,
            f"opaquelocktoken:{uuid.uuid4()}",
            door=DOOR,
            scope="shared" if lock_scope == "shared" else "exclusive",
            deep=lock_depth == "infinity",
            principal=work.request.user,
            owner=work.owner,
            timeout_s=wished_seconds(work.request.header("TIMEOUT")),
        )
        try:
            lock = work.locking.store.acquire(wanted)
        except Locked as error:
            raise _in_the_way(work, error) from None
        if is_new:
            _make_empty(work, lock)
        work.lock = lock
        return self._told(lock)

    def refresh(self, token: str, *, timeout: Any = None) -> dict[str, Any]:
        """Let a lock live on from now."""
        work = CURRENT.get()
        seconds = wished_seconds(work.request.header("TIMEOUT"))
        try:
            lock = work.locking.store.refresh(work.place.key, token, work.request.user, seconds, door=DOOR)
        except AccessDenied:
            raise Refusal(403, "somebody else holds that lock") from None
        except (NotFound, Locked):
            raise Refusal(412, "it is not locked by that token") from None
        return self._told(lock)

    def release(self, token: str) -> None:
        """Give a lock back."""
        work = CURRENT.get()
        with contextlib.suppress(NotFound, Locked):  # its time was over meanwhile
            work.locking.store.release(work.place.key, token, work.request.user, door=DOOR)

    def check_write_permission(
        self, *, url: str, depth: str, token_list: Sequence[str], principal: str
    ) -> None:
        """`Refusal` 423 unless the locks on it, with depth infinity also those below, are the user's own."""
        work = CURRENT.get()
        if (place := work.place_at(url)) is not None:
            work.locking.check(place, work.tokens, principal, deep=depth == "infinity")

    @contextlib.contextmanager
    def write_transaction(self, **_told: Any) -> Iterator[None]:
        """The body of the request is here already, so there is no long while to guard."""
        yield

    def get_lock(self, token: str, *, key: str | None = None) -> Any:
        """A lock on what the request is about, by its token."""
        work = CURRENT.get()
        found = next((lock for lock in work.locking.covering(work.place) if lock.token == token), None)
        if found is None:
            return None
        told = self._told(found)
        return told if key is None else told[key]

    def is_url_locked_by_token(self, url: str, lock_token: str) -> bool:
        """Whether a lock of that token holds it."""
        place = CURRENT.get().place_at(url)
        return place is not None and any(lock.token == lock_token for lock in self._covering(place))

    def is_token_locked_by_user(self, token: str, principal: str) -> bool:
        """Whether the lock is the user's."""
        return bool(self.get_lock(token, key="principal") == principal)

    def is_url_locked(self, url: str) -> bool:
        """Whether it is locked itself."""
        return bool(self.get_url_lock_list(url))

    def get_url_lock_list(self, url: str, *, recursive: bool = False) -> list[dict[str, Any]]:
        """The locks on it, and below it if so asked."""
        work = CURRENT.get()
        if (place := work.place_at(url)) is None:
            return []
        found = work.locking.store.at_or_below(place.key)
        return [self._told(lock) for lock in found if recursive or lock.resource == place.key]

    def get_indirect_url_lock_list(self, url: str, *, principal: str | None = None) -> list[dict[str, Any]]:
        """The locks that hold it, those above it too."""
        place = CURRENT.get().place_at(url)
        found = [] if place is None else self._covering(place)
        return [self._told(lock) for lock in found if principal in {None, lock.principal}]

    def remove_all_locks_from_url(self, url: str, *, recursive: bool = False) -> None:
        """Nobody asks for it: what changes trees takes care of locks."""
        raise NotImplementedError

    @staticmethod
    def _covering(place: Place) -> list[Lock]:
        return CURRENT.get().locking.covering(place)

    @staticmethod
    def _told(lock: Lock) -> dict[str, Any]:
        return {
            "token": lock.token,
            "root": opaque(CURRENT.get().place.url),
            "type": "write",
            "scope": lock.scope,
            "depth": "infinity" if lock.deep else "0",
            "owner": lock.owner.encode("utf-8", "replace"),
            "principal": lock.principal,
        }


class _TreeLocked(Refusal):
    """207: what is below is locked, so the whole cannot be."""

    def __init__(self, href: str, hrefs: Sequence[str]) -> None:
        super().__init__(207)
        self.href, self.hrefs = href, hrefs

    def answer(self) -> Answer:
        """Each member that is in the way, and the collection, which failed for it."""
        each = [(href, "423 Locked") for href in self.hrefs] + [(self.href, "424 Failed Dependency")]
        text = "".join(
            f"<D:response><D:href>{escape(href)}</D:href><D:status>HTTP/1.1 {status}</D:status></D:response>"
            for href, status in each
        )
        body = f'<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:">{text}</D:multistatus>'
        return Answer(207, [("Content-Type", XML_TYPE)], body.encode("utf-8"))


def _in_the_way(work: Work, error: Locked) -> Refusal:
    place = work.place
    keys = [lock.resource for lock in error.conflicts]
    hrefs = sorted({work.locking.href(place, key) for key in keys})
    if keys and all(key.startswith(f"{place.key}/") for key in keys):
        return _TreeLocked(work.href(place), hrefs)
    told = "".join(f"<D:href>{escape(href)}</D:href>" for href in hrefs)
    return Refusal(423, "it is locked", precondition=f"<D:no-conflicting-lock>{told}</D:no-conflicting-lock>")


def _make_empty(work: Work, lock: Lock) -> None:
    place = work.place
    condition = IF_ABSENT if place.storage.can(Capability.WRITE_IF_ABSENT) else None
    try:
        place.storage.write(place.path, b"", size=0, condition=condition)
    except Conflict:  # somebody else made it, and it is ours to lock all the same
        pass
    except Error as error:
        with contextlib.suppress(Error):
            work.locking.store.release(place.key, lock.token, lock.principal, door=DOOR)
        raise refusal(error) from None
    work.lookup.forget(work.request)


def _parent(work: Work) -> Place | None:
    if work.place.is_top:
        return None
    return work.lookup.shares.place(work.place.url.rpartition("/")[0])
