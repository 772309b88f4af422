"""Live properties: what the server knows by itself, and how each is written.

Namespaces: `DAV:` of RFC 4918 and 4331; `urn:schemas-microsoft-com:` of Windows; `http://owncloud.org/ns` of
ownCloud and Nextcloud clients and rclone; `http://apache.org/dav/props/` of mod_dav.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import blake2b

from skycap.core.errors import Error
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry
from skycap.core.storage.extras import Quota
from skycap.core.webdav import xml
from skycap.core.webdav.conditions import modified_s
from skycap.core.webdav.content_types import COLLECTION, content_type
from skycap.core.webdav.dates import NS, http_date, iso_date
from skycap.core.webdav.etags import etag_of
from skycap.core.webdav.listing.locks import NO_LOCK, SUPPORTED_LOCK, active_locks
from skycap.core.webdav.listing.subject import Subject
from skycap.core.webdav.locking import Locking
from skycap.core.webdav.shares import Place

PREFIXES = {
    "D": "DAV:",
    "W": "urn:schemas-microsoft-com:",
    "oc": "http://owncloud.org/ns",
    "A": "http://apache.org/dav/props/",
}
DECLARED = "".join(f' xmlns:{prefix}="{space}"' for prefix, space in PREFIXES.items())
Maker = Callable[[Subject], str | None]
_QUOTA_S = 10.0


def _created_s(entry: Entry) -> int | None:
    known = [moment for moment in (entry.mtime_ns, entry.stored_at_ns) if moment is not None]
    return min(known) // NS if known else None


def _creationdate(subject: Subject) -> str | None:
    moment = _created_s(subject.entry)
    return None if moment is None else f"<D:creationdate>{iso_date(moment)}</D:creationdate>"


def _displayname(subject: Subject) -> str:
    return f"<D:displayname>{xml.text(subject.name) or '/'}</D:displayname>"


def _getcontentlength(subject: Subject) -> str | None:
    size = subject.entry.size
    if size is None or subject.is_dir:
        return None
    return f"<D:getcontentlength>{size}</D:getcontentlength>"


def _getcontenttype(subject: Subject) -> str:
    said = COLLECTION if subject.is_dir else content_type(subject.name)
    return f"<D:getcontenttype>{said}</D:getcontenttype>"


def _getetag(subject: Subject) -> str | None:
    if subject.near is None or (etag := etag_of(subject.entry, subject.near.facts)) is None:
        return None
    return f'<D:getetag>"{etag}"</D:getetag>'


def _getlastmodified(subject: Subject) -> str | None:
    moment = modified_s(subject.entry)
    return None if moment is None else f"<D:getlastmodified>{http_date(moment)}</D:getlastmodified>"


def _resourcetype(subject: Subject) -> str:
    if subject.is_dir:
        return "<D:resourcetype><D:collection/></D:resourcetype>"
    return "<D:resourcetype/>"


def _supportedlock(subject: Subject) -> str:
    return NO_LOCK if subject.near is None or subject.near.share.read_only else SUPPORTED_LOCK


def _lastmodified(subject: Subject) -> str | None:
    moment = modified_s(subject.entry)
    return None if moment is None else f"<D:lastmodified>{moment}</D:lastmodified>"


def _win32_created(subject: Subject) -> str | None:
    moment = _created_s(subject.entry)
    return None if moment is None else f"<W:Win32CreationTime>{http_date(moment)}</W:Win32CreationTime>"


def _win32(name: str) -> Maker:
    def make(subject: Subject) -> str | None:
        moment = modified_s(subject.entry)
        return None if moment is None else f"<W:{name}>{http_date(moment)}</W:{name}>"

    return make


def _win32_attributes(subject: Subject) -> str:
    bits = 0x10 if subject.is_dir else 0x20
    if subject.near is None or subject.near.share.read_only:
        bits |= 0x01
    return f"<W:Win32FileAttributes>{bits:08X}</W:Win32FileAttributes>"


def _checksums(subject: Subject) -> str | None:
    if not subject.entry.hashes:
        return None
    said = " ".join(
        f"{kind.upper().replace('_', '-')}:{value}" for kind, value in sorted(subject.entry.hashes.items())
    )
    return f"<oc:checksums><oc:checksum>{xml.text(said)}</oc:checksum></oc:checksums>"


def _size(subject: Subject) -> str | None:
    size = subject.entry.size
    return None if size is None or subject.is_dir else f"<oc:size>{size}</oc:size>"


def _permissions(subject: Subject) -> str:
    """G read, D delete, N rename, V move, W write, C make files, K make folders."""
    if subject.near is None or subject.near.share.read_only:
        said = "G"
    else:
        said = "G" if subject.is_top else "GDNV"
        said += "CK" if subject.is_dir else "W"
    return f"<oc:permissions>{said}</oc:permissions>"


def _id(name: str) -> Maker:
    def make(subject: Subject) -> str:
        key = subject.key.encode("utf-8", "surrogateescape")
        return f"<oc:{name}>{blake2b(key, digest_size=12).hexdigest()}</oc:{name}>"

    return make


def _executable(subject: Subject) -> str | None:
    metadata = subject.entry.metadata
    if metadata is None or metadata.mode is None or subject.is_dir:
        return None
    return f"<A:executable>{'T' if metadata.mode & 0o111 else 'F'}</A:executable>"


class Live:
    """The live properties of what is served."""

    def __init__(self, locking: Locking) -> None:
        self._locking = locking
        self._quotas: dict[str, tuple[float, Quota | None]] = {}
        # Those of `allprop`: RFC 4918's. The quota is not among them, as RFC 4331 wishes.
        self.all: dict[str, Maker] = {
            "{DAV:}creationdate": _creationdate,
            "{DAV:}displayname": _displayname,
            "{DAV:}getcontentlength": _getcontentlength,
            "{DAV:}getcontenttype": _getcontenttype,
            "{DAV:}getetag": _getetag,
            "{DAV:}getlastmodified": _getlastmodified,
            "{DAV:}lockdiscovery": self._lockdiscovery,
            "{DAV:}resourcetype": _resourcetype,
            "{DAV:}supportedlock": _supportedlock,
        }
        win32 = f"{{{PREFIXES['W']}}}Win32"
        oc = f"{{{PREFIXES['oc']}}}"
        self.by_name: dict[str, Maker] = self.all | {
            "{DAV:}lastmodified": _lastmodified,
            "{DAV:}quota-available-bytes": self._quota("quota-available-bytes", _free),
            "{DAV:}quota-used-bytes": self._quota("quota-used-bytes", lambda quota: quota.used),
            "{DAV:}quota": self._quota("quota", _total),
            "{DAV:}quotaused": self._quota("quotaused", lambda quota: quota.used),
            f"{win32}CreationTime": _win32_created,
            f"{win32}LastAccessTime": _win32("Win32LastAccessTime"),
            f"{win32}LastModifiedTime": _win32("Win32LastModifiedTime"),
            f"{win32}FileAttributes": _win32_attributes,
            f"{oc}checksums": _checksums,
            f"{oc}size": _size,
            f"{oc}permissions": _permissions,
            f"{oc}fileid": _id("fileid"),
            f"{oc}id": _id("id"),
            f"{{{PREFIXES['A']}}}executable": _executable,
        }
        # Clients may set these, and then what they set counts.
        self.settable = frozenset(
            {f"{win32}CreationTime", f"{win32}LastAccessTime", f"{win32}FileAttributes"}
        )

    def _lockdiscovery(self, subject: Subject) -> str:
        if subject.near is None or not subject.locks:
            return "<D:lockdiscovery/>"
        return active_locks(
            self._locking, subject.near, subject.locks, key=subject.key, is_dir=subject.is_dir
        )

    def _quota(self, name: str, figure: Callable[[Quota], int | None]) -> Maker:
        def make(subject: Subject) -> str | None:
            quota = None if subject.near is None or not subject.is_dir else self._asked(subject.near)
            value = None if quota is None else figure(quota)
            return None if value is None else f"<D:{name}>{value}</D:{name}>"

        return make

    def _asked(self, place: Place) -> Quota | None:
        """The quota, asked again after some seconds: a desktop asks whenever it shows a folder."""
        if not place.storage.can(Capability.QUOTA):
            return None
        now = time.monotonic()
        when, quota = self._quotas.get(place.share.name, (-_QUOTA_S, None))
        if now - when >= _QUOTA_S:
            try:
                quota = place.storage.quota()
            except Error:  # unknown is an answer too, and what stands beside it is still true
                quota = None
            self._quotas[place.share.name] = now, quota
        return quota


def _free(quota: Quota) -> int | None:
    if quota.free is not None or quota.total is None or quota.used is None:
        return quota.free
    return max(0, quota.total - quota.used)


def _total(quota: Quota) -> int | None:
    if quota.total is not None or quota.free is None or quota.used is None:
        return quota.total
    return quota.free + quota.used
