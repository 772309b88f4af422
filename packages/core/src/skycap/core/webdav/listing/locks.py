"""Locks as XML: the properties `lockdiscovery` and `supportedlock` (RFC 4918, sections 15.8 and 15.10)."""

from __future__ import annotations

from collections.abc import Iterable

from skycap.core.server.locks import Lock
from skycap.core.webdav import xml
from skycap.core.webdav.dates import NS
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.shares import Place

DOOR = "webdav"
_ENTRY = "<D:lockentry><D:lockscope><D:{}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"
SUPPORTED_LOCK = f"<D:supportedlock>{_ENTRY.format('exclusive')}{_ENTRY.format('shared')}</D:supportedlock>"
NO_LOCK = "<D:supportedlock/>"


def active_locks(
    locking: Locking, place: Place, locks: Iterable[Lock], *, key: str | None = None, is_dir: bool = False
) -> str:
    """The element `lockdiscovery` of a resource with these locks, in the prefix D.

    It is at `place`, or in the same share and has that `key`; `is_dir` says whether it is a collection.
    """
    locks = tuple(locks)
    if not locks:
        return "<D:lockdiscovery/>"
    now_ns = locking.store.now_ns()
    own = place.key if key is None else key
    active = "".join(
        # What holds from above can only be on a collection.
        _active(lock, _root(locking.href(place, lock.resource), is_dir or lock.resource != own), now_ns)
        for lock in locks
    )
    return f"<D:lockdiscovery>{active}</D:lockdiscovery>"


def _root(href: str, is_dir: bool) -> str:
    return f"{href}/" if is_dir and not href.endswith("/") else href


def _active(lock: Lock, root: str, now_ns: int) -> str:
    left = "Infinite"
    if lock.expires_at_ns is not None:
        left = f"Second-{max(1, -(-(lock.expires_at_ns - now_ns) // NS))}"
    # What another door gives out is no URI and no XML, and its clients do not come by here.
    ours = lock.door == DOOR
    owner = lock.owner if ours else f"<D:owner>{xml.text(lock.owner)}</D:owner>" if lock.owner else ""
    token = f"<D:locktoken><D:href>{xml.text(lock.token)}</D:href></D:locktoken>" if ours else ""
    return (
        f"<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:{lock.scope}/></D:lockscope>"
        f"<D:depth>{'infinity' if lock.deep else '0'}</D:depth>{owner}<D:timeout>{left}</D:timeout>"
        f"{token}<D:lockroot><D:href>{xml.text(root)}</D:href></D:lockroot></D:activelock>"
    )
