"""Puts a server together: what is served, what is kept beside it, who may come in, what is logged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Literal

from skycap.core.errors import DependencyMissing
from skycap.core.state import state_folder

if TYPE_CHECKING:
    from skycap.core.crypto.secret import Secret
    from skycap.core.server.access_log import AccessLog
    from skycap.core.server.digest import DigestAdmission
    from skycap.core.server.logins import Logins
    from skycap.core.webdav.serving import ServerName
    from skycap.core.webdav.shares import Share
    from skycap.core.webdav.signing_in import SigningIn
    from skycap.core.webdav.signing_in_digest import DigestSigningIn

JunkChoice = Literal["auto", "store", "side", "refuse"]
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
_EXTRA = ("wsgidav", "defusedxml")


def require_extra(server: ServerName) -> None:
    """`DependencyMissing` if what the extra `webdav` brings is not installed."""
    from importlib.util import find_spec

    missing = [name for name in (server, *_EXTRA) if find_spec(name) is None]
    if missing:
        raise DependencyMissing(
            f"a WebDAV server needs {' and '.join(missing)}", hint="pip install 'skycap-core[webdav]'"
        )


def books_path() -> str:
    """Where properties, times and empty folders that clients made are kept."""
    return os.path.join(state_folder(), "webdav.db")


@contextmanager
def assembled(
    shares: Sequence[Share],
    *,
    logins: Logins | DigestAdmission | None = None,
    junk: JunkChoice = "auto",
    locks: str | Secret[str] | None = None,
    log: AccessLog | None = None,
    local_only: bool = False,
) -> Iterator[Application]:
    """The application over these shares, whose storages stay their owner's. What it opens itself is closed.

    `logins` None lets everybody in, with `local_only` those who ask for this machine by a name that is its
    own; `locks` is the URL of a store of locks. Raises what opening raises: `StateReadFailed`, `UsageError`,
    and the errors of a database.
    """
    from skycap.core.server.locks import open_lock_store
    from skycap.core.webdav.app import DavApp
    from skycap.core.webdav.books import Books
    from skycap.core.webdav.junk import Junk
    from skycap.core.webdav.request_log import RequestLog
    from skycap.core.webdav.shares import Shares
    from skycap.core.webdav.trees.swaps import mend

    with ExitStack() as stack:
        if log is not None:
            stack.callback(log.close)
        served = Shares(shares)
        books = Books(books_path())
        stack.callback(books.close)
        mend(served, books)
        store = stack.enter_context(open_lock_store(locks))
        app = DavApp(
            served,
            books,
            store,
            junk=Junk(junk),
            signing_in=_signing_in(logins),
            local_only=local_only,
        )
        yield app if log is None else RequestLog(app, log)


def _signing_in(logins: Logins | DigestAdmission | None) -> SigningIn | DigestSigningIn | None:
    from skycap.core.server.admission import Admission
    from skycap.core.server.digest import DigestAdmission
    from skycap.core.webdav.signing_in import SigningIn
    from skycap.core.webdav.signing_in_digest import DigestSigningIn

    if logins is None:
        return None
    return DigestSigningIn(logins) if isinstance(logins, DigestAdmission) else SigningIn(Admission(logins))
