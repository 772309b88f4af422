"""What is known of servers: where they do more than RFC 4918 asks for, or less.

Nothing here is guessed. Whether a server heeds `If-None-Match` on a write cannot be found out without
writing, and one that takes the header and ignores it would overwrite a file that must stay; so conditions are
declared for servers that are known to check them, and for no other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Patch = Literal["none", "lastmodified", "getlastmodified", "win32"]
_CONTROLS = "".join(map(chr, range(1, 32)))


@dataclass(frozen=True, slots=True)
class Traits:
    """How a server of one kind behaves; the defaults are those of one nobody knows anything about."""

    vendor: str = "generic"
    conditions: bool = False
    """Whether `If-Match` and `If-None-Match` hold for PUT and DELETE."""
    atomic_put: bool = False
    """Whether a PUT that breaks off leaves the old file."""
    header: bool = False
    """Whether a PUT takes the time of a file from the header X-OC-Mtime."""
    patch: Patch = "none"
    """The property by which the time of a file is set."""
    etags: bool = False
    """Whether each file has a strong ETag, in listings too."""
    infinity: bool = False
    """Whether all below a folder is told in one answer."""
    chunked: bool = False
    """Whether a body of unknown length is taken."""
    odd_targets: bool = False
    """Whether a move or copy goes to a name with `?`, `#` or a control character as it is asked to.

    Some unpack the header `Destination` before they take it apart (WsgiDAV does), and so move a file over
    another one, whose name is the beginning of that.
    """
    quota: bool = False
    copy: bool = True
    move: bool = True
    uploads: bool = False
    """Whether large files can be sent in parts (chunked upload)."""
    shares: bool = False
    checksums: bool = False
    extras: bool = False
    """Whether there are Nextcloud's trash, versions and search."""
    name_max: int = 255
    forbidden: str = ""

    @property
    def keeps_times(self) -> bool:
        """Whether the time of a file is the one it was given."""
        return self.header or self.patch != "none"


ODD = frozenset("?#;" + _CONTROLS)


GENERIC = Traits()
VENDORS: dict[str, Traits] = {
    "generic": GENERIC,
    "nextcloud": Traits(
        "nextcloud",
        odd_targets=True,
        conditions=True,
        atomic_put=True,
        header=True,
        patch="lastmodified",
        etags=True,
        infinity=True,
        quota=True,
        uploads=True,
        shares=True,
        checksums=True,
        extras=True,
        name_max=250,
        forbidden="\\" + _CONTROLS,
    ),
    "owncloud": Traits(
        "owncloud",
        odd_targets=True,
        conditions=True,
        atomic_put=True,
        header=True,
        patch="lastmodified",
        etags=True,
        quota=True,
        uploads=True,
        shares=True,
        checksums=True,
        name_max=250,
        forbidden="\\" + _CONTROLS,
    ),
    "infinitescale": Traits(
        "infinitescale", atomic_put=True, header=True, etags=True, quota=True, checksums=True
    ),
    "fastmail": Traits("fastmail", header=True, chunked=True),
    "sharepoint": Traits("sharepoint", atomic_put=True, patch="win32", etags=True, forbidden='"*:<>?\\|#%'),
    "rclone": Traits("rclone", odd_targets=True, header=True, patch="lastmodified", etags=True, chunked=True),
    "skycap": Traits(
        "skycap",
        odd_targets=True,
        conditions=True,
        atomic_put=True,
        header=True,
        patch="lastmodified",
        etags=True,
        chunked=True,
    ),
}
CLOUDS = frozenset({"nextcloud", "owncloud"})
"""Servers whose files are at `remote.php/dav/files/USER`, with folders beside it for all else they can do."""


def with_times(traits: Traits, how: str) -> Traits:
    """The same server, of which the configuration says how it keeps the time of a file."""
    if how == "auto":
        return traits
    if how == "header":
        return replace(traits, header=True, patch="none")
    patch: dict[str, Patch] = {
        "lastmodified": "lastmodified",
        "getlastmodified": "getlastmodified",
        "win32": "win32",
    }
    return replace(traits, header=False, patch=patch.get(how, "none"))
