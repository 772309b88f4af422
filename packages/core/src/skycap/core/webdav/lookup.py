"""What stands at a place, asked of the storage once a request.

A store in which directories are only prefixes forgets one with its last file, and cannot make an empty one.
A client of WebDAV was told that it made it: such folders are kept in the books (`skycap.core.webdav.books`).
"""

from __future__ import annotations

from skycap.core.errors import NotFound, Unsupported
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Kind, directory
from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.books import Books
from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place, Shares
from skycap.core.webdav.times import keeps_set

_MEMORY, _HIDDEN = "entries", "hidden"


class Lookup:
    """Finds entries. Symbolic links and special files are not there: WebDAV has no word for them."""

    def __init__(self, shares: Shares, books: Books) -> None:
        self.shares = shares
        self.books = books

    def entry(self, request: Request, place: Place) -> Entry | None:
        """What stands at a place, or None."""
        known: dict[str, Entry | None] = request.memory.setdefault(_MEMORY, {})
        if place.url not in known:
            found = self._ask(place)
            if found is not None and found.kind not in {Kind.FILE, Kind.DIRECTORY}:
                request.memory.setdefault(_HIDDEN, set()).add(place.url)
                found = None
            known[place.url] = found
        return known[place.url]

    def free(self, request: Request, place: Place) -> None:
        """`Refusal` 403 where something stands that clients cannot see, and would replace unawares."""
        if self.entry(request, place) is None and place.url in request.memory.get(_HIDDEN, ()):
            raise Refusal(403, "a link or a special file is there, of which WebDAV knows nothing")

    def forget(self, request: Request) -> None:
        """Something was changed in this request: ask anew."""
        request.memory.pop(_MEMORY, None)
        request.memory.pop(_HIDDEN, None)

    def needed(self, request: Request, place: Place) -> Entry:
        """What stands at a place; `Refusal` 404 if nothing does."""
        entry = self.entry(request, place)
        if entry is None:
            raise Refusal(404)
        return entry

    def parent_is_there(self, request: Request, place: Place) -> bool:
        """Whether what the place would be in is a collection."""
        if place.is_top:
            return True
        parent = self.shares.place(place.url.rpartition("/")[0])
        entry = None if parent is None else self.entry(request, parent)
        return entry is not None and entry.is_dir

    def _ask(self, place: Place) -> Entry | None:
        if not place.path and not place.facts.empty_dirs:
            return directory("")
        entry = self._stat(place)
        if entry is None and not place.facts.empty_dirs and self.books.has_folder(place.key):
            entry = directory(place.path)
        if entry is None and place.is_top:
            return directory(place.path)  # a folder that the first write will make
        if entry is not None and entry.kind not in {Kind.FILE, Kind.DIRECTORY}:
            return entry
        return None if entry is None else self.dated(place, entry)

    def _stat(self, place: Place) -> Entry | None:
        if not place.storage.can(Capability.READ):
            raise Unsupported("it is write-only and cannot be served")
        try:
            return place.storage.stat(place.path)
        except NotFound:
            return None

    def dated(self, place: Place, entry: Entry) -> Entry:
        """The entry with the time a client gave it, where the storage does not keep that."""
        if keeps_set(place, is_dir=entry.is_dir):
            return entry
        said = self.books.time(place.key, entry.version)
        return entry if said is None else entry._replace(mtime_ns=said)
