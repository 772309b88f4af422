"""What is served: shares, each a location under a name, and which place of them a URL path means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from skycap.core.errors import UsageError
from skycap.core.location import Location
from skycap.core.paths import join, split, validate
from skycap.core.server.locks import resource_key
from skycap.core.storage.facts import Facts
from skycap.core.storage.interface import Storage


@dataclass(frozen=True, slots=True)
class Share:
    """A location, and the name under which it is served; `""` is all there is."""

    name: str
    location: Location
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL path means: a path in a storage. `url` is the decoded URL path, without outer slashes.

    Two places are the same thing where their `key` is the same, whatever the URL.
    """

    url: str
    share: Share
    storage: Storage
    path: str
    key: str = field(compare=False)

    @property
    def facts(self) -> Facts:
        """What is so about its storage."""
        return self.storage.facts

    @property
    def name(self) -> str:
        """The last part of its URL path."""
        return split(self.url)[1]

    @property
    def is_top(self) -> bool:
        """Whether it is the top of a share, which cannot be moved, replaced or removed."""
        return self.url == self.share.name

    def child(self, name: str) -> Place:
        """What has this name below it."""
        return Place(
            join(self.url, name), self.share, self.storage, join(self.path, name), f"{self.key}/{name}"
        )


class Shares:
    """All that is served. One share without a name is the root; several stand below a root of their own."""

    def __init__(self, shares: Iterable[Share]) -> None:
        self._shares: Mapping[str, Share] = {share.name: share for share in shares}
        self._keys: dict[str, str] = {}
        if not self._shares:
            raise UsageError("there is nothing to serve")
        if "" in self._shares and len(self._shares) > 1:
            raise UsageError("a share without a name must be the only one")
        for name in self._shares:
            if "/" in validate(name):
                raise UsageError("the name of a share is one part of a URL, without a slash", where=name)

    def __iter__(self) -> Iterator[Share]:
        return iter(self._shares.values())

    @property
    def has_root(self) -> bool:
        """Whether the top of all URLs is a list of shares, and no place in a storage."""
        return "" not in self._shares

    def place(self, url: str) -> Place | None:
        """The place a decoded URL path means; None for the list of shares and for what lies in none."""
        if "" in self._shares:
            share, rest = self._shares[""], url
        else:
            name, _, rest = url.partition("/")
            if not name or name not in self._shares:
                return None
            share = self._shares[name]
        path = share.location.below(rest)
        top = self._keys.get(share.name)
        if top is None:  # asked once: it can mean a look at each folder on the way there
            top = self._keys[share.name] = resource_key(share.location.storage)
        return Place(url, share, share.location.storage, path, f"{top}/{path}" if path else top)

    def side(self, _place: Place) -> Place | None:
        """Where what desktops leave in a folder lies, if that is not the folder itself."""
        return None

    def hides(self, _place: Place) -> Callable[[str], bool] | None:
        """Which names in a folder of the storage are not shown; None: all are."""
        return None
