"""Where something is: a storage and a path in it."""

from __future__ import annotations

from dataclasses import dataclass

from skycap.core.paths import join, printable
from skycap.core.storage.interface import Storage


@dataclass(frozen=True, slots=True)
class Location:
    """A path in an opened storage. `name` is how the user wrote the place: `photos:2024` or `./docs`."""

    storage: Storage
    path: str = ""
    name: str = ""
    wants_dir: bool = False
    """Whether it was written with a slash at the end."""

    def below(self, path: str) -> str:
        """The path in the storage of what is `path` as seen from here."""
        return join(self.path, path)

    def shown(self, path: str = "") -> str:
        """For people: the place as the user wrote it, and a path below it."""
        name = self.name or self.path
        if not path:
            return printable(name)
        return printable(f"{name}{path}" if name.endswith((":", "/")) else f"{name}/{path}")
