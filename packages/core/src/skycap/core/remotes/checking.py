"""Looks whether a place answers, without changing anything in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from skycap.core.config import same_name
from skycap.core.errors import Error
from skycap.core.location import Location
from skycap.core.remotes.address import Form, parse
from skycap.core.remotes.opening import Opener
from skycap.core.storage.capability import Capability
from skycap.core.units import format_size

_LOOK_AT = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried, and what came of it."""

    name: str
    detail: str = ""
    seconds: float = 0.0
    error: Error | None = None

    @property
    def told(self) -> str:
        """What came of it: what was found, or why not."""
        return self.detail if self.error is None else str(self.error)

    def as_record(self) -> dict[str, Any]:
        """The JSON object of the step."""
        return {
            "type": "check",
            "step": self.name,
            "ok": self.error is None,
            "detail": self.told,
            "seconds": round(self.seconds, 3),
        }


def standing_on(opener: Opener, name: str) -> list[str]:
    """The remotes that have their place in this one."""
    found = []
    for other in opener.remotes.names():
        try:
            remote = opener.remotes.get(other)
            wraps = getattr(opener.load(remote.type, other), "wraps", None)
            below = parse(str(remote.values.get(wraps) or ".")) if wraps else None
        except Error:
            continue  # what cannot be opened loses nothing
        if below is not None and below.form is Form.REMOTE and same_name(below.name, {name: None}):
            found.append(other)
    return found


def check_place(location: Location) -> Iterator[Step]:
    """Reach it, list it, read a byte, ask for its quota; then what it says it can do."""
    storage = location.storage
    found: list[str] = []

    def listing() -> str:
        entries = list(islice(storage.scan(location.path), _LOOK_AT))
        found.extend(entry.path for entry in entries if entry.is_file and entry.size)
        if len(entries) == _LOOK_AT:
            return f"{_LOOK_AT} or more entries"
        return "1 entry" if len(entries) == 1 else f"{len(entries)} entries"

    def reading() -> str:
        if not found:
            return "no file to read here"
        with storage.read(found[0], offset=0, length=1) as reader:
            return f"{len(reader.read(1))} byte of {found[0]}"

    def quota() -> str:
        known = storage.quota()
        parts = [("used", known.used), ("free", known.free), ("in all", known.total)]
        return ", ".join(f"{format_size(size)} {what}" for what, size in parts if size is not None)

    yield Step("identity", storage.identity)
    listed = None
    if storage.can(Capability.LIST):
        yield (listed := _tried("list", listing))
    if storage.can(Capability.READ) and (listed is None or listed.error is None):
        yield _tried("read", reading)
    if storage.can(Capability.QUOTA):
        yield _tried("quota", quota)
    yield Step("can", " ".join(sorted(capability.value for capability in storage.capabilities)))


def _tried(name: str, call: Callable[[], str]) -> Step:
    began = time.monotonic()
    try:
        return Step(name, call(), time.monotonic() - began)
    except Error as error:
        return Step(name, "", time.monotonic() - began, error)
