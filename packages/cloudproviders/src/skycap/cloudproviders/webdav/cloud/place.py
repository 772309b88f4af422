"""Where the folders and services beside the files of a user are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from skycap.cloudproviders.webdav.address import Place
from skycap.core import paths
from skycap.core.errors import ConfigInvalid, PathInvalid

_FILES = re.compile(r"((?:[^/]+/)*?)remote\.php/(?:dav/files/([^/]+)|webdav)(?:/(.*))?")


@dataclass(frozen=True, slots=True)
class CloudPlace:
    """A folder of a user. `front` is the cloud's own path, with a slash at its end if it has one."""

    front: str
    user: str
    folder: str

    @classmethod
    def of(cls, place: Place, user: str | None) -> CloudPlace:
        """From the address of the files; `ConfigInvalid` for one that is not a cloud's."""
        found = _FILES.fullmatch(place.base)
        name = (found.group(2) or user) if found else None
        if found is None or not name:
            raise ConfigInvalid(
                "not the address of a user's files",
                where=place.shown(),
                hint="Write url like https://cloud.example.com/remote.php/dav/files/USER.",
            )
        return cls(found.group(1), name, found.group(3) or "")

    def dav(self, *parts: str) -> str:
        """A path below `remote.php/dav`, from the server's root."""
        return f"{self.front}remote.php/dav/{paths.join(*parts)}"

    def files(self, path: str) -> str:
        """Where a file is for the services beside, whichever address the files themselves have."""
        return self.dav("files", self.user, self.folder, path)

    def ocs(self, rest: str) -> str:
        """A path of the OCS services, from the server's root."""
        return f"{self.front}ocs/v2.php/{rest}"

    def inside(self, path: str) -> str:
        """A path in the user's files, as the services name it."""
        return paths.join(self.folder, path)

    def relative(self, named: str) -> str | None:
        """The path of what a service names from the user's root; None if it is not in this folder."""
        try:
            return paths.relative_to(paths.normalise(named), self.folder)
        except PathInvalid:
            return None


def with_files(place: Place, user: str | None) -> Place:
    """The place of a user's files, where the address is that of the cloud as a whole."""
    if "remote.php" in place.base.split("/") or not user:
        return place
    base = paths.join(place.base, "remote.php/dav/files", user)
    return Place(place.scheme, place.host, place.port, base)
