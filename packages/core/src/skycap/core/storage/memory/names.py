"""Whether a store of certain facts can hold a path."""

from __future__ import annotations

from skycap.core.errors import PathInvalid
from skycap.core.paths import is_utf8, printable, to_bytes
from skycap.core.storage.facts import Facts


def check_names(path: str, facts: Facts) -> None:
    """`PathInvalid` if a store of these facts cannot hold the path."""
    if not path:
        return
    if not facts.bytes_names and not is_utf8(path):
        raise PathInvalid("names must be UTF-8 here", where=printable(path))
    for character in facts.forbidden:
        if character in path:
            raise PathInvalid(f"a name cannot hold {character!r} here", where=printable(path))
    length = len(to_bytes(path))
    if facts.path_max is not None and length > facts.path_max:
        raise PathInvalid(f"a path is longer than {facts.path_max} bytes", where=printable(path))
    if facts.name_max is not None and length > facts.name_max:
        longest = max(len(to_bytes(part)) for part in path.split("/"))
        if longest > facts.name_max:
            raise PathInvalid(f"a name is longer than {facts.name_max} bytes", where=printable(path))
