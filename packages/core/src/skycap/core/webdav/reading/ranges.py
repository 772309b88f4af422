"""The headers Range and If-Range (RFC 9110, sections 13.1.5 and 14)."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from skycap.core.storage.entry import Entry
from skycap.core.webdav.conditions import modified_s
from skycap.core.webdav.dates import http_date
from skycap.core.webdav.etags import parse_list
from skycap.core.webdav.request import Request

RANGES_MAX = 10
_SPEC = re.compile(r"([0-9]{0,40})-([0-9]{0,40})")


class Unsatisfiable(Exception):
    """None of the ranges touches the content."""


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes from `start` up to, and without, `stop`."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.stop - self.start

    def of(self, size: int) -> str:
        """As Content-Range has it."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def parse(header: str, size: int) -> list[Range] | None:
    """The ranges of a content of `size` bytes; None where the header is to be ignored: all is sent then.

    That is so for other units than bytes, for what is no range, and for more than 10. Ranges that overlap are
    made one. `Unsatisfiable` where all lie past the end.
    """
    unit, equals, rest = header.partition("=")
    if unit.strip().lower() != "bytes" or not equals:
        return None
    specs = [spec.strip() for spec in rest.split(",") if spec.strip()]
    found: list[Range] = []
    for spec in specs:
        match = _SPEC.fullmatch(spec)
        if match is None or spec == "-":
            return None
        first, last = match.groups()
        if first and last and int(last) < int(first):
            return None
        if first:
            start, stop = int(first), min(int(last) + 1, size) if last else size
        else:
            start, stop = max(0, size - int(last)), size
        if start < stop:
            found.append(Range(start, stop))
    if not specs:
        return None
    if not found:
        raise Unsatisfiable
    found = _joined(found)
    return found if len(found) <= RANGES_MAX else None


def _joined(ranges: list[Range]) -> list[Range]:
    """Those that overlap made one, in order; as they came where none does."""
    joined: list[Range] = []
    for one in sorted(ranges, key=lambda each: each.start):
        if joined and one.start < joined[-1].stop:
            joined[-1] = Range(joined[-1].start, max(joined[-1].stop, one.stop))
        else:
            joined.append(one)
    return ranges if len(joined) == len(ranges) else joined


def wanted(request: Request, entry: Entry, etag: str | None) -> list[Range] | None:
    """The ranges a request asks for; None: all of it."""
    header = request.header("RANGE")
    if header is None or entry.size is None or request.method != "GET":
        return None
    condition = request.header("IF_RANGE")
    if condition is not None and not _same(condition.strip(), entry, etag):
        return None
    return parse(header, entry.size)


def _same(condition: str, entry: Entry, etag: str | None) -> bool:
    if condition.startswith(('"', "W/")):
        return etag is not None and parse_list(condition) == [(False, etag)]
    moment = modified_s(entry)
    # Within the second a file may have changed twice, and the date tells nothing.
    return moment is not None and condition == http_date(moment) and time.time() - moment > 1
