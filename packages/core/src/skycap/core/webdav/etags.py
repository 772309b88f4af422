"""Strong ETags: they change whenever the bytes do, and are the same in every answer and after a restart."""

from __future__ import annotations

from hashlib import blake2b

from skycap.core.storage.entry import Entry
from skycap.core.storage.facts import Facts


def etag_of(entry: Entry, facts: Facts) -> str | None:
    """The ETag of a file without quotes, or None where nothing tells one state from the next.

    It comes from what listings tell too: a client compares what PROPFIND said with what GET says.
    """
    if not entry.is_file:
        return None
    if entry.version is not None and "version" in facts.scan_fields:
        said = entry.version
    elif (moment := entry.mtime_ns if "mtime_ns" in facts.scan_fields else entry.stored_at_ns) is not None:
        said = f"{entry.size}-{moment}"
    else:
        return None
    return blake2b(said.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def parse_list(value: str) -> list[tuple[bool, str]] | None:
    """The ETags of an If-Match or If-None-Match header, each with whether it is weak; None for `*`.

    Forgiving, as clients are not exact: what has no quotes is taken as it stands.
    """
    if value.strip() == "*":
        return None
    found, rest = [], value.strip()
    while rest:
        weak = rest.startswith(("W/", "w/"))
        rest = rest[2:] if weak else rest
        if rest.startswith('"'):
            tag, _, rest = rest[1:].partition('"')
            rest = rest.partition(",")[2]
        else:
            tag, _, rest = rest.partition(",")
        found.append((weak, tag.strip()))
        rest = rest.strip()
    return found
