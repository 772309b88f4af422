"""The WSGI application: every request passes here, and every answer leaves here.

GET, HEAD, PROPFIND, PUT and OPTIONS are answered by layers of ours, which are short and fast; what
changes more than one thing, and locks, is WsgiDAV's, over a provider of ours. All share one way to find
what stands at a URL, one set of conditions and one of locks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from skycap.core.errors import Error
from skycap.core.paths import printable
from skycap.core.server.hosts import names_this_machine
from skycap.core.server.locks import LockStore
from skycap.core.webdav import methods
from skycap.core.webdav.answers import Answer, Refusal, StartResponse, refusal
from skycap.core.webdav.books import Books
from skycap.core.webdav.changing import Changing
from skycap.core.webdav.conditions import Conditions
from skycap.core.webdav.junk import Junk
from skycap.core.webdav.listing import Listing
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.lookup import Lookup
from skycap.core.webdav.methods import CHANGING, COPY, HEAD, OPTIONS
from skycap.core.webdav.options import allowed, options
from skycap.core.webdav.putting import Putting
from skycap.core.webdav.reading import Reading
from skycap.core.webdav.request import USER, Environ, Request, raw_path
from skycap.core.webdav.shares import Place, Shares
from skycap.core.webdav.signing_in import SigningIn
from skycap.core.webdav.signing_in_digest import DigestSigningIn
from skycap.core.webdav.turns import Turns

_log = logging.getLogger("skycap.webdav")
_CHANGING = frozenset(CHANGING)
_SHOWN_MAX = 200
"""Characters of a path in the log."""


class DavApp:
    """WebDAV over shares. `signing_in` finds the user of a request; without it everybody is welcome.

    `local_only`: who asks for another machine than this one is refused, whoever they are.
    """

    def __init__(
        self,
        shares: Shares,
        books: Books,
        locks: LockStore,
        *,
        junk: Junk | None = None,
        signing_in: SigningIn | DigestSigningIn | None = None,
        local_only: bool = False,
    ) -> None:
        self._junk = junk or Junk("store")
        self.shares = shares = self._junk.over(shares)
        self._signing_in = signing_in
        self._local_only = local_only
        self._lookup = Lookup(shares, books)
        locking = Locking(locks, shares)
        conditions = Conditions(self._lookup, locking)
        self._conditions = conditions
        self._listing = Listing(self._lookup, conditions, locking, books)
        self._reading = Reading(self._lookup, conditions)
        turns = Turns()
        self._putting = Putting(self._lookup, conditions, locking, books, turns)
        self._changing = Changing(self._lookup, conditions, locking, books, turns)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        return self.answer(environ).send(start_response)

    def answer(self, environ: Environ) -> Answer:
        """The answer to a request; whatever goes wrong is one too."""
        try:
            answer = self._answered(environ)
        except Refusal as said:
            answer = said.answer()
        except Error as error:
            answer = refusal(error).answer()
            level = logging.WARNING if answer.status >= 500 else logging.INFO
            path = printable(str(environ.get("PATH_INFO", "")))[:_SHOWN_MAX]
            _log.log(level, "%s %s: %s", environ["REQUEST_METHOD"], path, error)
        return answer.without_body() if environ["REQUEST_METHOD"] == HEAD else answer

    def _answered(self, environ: Environ) -> Answer:
        if raw_path(environ) == "*":
            environ = {**environ, "REQUEST_URI": "/"}
            if environ["REQUEST_METHOD"] != OPTIONS:
                raise Refusal(400, "only OPTIONS is about the server as a whole")
            return options()
        request = Request.of(environ)
        if self._local_only and not names_this_machine(request.host):
            raise Refusal(421, "this server answers to localhost and addresses alone")
        if self._signing_in is not None:
            request.user = environ[USER] = self._signing_in.user(request)
        place = self._junk.place(request, self.shares)
        if place is None and request.path:
            raise Refusal(404)
        if request.method in _CHANGING and not self._may_begin(request, place):
            raise Refusal(403, "this is read-only")
        return self._dispatch(request, place)

    @staticmethod
    def _may_begin(request: Request, place: Place | None) -> bool:
        # What can only be read can be copied to where more is allowed.
        return place is not None and (not place.share.read_only or request.method == COPY)

    def _dispatch(self, request: Request, place: Place | None) -> Answer:
        match request.method:
            case methods.GET | methods.HEAD:
                return self._reading.get(request, place)
            case methods.PROPFIND:
                return self._listing.propfind(request, place)
            case methods.OPTIONS:
                return options(self._allowed(request, place), writable=self._is_writable(place))
            case methods.PUT if place is not None:
                return self._putting.put(request, place)
            case method if method in _CHANGING and place is not None:
                return self._changing.change(request, place)
        raise Refusal(405, headers=[("Allow", ", ".join(self._allowed(request, place)))])

    def _allowed(self, request: Request, place: Place | None) -> tuple[str, ...]:
        entry = None if place is None else self._lookup.entry(request, place)
        return allowed(place, entry, elsewhere=any(not share.read_only for share in self.shares))

    def _is_writable(self, place: Place | None) -> bool:
        shares = self.shares if place is None else (place.share,)
        return any(not share.read_only for share in shares)
