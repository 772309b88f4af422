"""What WsgiDAV asks for: resources, made from what the request found already, and the changes to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wsgidav.dav_error import DAVError
from wsgidav.dav_provider import DAVCollection, DAVNonCollection, DAVProvider
from wsgidav.xml_tools import string_to_xml

from skycap.core.storage.entry import Entry
from skycap.core.webdav.dav.acting import make_collection, remove, transfer
from skycap.core.webdav.dav.lock_manager import OurLockManager
from skycap.core.webdav.dav.work import CURRENT, Work, opaque
from skycap.core.webdav.listing.locks import active_locks
from skycap.core.webdav.properties import patching
from skycap.core.webdav.shares import Place
from skycap.core.webdav.trees import Failures

Errors = list[tuple[str, DAVError]]


class Provider(DAVProvider):
    """All shares at once. Paths are those of `opaque`."""

    def __init__(self) -> None:
        super().__init__()
        self.set_share_path("")
        self.set_lock_manager(OurLockManager())

    def resolve_provider(self, _path: str) -> tuple[str, Provider]:
        """What WsgiDAV asks its application for: which provider a path is of."""
        return "", self

    def get_resource_inst(self, path: str | None, environ: dict[str, Any]) -> Resource | None:
        """The resource of a path, or None; asked of the storage once a request."""
        work: Work = CURRENT.get()
        place = None if path is None else work.place_at(path)
        entry = None if place is None else work.lookup.entry(work.request, place)
        if place is None or entry is None:
            return None
        return (Collection if entry.is_dir else File)(place, entry, work, environ)

    def ref_url_to_path(self, ref_url: str) -> str:
        """They are the same."""
        return ref_url


class Resource:
    """What stands at a place."""

    def __init__(self, place: Place, entry: Entry, work: Work, environ: dict[str, Any]) -> None:
        self.place, self.entry, self.work = place, entry, work
        super().__init__(opaque(place.url), environ)  # type: ignore[call-arg]

    def get_ref_url(self) -> str:
        """What WsgiDAV knows it by."""
        return opaque(self.place.url)

    def get_href(self) -> str:
        """What clients know it by."""
        return self.work.href(self.place)

    def get_etag(self) -> None:
        """Conditions were checked before."""

    def get_last_modified(self) -> None:
        """Conditions were checked before."""

    def prevent_locking(self) -> bool:
        """Everything can be locked."""
        return False

    def get_property_value(self, name: str) -> Any:
        """The one property that WsgiDAV asks for: what was locked, after it was."""
        if name != "{DAV:}lockdiscovery":
            raise DAVError(404)
        locking = self.work.locking
        found = locking.covering(self.place)
        if (ours := self.work.lock) is not None:  # clients that look here for the token take the first
            found.sort(key=lambda lock: lock.token != ours.token)
        told = active_locks(locking, self.place, found)
        return string_to_xml(f'<D:lockdiscovery xmlns:D="DAV:"{told.removeprefix("<D:lockdiscovery")}')

    def set_property_value(self, _name: str, _value: Any, dry_run: bool = False) -> None:
        """Judge all changes when the first is looked at, make all when the first is meant."""
        work = self.work
        if work.looked_at == 0:
            patching.judge(work.changes)
        if not dry_run and not work.applied:
            work.applied = True
            patching.apply(work.changes, self.place, self.entry, work.books)
        status = work.changes[work.looked_at % len(work.changes)].status
        work.looked_at += 1
        if status != 200:
            raise DAVError(status)

    def handle_delete(self) -> Errors | bool:
        """Remove it and all below it, but for what others hold a lock on."""
        return self._told(lambda: remove(self.work))

    def handle_copy(self, _path: str, *, depth_infinity: bool) -> Errors | bool:
        """Copy it to the target of the request."""
        return self._told(lambda: transfer(self.work, move=False, deep=depth_infinity))

    def handle_move(self, _path: str) -> Errors | bool:
        """Move it to the target of the request."""
        return self._told(lambda: transfer(self.work, move=True, deep=True))

    def _told(self, action: Callable[[], Failures]) -> Errors | bool:
        failures = self.work.doing(action)
        if len(failures) == 1 and failures[0][0].key == self.place.key:
            self.work.refused = failures[0][1]
        return [(self.work.href(place), DAVError(said.status)) for place, said in failures] or True


class File(Resource, DAVNonCollection):
    """A file. Its bytes pass WsgiDAV by."""

    def get_content_length(self) -> int | None:
        """How many bytes there are."""
        return self.entry.size

    def get_content(self) -> Any:
        """GET is answered elsewhere."""
        raise DAVError(405)

    def support_etag(self) -> bool:
        """Conditions were checked before."""
        return False


class Collection(Resource, DAVCollection):
    """A directory."""

    def get_member_names(self) -> list[str]:
        """Trees are walked elsewhere."""
        raise DAVError(405)

    def create_collection(self, _name: str) -> None:
        """Make the collection that the request is about."""
        make_collection(self.work)

    def create_empty_resource(self, _name: str) -> File:
        """A file that is made when the lock on it is granted."""
        place = self.work.place
        return File(place, Entry(place.path, size=0), self.work, self.environ)
