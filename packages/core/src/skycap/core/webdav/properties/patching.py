"""PROPPATCH: all that is asked for or nothing, in the order in which it was asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from skycap.core.errors import Error
from skycap.core.storage.entry import Entry
from skycap.core.units import KiB
from skycap.core.webdav import times
from skycap.core.webdav.answers import XML_TYPE, Answer, Refusal, refusal, status_line
from skycap.core.webdav.bodies import as_text, parse_xml
from skycap.core.webdav.books import Books
from skycap.core.webdav.dates import parse_date
from skycap.core.webdav.shares import Place

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

VALUE_MAX = 100 * KiB
"""Bytes of one property as XML."""
_WIN32 = "{urn:schemas-microsoft-com:}"
MODIFIED = frozenset({"{DAV:}getlastmodified", "{DAV:}lastmodified", f"{_WIN32}Win32LastModifiedTime"})
"""What clients set to say when a file was changed."""
PROTECTED = frozenset(
    f"{{DAV:}}{name}"
    for name in (
        "creationdate",
        "getcontentlength",
        "getcontenttype",
        "getetag",
        "lockdiscovery",
        "quota-available-bytes",
        "quota-used-bytes",
        "resourcetype",
        "supportedlock",
    )
)
_OURS = "<D:cannot-modify-protected-property/>"


@dataclass(slots=True)
class Change:
    """One property to set, or to remove where there is no `xml`. `text` is what stands in it."""

    name: str
    xml: str | None
    text: str = ""
    status: int = 200
    precondition: str = ""

    def refuse(self, status: int, precondition: str = "") -> None:
        """It cannot be."""
        self.status, self.precondition = status, precondition


def parse(body: bytes) -> list[Change]:
    """The changes a `propertyupdate` asks for, in its order; `Refusal` 400 if there is none."""
    root = parse_xml(body, "{DAV:}propertyupdate")
    found = []
    for action in root:
        if action.tag not in {"{DAV:}set", "{DAV:}remove"}:
            continue  # what we do not know is to be passed over (RFC 4918, 17)
        for prop in action.findall("{DAV:}prop"):
            found += [_change(one, action.tag == "{DAV:}set", (prop, action, root)) for one in prop]
    if not found:
        raise Refusal(400, "it names no property")
    return found


def _change(element: Element, is_set: bool, parents: Iterable[Element]) -> Change:
    if not is_set:
        return Change(element.tag, None)
    return Change(element.tag, as_text(element, *parents), element.text or "")


def judge(changes: Sequence[Change]) -> bool:
    """Whether all can be done; the status of each says why not, and 424 that it is because of another."""
    for change in changes:
        if change.name in PROTECTED or (change.name == "{DAV:}getlastmodified" and change.xml is None):
            change.refuse(403, _OURS)
        elif change.xml is not None and len(change.xml.encode("utf-8", "replace")) > VALUE_MAX:
            change.refuse(507)
        elif change.name in MODIFIED and change.xml is not None and parse_date(change.text) is None:
            change.refuse(409)
    return not _others_fail(changes)


def _others_fail(changes: Sequence[Change]) -> bool:
    failed = any(change.status != 200 for change in changes)
    for change in changes:
        if failed and change.status == 200:
            change.refuse(424)
    return failed


def apply(changes: Sequence[Change], place: Place, entry: Entry, books: Books) -> None:
    """Do it all. What the store refuses is told by the status of that change, and then nothing is done."""
    timed = [change for change in changes if change.name in MODIFIED and change.xml is not None]
    dead = {change.name: change.xml for change in changes if change.name not in MODIFIED}
    try:
        if timed:
            mtime_ns = parse_date(timed[-1].text)
            if mtime_ns is not None:
                times.set_time(place, entry, mtime_ns, books)
    except Error as error:
        timed[-1].refuse(refusal(error).status)
        _others_fail(changes)
        return
    if dead:
        books.set_properties(place.key, dead)


def answer(changes: Sequence[Change], href: str) -> Answer:
    """207, the properties by status."""
    groups: dict[tuple[int, str], dict[str, None]] = {}
    for change in changes:
        groups.setdefault((change.status, change.precondition), {})[change.name] = None
    stats = "".join(
        f"<D:propstat><D:prop>{''.join(map(_empty, names))}</D:prop>"
        f"<D:status>HTTP/1.1 {status_line(status)}</D:status>"
        f"{f'<D:error>{precondition}</D:error>' if precondition else ''}</D:propstat>"
        for (status, precondition), names in groups.items()
    )
    text = (
        '<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:">'
        f"<D:response><D:href>{escape(href)}</D:href>{stats}</D:response></D:multistatus>"
    )
    return Answer(207, [("Content-Type", XML_TYPE)], text.encode("utf-8"))


def _empty(name: str) -> str:
    namespace, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    if namespace == "DAV:":
        return f"<D:{local}/>"
    return f"<{local} xmlns={quoteattr(namespace)}/>"
