"""What writes left behind that were cut off by a crash, removed while a server starts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from skycap.core.errors import Error
from skycap.core.storage.capability import Capability
from skycap.core.webdav.shares import Share

OLD_S = 7 * 86_400.0
"""Parts of uploads that somebody may still go on with are kept for so long."""
_log = logging.getLogger("skycap.webdav")


def sweep(shares: Iterable[Share], tell: Callable[[str], None]) -> threading.Thread:
    """Begin to look through the shares that can be written; `tell` what was found. Nobody needs to wait.

    Temporary files whose writer is gone are removed at once. Those of a writer that lives are never touched,
    whichever process it is in.
    """
    shares = [one for one in shares if not one.read_only and one.location.storage.can(Capability.CLEANUP)]
    thread = threading.Thread(target=_sweep, args=(shares, tell), name="skycap-sweep", daemon=True)
    thread.start()
    return thread


def _sweep(shares: Iterable[Share], tell: Callable[[str], None]) -> None:
    for share in shares:
        location = share.location
        try:
            count = sum(1 for _ in location.storage.cleanup(location.path, older_than_s=OLD_S))
        except Error as error:  # a store that is out of reach now may be well when it is asked for
            _log.info("%s: was not looked through for leftovers: %s", location.shown(), error)
            continue
        if count:
            tell(f"Removed {count} that interrupted writes left in {location.shown()}.")
