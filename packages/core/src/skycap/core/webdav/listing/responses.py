"""One `response` of a multistatus: the properties of one resource, in text put together from ready pieces."""

from __future__ import annotations

from collections.abc import Callable

from skycap.core.webdav import xml
from skycap.core.webdav.listing.asked import Asked, Preferences
from skycap.core.webdav.listing.live import DECLARED, PREFIXES, Live
from skycap.core.webdav.listing.subject import Subject

HEAD = f'<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus{DECLARED}>'
FOOT = "</D:multistatus>\n"
_FOUND = "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
_MISSING = "</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>"
_OPEN = "<D:propstat><D:prop>"
_MEMORY_MAX = 64
_BY_SPACE = {space: prefix for prefix, space in PREFIXES.items()}


class Responses:
    """Writes responses for one request: which properties are asked for is the same for each."""

    def __init__(self, asked: Asked, preferences: Preferences, live: Live) -> None:
        self._minimal = preferences.minimal
        self._live = live
        self._names = tuple(dict.fromkeys(asked.names if asked.kind == "prop" else (*live.all, *asked.names)))
        # Nobody misses what `allprop` does not find, unless it was named beside.
        self._quiet = frozenset(live.all) - frozenset(asked.names) if asked.kind == "allprop" else frozenset()
        self._known = [(name, live.by_name[name]) for name in self._names if name in live.by_name]
        self._makers = [make for _, make in self._known]
        self._unknown = [name for name in self._names if name not in live.by_name]
        self._all_dead = asked.kind != "prop"
        self._settable = live.settable & frozenset(self._names)
        self._memory: dict[tuple[str, ...], str] = {}
        self.needs_dead = bool(self._all_dead or self._unknown or self._settable)
        self.needs_locks = asked.kind != "propname" and "{DAV:}lockdiscovery" in self._names
        self.write: Callable[[Subject], str] = self._values
        if asked.kind == "propname":
            self.write = self._only_names

    def _values(self, subject: Subject) -> str:
        if subject.dead:
            found, missing = self._with_dead(subject)
        else:  # of thousands in a folder, nearly all
            said = [make(subject) for make in self._makers]
            missing = self._unknown
            if None in said:
                missing = [name for (name, _), one in zip(self._known, said, strict=True) if one is None]
                missing += self._unknown
            found = "".join(filter(None, said))
        head = f"<D:response><D:href>{subject.href}</D:href>"
        lost = self._not_found(missing) if missing else ""
        if not found and lost:
            return f"{head}{lost}</D:response>\n"
        return f"{head}{_OPEN}{found}{_FOUND}{lost}</D:response>\n"

    def _with_dead(self, subject: Subject) -> tuple[str, list[str]]:
        """What is found, as XML, and what is not. What a client may set, and did, counts."""
        dead = subject.dead
        found: list[str] = []
        missing: list[str] = []
        for name in self._names:
            make = self._live.by_name.get(name)
            said = dead.get(name) if make is None or name in self._settable else None
            if said is None and make is not None:
                said = make(subject)
            if said is None:
                missing.append(name)
            else:
                found.append(said)
        if self._all_dead:
            found += [said for name, said in dead.items() if name not in self._names]
        return "".join(found), missing

    def _not_found(self, names: list[str]) -> str:
        """The propstat of these names; the same for most resources of a kind."""
        if self._minimal:
            return ""
        key = tuple(names)
        told = self._memory.get(key)
        if told is None:
            elements = "".join(_element(name) for name in names if name not in self._quiet)
            told = f"{_OPEN}{elements}{_MISSING}" if elements else ""
            if len(self._memory) < _MEMORY_MAX:
                self._memory[key] = told
        return told

    def _only_names(self, subject: Subject) -> str:
        names = [name for name, make in self._live.all.items() if make(subject) is not None]
        names += [name for name in subject.dead if name not in self._live.all]
        elements = "".join(map(_element, names))
        return f"<D:response><D:href>{subject.href}</D:href>{_OPEN}{elements}{_FOUND}</D:response>\n"


def _element(name: str) -> str:
    space, _, local = name.rpartition("}")
    prefix = _BY_SPACE.get(space[1:])
    return f"<{prefix}:{local}/>" if prefix else xml.empty_element(name)
