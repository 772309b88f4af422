"""What the service finds for a text, page by page, and where each of it is."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from skycap.core.cli import entries
from skycap.core.errors import NotFound, Unsupported, UsageError
from skycap.core.retry import Operation
from skycap.core.storage.entry import Entry
from skycap.core.units import parse_age, parse_size
from skycap.internxt.api.models import time_text
from skycap.internxt.commands.drives import Drive

_AT_ONCE = 10
_NO_SUCH_ROUTE = (404, 405)
_ALIKE = 0.3
"""What is less alike is noise: the service finds whatever has three letters in common."""


@dataclass(frozen=True)
class Wanted:
    """What the service is told beside the text."""

    filters: dict[str, Any]
    unlike: bool = False

    @classmethod
    def parse(
        cls,
        types: Sequence[str] | None,
        min_size: str | None,
        max_size: str | None,
        min_age: str | None,
        max_age: str | None,
        *,
        unlike: bool,
    ) -> Wanted:
        """From what stood on the command line."""
        now = time.time()
        filters: dict[str, Any] = {}
        if types:
            filters["type"] = [one.removeprefix(".").lower() for one in types]
        sizes = [None if size is None else parse_size(size) for size in (min_size, max_size)]
        ages = [None if age is None else parse_age(age, now) for age in (min_age, max_age)]
        if sizes[0] is not None and sizes[1] is not None and sizes[0] > sizes[1]:
            raise UsageError("no file has at least --min-size and at most --max-size")
        named = zip(("minSize", "maxSize"), sizes, strict=True)
        filters |= {name: size for name, size in named if size is not None}
        for name, age in zip(("modifiedBefore", "modifiedAfter"), ages, strict=True):
            if age is not None:
                filters[name] = time_text(int((now - age) * 1e9))
        return cls(filters, unlike)


@dataclass(frozen=True)
class Hit:
    """Something that was found."""

    drive: Drive
    uuid: str
    entry: Entry
    likeness: float

    def shown(self) -> str:
        """Where it is, as one would write it."""
        return self.drive.shown(f"{self.entry.path}/" if self.entry.is_dir else self.entry.path)

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return entries.as_record(self.entry) | {"id": self.uuid, "similarity": self.likeness}


def hits(drive: Drive, text: str, below: str, wanted: Wanted) -> Iterator[Hit]:
    """Files and folders at or below a path, best first, each once. What is in the trash is left out."""
    seen: set[str] = set()
    plain = _plain(text)
    for found in _raw(drive, text, wanted.filters):
        uuid = str(found.get("itemId") or "").lower()
        if not uuid or uuid in seen:
            continue
        seen.add(uuid)
        likeness = _likeness(found)
        named = plain in _plain(str(found.get("name") or ""))
        if not (wanted.unlike or named or likeness >= _ALIKE):
            continue
        try:
            item = drive.by_id(uuid)
        except NotFound:
            continue  # it went since the service looked
        path = drive.path_of(item)
        if path is not None and (not below or path == below or path.startswith(f"{below}/")):
            yield Hit(drive, uuid, drive.storage.entry(path, item), likeness)


def _raw(drive: Drive, text: str, filters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        page = drive.asked(Operation.LIST, _page, drive, text, offset, filters)
        yield from page
        if len(page) < _AT_ONCE:
            return
        offset += len(page)


def _page(drive: Drive, text: str, offset: int, filters: dict[str, Any]) -> list[dict[str, Any]]:
    path, api, where = f"/fuzzy/{quote(text, safe='')}", drive.storage.api, drive.prefix
    answer = api.drive("POST", path, json={"offset": offset, **filters}, where=where, ok=_NO_SUCH_ROUTE)
    if answer.status in _NO_SUCH_ROUTE:
        if filters:
            raise Unsupported(
                "this server searches by name alone",
                where=where,
                hint='Leave the filters out, or let "skycap find" walk through the place.',
            )
        answer = api.drive("GET", path, params={"offset": offset}, where=where)
    return [one for one in answer.json().get("data") or () if isinstance(one, dict)]


def _likeness(found: dict[str, Any]) -> float:
    value = found.get("similarity")
    return float(value) if isinstance(value, int | float) else 0.0


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
