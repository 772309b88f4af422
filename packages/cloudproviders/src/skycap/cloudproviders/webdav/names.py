"""Names that a server can hold, and those of files that are still on their way to it."""

from __future__ import annotations

import re
import secrets

from skycap.cloudproviders.webdav.vendors import Traits
from skycap.core import paths
from skycap.core.errors import PathInvalid

_TEMPORARY = re.compile(r"\.skycap-[0-9a-f]{16}\.part")


def is_temporary(name: str) -> bool:
    """Whether it is a file of ours that is not finished, which no listing shows."""
    return name.startswith(".skycap-") and _TEMPORARY.fullmatch(name) is not None


def temporary_beside(path: str) -> str:
    """A path in the same folder that nobody has."""
    return paths.join(paths.split(path)[0], f".skycap-{secrets.token_hex(8)}.part")


def check(path: str, traits: Traits, where: str) -> str:
    """`path` itself, if the server can hold it; else `PathInvalid`."""
    if not paths.is_utf8(path):
        raise PathInvalid("WebDAV names are UTF-8, and this one is not", where=where)
    if len(path) > traits.name_max // 4:
        for name in path.split("/"):
            if len(name.encode()) > traits.name_max:
                raise PathInvalid(f"a name has {traits.name_max} bytes at most", where=where)
    if bad := next((character for character in traits.forbidden if character in path), None):
        raise PathInvalid(f"the server keeps no name with {bad!r}", where=where, hint="Rename it.")
    return path
