"""The property `lockdiscovery` of one resource."""

from __future__ import annotations

from xml.sax.saxutils import escape

from skycap.core.server.locks import Lock
from skycap.core.webdav.dates import NS
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.shares import Place


def discovery(place: Place, locking: Locking) -> str:
    """Its XML, with the locks that hold the resource now."""
    now_ns = locking.store.now_ns()
    locks = "".join(
        _active(lock, locking.href(place, lock.resource), now_ns) for lock in locking.covering(place)
    )
    return f'<D:lockdiscovery xmlns:D="DAV:">{locks}</D:lockdiscovery>'


def _active(lock: Lock, root: str, now_ns: int) -> str:
    left = "Infinite"
    if lock.expires_at_ns is not None:
        left = f"Second-{max(1, -(-(lock.expires_at_ns - now_ns) // NS))}"
    return (
        "<D:activelock><D:locktype><D:write/></D:locktype>"
        f"<D:lockscope><D:{lock.scope}/></D:lockscope>"
        f"<D:depth>{'infinity' if lock.deep else '0'}</D:depth>{lock.owner}<D:timeout>{left}</D:timeout>"
        f"<D:locktoken><D:href>{escape(lock.token)}</D:href></D:locktoken>"
        f"<D:lockroot><D:href>{escape(root)}</D:href></D:lockroot></D:activelock>"
    )
