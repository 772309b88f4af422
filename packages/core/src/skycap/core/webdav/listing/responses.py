"""One `response` of a multistatus: the properties of one resource, in text put together from ready pieces."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from skycap.core.webdav import xml
from skycap.core.webdav.listing.asked import Asked, Preferences
from skycap.core.webdav.listing.live import DECLARED, PREFIXES, Live
from skycap.core.webdav.listing.subject import Subject

HEAD = f'<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus{DECLARED}>'
FOOT = "</D:multistatus>\n"
_FOUND = "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
_MISSING = "</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>"
_OPEN = "<D:propstat><D:prop>"
_BY_SPACE = {space: prefix for prefix, space in PREFIXES.items()}


class Responses:
    """Writes responses for one request: which properties are asked for is the same for each."""

    def __init__(self, asked: Asked, preferences: Preferences, live: Live) -> None:
        self._minimal = preferences.minimal
        self._live = live
        names = asked.names if asked.kind == "prop" else (*live.all, *asked.names)
        self._makers = [(name, live.by_name.get(name)) for name in dict.fromkeys(names)]
        self._all_dead = asked.kind != "prop"
        self.needs_dead = self._all_dead or any(
            make is None or name in live.settable for name, make in self._makers
        )
        self.needs_locks = any(name == "{DAV:}lockdiscovery" for name, _ in self._makers)
        self.write: Callable[[Subject], str] = self._values
        if asked.kind == "propname":
            self.write = self._names
            self.needs_locks = False

    def _values(self, subject: Subject) -> str:
        pieces = [f"<D:response><D:href>{subject.href}</D:href>{_OPEN}"]
        add = pieces.append
        dead = subject.dead
        missing: list[str] = []
        for name, make in self._makers:
            said = None
            if dead and (make is None or name in self._live.settable):
                said = dead.get(name)
            if said is None and make is not None:
                said = make(subject)
            if said is not None:
                add(said)
            else:
                missing.append(name)
        if self._all_dead and dead:
            pieces += self._other_dead(subject)
            # What `allprop` does not find is simply not there, unless it was named.
            missing = [name for name in missing if name not in self._live.all]
        elif self._all_dead:
            missing = [name for name in missing if name not in self._live.all] if missing else missing
        add(_FOUND)
        if missing and not self._minimal:
            if len(pieces) == 2:
                pieces[0] = pieces[0].removesuffix(_OPEN)
                pieces.pop()
            add(_not_found(tuple(missing)))
        add("</D:response>\n")
        return "".join(pieces)

    def _other_dead(self, subject: Subject) -> list[str]:
        asked = {name for name, _ in self._makers}
        return [said for name, said in subject.dead.items() if name not in asked]

    def _names(self, subject: Subject) -> str:
        names = [name for name, make in self._live.all.items() if make(subject) is not None]
        names += [name for name in subject.dead if name not in self._live.all]
        elements = "".join(map(_element, names))
        return f"<D:response><D:href>{subject.href}</D:href>{_OPEN}{elements}{_FOUND}</D:response>\n"


def _element(name: str) -> str:
    space, _, local = name.rpartition("}")
    prefix = _BY_SPACE.get(space[1:])
    return f"<{prefix}:{local}/>" if prefix else xml.empty_element(name)


@lru_cache(maxsize=64)
def _not_found(names: tuple[str, ...]) -> str:
    return f"{_OPEN}{''.join(map(_element, names))}{_MISSING}"
