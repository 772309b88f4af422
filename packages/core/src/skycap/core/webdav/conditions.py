"""The headers that say under which condition a request is meant (RFC 9110, 13; RFC 4918, 10.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from skycap.core.storage.entry import Entry
from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.etags import etag_of, parse_list
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.lookup import Lookup
from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place

_LISTS_MAX = 100
"""Each may cost a look at the storage; clients send one or two."""
_TOKEN = re.compile(
    r"\s*(?:(?P<tag><[^<>]*>)|(?P<open>\()|(?P<close>\))|(?P<not>(?i:not))(?=[\s<\[])|\[(?P<etag>[^\]]*)\])"
)


@dataclass(frozen=True, slots=True)
class Term:
    """One state token or ETag in an If header. `etag` is without quotes."""

    negated: bool
    token: str | None = None
    etag: str | None = None


@dataclass(slots=True)
class IfHeader:
    """The lists of an If header, each with the URL it is about (None: the one of the request)."""

    lists: list[tuple[str | None, list[Term]]] = field(default_factory=list)

    @property
    def tokens(self) -> frozenset[str]:
        """All state tokens in it. Naming one anywhere submits it, whether its list is true or not."""
        return frozenset(term.token for _, terms in self.lists for term in terms if term.token is not None)


def parse_if(value: str) -> IfHeader:
    """An If header; `Refusal` 400 for what is none."""
    found, negated, position = IfHeader(), False, 0
    tag: str | None = None
    terms: list[Term] | None = None
    end = len(value.rstrip())
    while position < end:
        match = _TOKEN.match(value, position)
        if match is None:
            raise Refusal(400, "the If header cannot be understood")
        position = match.end()
        kind = match.lastgroup
        if kind == "open" and terms is None:
            terms = []
        elif kind == "close" and terms:
            found.lists.append((tag, terms))
            terms = None
        elif kind == "tag" and terms is None:
            tag = match["tag"][1:-1]
        elif kind == "not" and terms is not None and not negated:
            negated = True
            continue
        elif kind == "tag" and terms is not None:
            terms.append(Term(negated, token=match["tag"][1:-1]))
        elif kind == "etag" and terms is not None:
            terms.append(Term(negated, etag=match["etag"].strip().removeprefix("W/").strip('"')))
        else:
            raise Refusal(400, "the If header cannot be understood")
        negated = False
    if terms is not None or not 0 < len(found.lists) <= _LISTS_MAX:
        raise Refusal(400, "the If header cannot be understood")
    return found


class Conditions:
    """Checks them, in the order of the RFCs: If-Match, If-None-Match, dates, then If."""

    def __init__(self, lookup: Lookup, locking: Locking) -> None:
        self._lookup = lookup
        self._locking = locking

    def submitted(self, request: Request) -> frozenset[str]:
        """The lock tokens a request names; parsed once."""
        return self._parsed(request).tokens

    def _parsed(self, request: Request) -> IfHeader:
        if "if" not in request.memory:
            said = request.header("IF")
            request.memory["if"] = parse_if(said) if said else IfHeader()
        found: IfHeader = request.memory["if"]
        return found

    def check(self, request: Request, place: Place | None, entry: Entry | None) -> None:
        """`Refusal` 412, or 304 for reading, where one does not hold."""
        environ = request.environ
        if any(name in environ for name in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH")) or (
            "HTTP_IF_MODIFIED_SINCE" in environ or "HTTP_IF_UNMODIFIED_SINCE" in environ
        ):
            etag = None if place is None or entry is None else etag_of(entry, place.facts)
            self._http(request, entry, etag)
        if "HTTP_IF" in environ and not self._holds(request, place):
            raise Refusal(412, "the If header does not hold")

    @staticmethod
    def _http(request: Request, entry: Entry | None, etag: str | None) -> None:
        reading = request.method in {"GET", "HEAD"}
        if (said := request.header("IF_MATCH")) is not None:
            wanted = parse_list(said)
            if entry is None or not (wanted is None or (False, etag) in wanted):
                raise Refusal(412, "If-Match does not hold")
        elif (said := request.header("IF_UNMODIFIED_SINCE")) is not None:
            moment = _moment(said)
            if (
                moment is not None
                and entry is not None
                and (mtime := modified_s(entry)) is not None
                and mtime > moment
            ):
                raise Refusal(412, "it was modified since")
        if (said := request.header("IF_NONE_MATCH")) is not None:
            unwanted = parse_list(said)
            if entry is not None and (unwanted is None or any(tag == etag for _, tag in unwanted)):
                raise _unchanged(entry, etag) if reading else Refusal(412, "If-None-Match does not hold")
        elif reading and (said := request.header("IF_MODIFIED_SINCE")) is not None:
            moment = _moment(said)
            if (
                moment is not None
                and entry is not None
                and (mtime := modified_s(entry)) is not None
                and mtime <= moment
            ):
                raise _unchanged(entry, etag)

    def _holds(self, request: Request, place: Place | None) -> bool:
        return any(self._list_holds(request, place, tag, terms) for tag, terms in self._parsed(request).lists)

    def _list_holds(self, request: Request, place: Place | None, tag: str | None, terms: list[Term]) -> bool:
        if tag is not None:
            try:
                url, _ = request.local_path(tag, elsewhere=412)
            except Refusal:
                return False
            place = self._lookup.shares.place(url)
        entry = None if place is None else self._lookup.entry(request, place)
        tokens: frozenset[str] = frozenset()
        if place is not None:
            tokens = frozenset(lock.token for lock in self._locking.covering(place))
        etag = None if place is None or entry is None else etag_of(entry, place.facts)
        return all(
            (term.token in tokens if term.token else term.etag == etag) != term.negated for term in terms
        )


def modified_s(entry: Entry) -> int | None:
    """When it was last changed, in whole seconds since the epoch, as HTTP can say it."""
    moment = entry.mtime_ns if entry.mtime_ns is not None else entry.stored_at_ns
    return None if moment is None else moment // 1_000_000_000


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _unchanged(entry: Entry, etag: str | None) -> Refusal:
    from skycap.core.webdav.dates import http_date

    headers = [("ETag", f'"{etag}"')] if etag else []
    if (moment := modified_s(entry)) is not None:
        headers.append(("Last-Modified", http_date(moment)))
    return Refusal(304, headers=headers)
