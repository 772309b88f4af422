"""What desktops leave beside files (`._name`, `.DS_Store`, `Thumbs.db`, `desktop.ini`), and where it goes.

In front of a store that is far away such files cost more than they are worth, and Finder asks for them before
each file. So they can go to a side store in the state folder: one folder a share, with the same paths in it.
Clients see them where they put them.

Some names that Finder looks for at the top of a volume are asked of the storage all the same: `.hidden` is
written by people for other desktops, `mach_kernel` and `Backups.backupdb` are files and folders of theirs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Literal

from skycap.core.paths import to_bytes
from skycap.core.server.locks import resource_key
from skycap.core.state import make_private_folder, state_folder
from skycap.core.storage.capability import Capability
from skycap.core.storage.interface import Storage
from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place, Share, Shares

Policy = Literal["auto", "store", "side", "refuse"]
_NAMES = frozenset(
    {
        ".DS_Store",
        ".Spotlight-V100",
        ".TemporaryItems",
        ".Trashes",
        ".fseventsd",
        ".metadata_never_index",
        ".metadata_never_index_unless_rootfs",
    }
)
_WINDOWS = frozenset({"desktop.ini", "thumbs.db"})
_READING = frozenset({"GET", "HEAD", "PROPFIND", "OPTIONS", "DELETE"})


def is_junk(name: str) -> bool:
    """Whether a desktop leaves files of this name, and nobody misses them elsewhere."""
    if name.startswith("."):
        return (name.startswith("._") and len(name) > 2) or name in _NAMES or name.startswith(".ql_")
    return len(name) < 12 and name.casefold() in _WINDOWS


class Junk:
    """Where such files go.

    `store`: to the storage as any file; `side`: to a store of their own in the state folder; `refuse`:
    nowhere, writing one is forbidden. `auto` is `store` where the storage is on this machine, else `side`,
    for each share by itself.
    """

    def __init__(self, policy: Policy = "auto", folder: str | None = None) -> None:
        self.policy = policy
        self._folder = folder
        self._sides: dict[str, tuple[Storage, str]] = {}

    def over(self, shares: Shares) -> Shares:
        """The same shares, in which junk has its own places."""
        return shares if self.policy == "store" else SideShares(shares, self)

    def place(self, request: Request, shares: Shares) -> Place | None:
        """The place that the URL of a request means; `Refusal` 403 for writing what is refused."""
        place = shares.place(request.path)
        refused = place is None and self.policy == "refuse" and any(map(is_junk, request.path.split("/")))
        if refused and request.method not in _READING:
            raise Refusal(403, "such files are not kept here")
        return place

    def policy_of(self, share: Share) -> Policy:
        """What happens in a share."""
        if self.policy != "auto":
            return self.policy
        return "store" if share.location.storage.can(Capability.LOCAL_PATH) else "side"

    def side(self, share: Share) -> tuple[Storage, str]:
        """The side store of a share, and its key. Its folder is made by the first write."""
        if share.name not in self._sides:
            from skycap.core.storage.local import Local

            key = resource_key(share.location)
            name = hashlib.sha256(to_bytes(key)).hexdigest()[:32]
            folder = self._folder or os.path.join(state_folder(), "webdav", "side")
            storage = Local(os.path.join(make_private_folder(folder), name))
            self._sides[share.name] = storage, resource_key(storage)
        return self._sides[share.name]


class SideShares(Shares):
    """Shares in which junk lies elsewhere."""

    def __init__(self, shares: Shares, junk: Junk) -> None:
        super().__init__(list(shares))
        self._junk = junk

    def place(self, url: str) -> Place | None:
        """The place a decoded URL path means; None also for junk that is refused."""
        place = super().place(url)
        if place is None or not any(map(is_junk, _below(place).split("/"))):
            return place
        match self._junk.policy_of(place.share):
            case "store":
                return place
            case "side":
                return self._aside(place)
        return None

    def side(self, place: Place) -> Place | None:
        """The place in the side store where the junk of a folder lies; None if there is none such."""
        if self._junk.policy_of(place.share) != "side" or self._is_beside(place):
            return None
        return self._aside(place)

    def hides(self, place: Place) -> Callable[[str], bool] | None:
        """Which names in a folder of the storage are not shown; None: all are."""
        if self._junk.policy_of(place.share) == "store" or self._is_beside(place):
            return None
        return is_junk

    def _is_beside(self, place: Place) -> bool:
        return place.storage is not place.share.location.storage

    def _aside(self, place: Place) -> Place:
        (storage, key), path = self._junk.side(place.share), _below(place)
        return Place(place.url, place.share, storage, path, f"{key}/{path}" if path else key)


def _below(place: Place) -> str:
    """The path of a place as seen from the top of its share."""
    name = place.share.name
    return place.url[len(name) + 1 :] if name else place.url
