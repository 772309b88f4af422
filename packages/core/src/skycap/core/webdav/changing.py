"""DELETE, MKCOL, COPY, MOVE, PROPPATCH, LOCK and UNLOCK, by WsgiDAV over a provider of ours."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from skycap.core.webdav.answers import Answer, Refusal
from skycap.core.webdav.bodies import as_text, parse_xml, read_body
from skycap.core.webdav.books import Books
from skycap.core.webdav.conditions import Conditions
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.lookup import Lookup
from skycap.core.webdav.properties import patching
from skycap.core.webdav.putting import mtime_header
from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place
from skycap.core.webdav.trees.files import is_same_file
from skycap.core.webdav.turns import Turns

if TYPE_CHECKING:
    from skycap.core.webdav.dav.running import Runner
    from skycap.core.webdav.dav.work import Work

_WITH_TIME = frozenset({"MKCOL", "COPY", "MOVE"})
_LOCK_PARTS = frozenset({"{DAV:}lockscope", "{DAV:}locktype"})


class Changing:
    """Changes trees, properties and locks."""

    def __init__(
        self, lookup: Lookup, conditions: Conditions, locking: Locking, books: Books, turns: Turns
    ) -> None:
        self._lookup = lookup
        self._conditions = conditions
        self._locking = locking
        self._books = books
        self._turns = turns

    @cached_property
    def _runner(self) -> Runner:
        from skycap.core.webdav.dav.running import Runner

        return Runner()

    def change(self, request: Request, place: Place) -> Answer:
        """The answer to a request that changes something."""
        with self._turns.at(*self._replaced(request, place)):
            return self._change(request, place)

    def _replaced(self, request: Request, place: Place) -> Iterator[str]:
        """What a request is about to remove or to replace."""
        if request.method in {"DELETE", "MOVE"}:
            yield place.key
        if request.method in {"COPY", "MOVE"}:
            target = self._lookup.shares.place(request.destination()[0])
            if target is not None:
                yield target.key

    def _change(self, request: Request, place: Place) -> Answer:
        from skycap.core.webdav.dav.work import Work

        entry = self._lookup.entry(request, place)
        if request.method == "MKCOL" and (request.length is None or request.length > 0):
            raise Refusal(415, "MKCOL has no body here")
        if entry is None and request.method not in {"MKCOL", "LOCK"}:
            raise Refusal(404)
        self._lookup.free(request, place)
        if place.is_top and request.method in {"DELETE", "MOVE"}:
            raise Refusal(403, "the top of a share stays where it is")
        work = Work(
            request,
            place,
            entry,
            self._conditions.submitted(request),
            self._lookup,
            self._locking,
            self._books,
            mtime_header(request) if request.method in _WITH_TIME else None,
        )
        if request.method in {"COPY", "MOVE"}:
            self._aim(work)
        body = self._body(work)
        self._conditions.check(request, place, entry)
        return self._runner.run(work, body)

    def _aim(self, work: Work) -> None:
        """Find where a COPY or MOVE goes."""
        url, _ = work.request.destination()
        target = self._lookup.shares.place(url)
        if target is None or target.share.read_only:
            raise Refusal(403, "nothing can be put there")
        if target.is_top:
            raise Refusal(403, "the top of a share cannot be replaced")
        one, other = work.place.key, target.key
        if one == other:
            raise Refusal(403, "it is there already")
        if other.startswith(f"{one}/") or one.startswith(f"{other}/"):
            raise Refusal(403, "the one is in the other")
        if not self._lookup.parent_is_there(work.request, target):
            raise Refusal(409, "there is no such collection to put it in")
        self._lookup.free(work.request, target)
        work.target, work.there = target, self._lookup.entry(work.request, target)
        if is_same_file(work.place, target):
            work.there = None

    def _body(self, work: Work) -> bytes:
        """What of the body WsgiDAV is to read."""
        if work.request.method not in {"PROPPATCH", "LOCK"}:
            return b""
        body = read_body(work.request)
        if work.request.method == "LOCK":
            return _lock_info(work, body) if body else b""
        from skycap.core.webdav.dav.running import names_only

        work.changes = patching.parse(body)
        return names_only(work.changes)


def _lock_info(work: Work, body: bytes) -> bytes:
    """Only what a lock is made of; what the client says about itself is kept by us."""
    root = parse_xml(body, "{DAV:}lockinfo")
    owner = root.find("{DAV:}owner")
    if owner is not None:
        work.owner = as_text(owner, root)
    parts = [
        (part.tag.rpartition("}")[2], [one.tag for one in part]) for part in root if part.tag in _LOCK_PARTS
    ]
    each = "".join(f"<D:{name}>{''.join(map(_empty, kinds))}</D:{name}>" for name, kinds in parts)
    return f'<D:lockinfo xmlns:D="DAV:">{each}</D:lockinfo>'.encode()


def _empty(name: str) -> str:
    namespace, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    return f"<{local} xmlns={quoteattr(namespace)}/>"
