"""What is asked of a server about its files, and an `Entry` made of what it tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape

from skycap.cloudproviders.webdav.dates import SECOND_NS, to_ns
from skycap.cloudproviders.webdav.multistatus import DAV, MS, NC, OC, Item
from skycap.cloudproviders.webdav.vendors import Traits
from skycap.core.storage.entry import Entry, Kind

TYPE = f"{DAV}resourcetype"
LENGTH = f"{DAV}getcontentlength"
MODIFIED = f"{DAV}getlastmodified"
ETAG = f"{DAV}getetag"
USED = f"{DAV}quota-used-bytes"
AVAILABLE = f"{DAV}quota-available-bytes"
CHECKSUMS = f"{OC}checksums"
FILE_ID = f"{OC}fileid"
WIN32_MODIFIED = f"{MS}Win32LastModifiedTime"
_PREFIXES = {DAV: "D", OC: "oc", NC: "nc", MS: "ms"}
_HASHES = {"MD5": 32, "SHA1": 40, "SHA256": 64}


def _element(name: str) -> str:
    namespace, _, local = name.rpartition("}")
    return f"{_PREFIXES[namespace + '}']}:{local}"


def _spaces() -> str:
    return " ".join(f'xmlns:{prefix}="{uri[:-1]}"' for uri, prefix in _PREFIXES.items())


def propfind(names: Iterable[str]) -> bytes:
    """The body that asks for these properties."""
    asked = "".join(f"<{_element(name)}/>" for name in names)
    return f'<?xml version="1.0"?><D:propfind {_spaces()}><D:prop>{asked}</D:prop></D:propfind>'.encode()


def proppatch(values: Mapping[str, str]) -> bytes:
    """The body that sets these properties."""
    set_ = "".join(f"<{_element(k)}>{escape(v)}</{_element(k)}>" for k, v in values.items())
    return (
        f'<?xml version="1.0"?><D:propertyupdate {_spaces()}><D:set><D:prop>{set_}</D:prop></D:set>'
        "</D:propertyupdate>"
    ).encode()


def asked_of(traits: Traits) -> tuple[str, ...]:
    """What an entry is made of, on a server of this kind."""
    more: tuple[str, ...] = (CHECKSUMS,) if traits.checksums else ()
    if traits.patch == "win32":
        more += (WIN32_MODIFIED,)
    return (TYPE, LENGTH, MODIFIED, ETAG, *more)


def is_folder(item: Item) -> bool:
    """Whether it is a collection."""
    return f"{DAV}collection" in item.below.get(TYPE, {})


def entry_of(item: Item, path: str, traits: Traits) -> Entry:
    """The entry that an item tells of."""
    modified = to_ns(item.get(MODIFIED))
    if is_folder(item):
        return timed(Entry(path, Kind.DIRECTORY), modified, item.get(WIN32_MODIFIED), traits)
    length = item.get(LENGTH)
    size = int(length) if length is not None and length.isdecimal() else None
    version = version_of(item.get(ETAG), size, modified, traits)
    entry = Entry(path, Kind.FILE, size, version=version, hashes=hashes_of(item.get(CHECKSUMS)))
    return timed(entry, modified, item.get(WIN32_MODIFIED), traits)


def timed(entry: Entry, modified_ns: int | None, win32: str | None, traits: Traits) -> Entry:
    """The entry with a time: the one it was given where the server keeps that, else that of the server."""
    if traits.patch == "win32":
        return entry._replace(mtime_ns=to_ns(win32), stored_at_ns=modified_ns)
    if traits.keeps_times:
        return entry._replace(mtime_ns=modified_ns)
    return entry._replace(stored_at_ns=modified_ns)


def hashes_of(text: str | None) -> dict[str, str] | None:
    """From `SHA1:… MD5:…`, as ownCloud writes it."""
    found = {}
    for word in (text or "").split():
        kind, _, digest = word.partition(":")
        digest = digest.lower()
        if _HASHES.get(kind.upper()) == len(digest) and re.fullmatch("[0-9a-f]+", digest):
            found[kind.lower()] = digest
    return found or None


def version_of(etag: str | None, size: int | None, modified_ns: int | None, traits: Traits) -> str | None:
    """A strong ETag, quoted; None for one that does not change with every change of the content.

    A weak one says so itself. One made of the size and of whole seconds stays the same when a file is written
    twice within a second; nginx and WsgiDAV make such.
    """
    etag = (etag or "").strip()
    if not etag or etag[:2].upper() == "W/":
        return None
    bare = etag.strip('"')
    if not traits.etags and size is not None and modified_ns is not None:
        seconds = modified_ns // SECOND_NS
        parts = set(re.split(r"[-_:.]", bare.lower()))
        if parts & {str(seconds), f"{seconds:x}"} and parts & {str(size), f"{size:x}"}:
            return None
    return f'"{bare}"'
