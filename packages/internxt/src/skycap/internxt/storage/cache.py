"""What is known of the tree, for a while: the one owner of the way from a path to an id.

Every change of ours says here what it changed, and touches no other entry. What others do beside us shows
after `keep_s` at the latest; who finds out sooner, since an id leads nowhere, says so, and looks up again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from skycap.core.paths import join, split
from skycap.internxt.api.models import File, Folder, Item

NAMES_MAX = 50_000
"""So many names of folders that were listed are kept; the folders that were listed first go first."""
Clock = Callable[[], float]


@dataclass(slots=True)
class Known:
    """A folder. Times are in seconds of the clock, None for never."""

    folder: Folder
    checked_at: float
    made_at: float | None = None
    """When we made it: the service may not see it everywhere yet."""
    listed_at: float | None = None
    """Since when `names` has all there is in it."""
    names: dict[str, Item] = field(default_factory=dict)
    turn: int = 0
    """Counts our own changes in it, so that a listing that began before one does not undo it."""


class Cache:
    """Folders by path, and in each what is known to be there. Threads share it."""

    def __init__(self, root: Folder, keep_s: float, clock: Clock = time.monotonic) -> None:
        self._keep_s = keep_s
        self._clock = clock
        self._lock = threading.RLock()
        self._folders: dict[str, Known] = {"": Known(root, clock())}

    def now(self) -> float:
        """Seconds of the clock."""
        return self._clock()

    def _fresh(self, since: float | None) -> bool:
        return since is not None and self._clock() - since < self._keep_s

    # What is known

    def folder(self, path: str) -> Known | None:
        """The folder at a path, if that was looked up not long ago; the root always is."""
        with self._lock:
            known = self._folders.get(path)
            return known if known is not None and (not path or self._fresh(known.checked_at)) else None

    def made(self, path: str, within_s: float) -> Known | None:
        """A folder that we made not longer ago than that."""
        with self._lock:
            known = self._folders.get(path)
            if known is None or known.made_at is None or self._clock() - known.made_at > within_s:
                return None
            return known

    def child(self, path: str) -> Item | None:
        """What is known to be at a path."""
        parent, name = split(path)
        with self._lock:
            known = self.folder(parent)
            if known is None or not self._fresh(known.listed_at):
                return None
            return known.names.get(name)

    def is_absent(self, path: str) -> bool:
        """Whether it is known that nothing is at a path."""
        parent, name = split(path)
        with self._lock:
            known = self.folder(parent)
            return known is not None and self._fresh(known.listed_at) and name not in known.names

    def path_of(self, uuid: str) -> str | None:
        """The path of a folder by its id, if that is known."""
        with self._lock:
            for path, known in self._folders.items():
                if known.folder.uuid == uuid and (not path or self._fresh(known.checked_at)):
                    return path
        return None

    # What was seen

    def saw_folder(self, path: str, folder: Folder) -> Known:
        """A look-up found a folder. Another one than before takes nothing over from that."""
        with self._lock:
            known = self._folders.get(path)
            if known is None or known.folder.uuid != folder.uuid:
                self._drop(path)
                known = self._folders[path] = Known(folder, self._clock())
            known.folder, known.checked_at = folder, self._clock()
            return known

    def saw_nothing(self, path: str) -> None:
        """A look-up found nothing: it goes, and all below it."""
        self.forget(path)

    def begin_listing(self, path: str) -> int:
        """A listing begins; what to hand to `end_listing`."""
        with self._lock:
            known = self._folders.get(path)
            return -1 if known is None else known.turn

    def end_listing(self, path: str, turn: int, items: Iterable[Item]) -> None:
        """All there is in a folder, unless we have changed it since the listing began."""
        with self._lock:
            known = self._folders.get(path)
            if known is None or known.turn != turn or self._keep_s <= 0:
                return
            known.names = {item.name: item for item in items}
            known.listed_at = self._clock()
            for name, item in known.names.items():
                below = join(path, name)
                there = self._folders.get(below)
                if isinstance(item, Folder):
                    self.saw_folder(below, item)
                elif there is not None:
                    self._drop(below)
            self._make_room()

    def _make_room(self) -> None:
        listed = [known for known in self._folders.values() if known.listed_at is not None]
        count = sum(len(known.names) for known in listed)
        for known in sorted(listed, key=lambda one: one.listed_at or 0.0):
            if count <= NAMES_MAX:
                return
            count -= len(known.names)
            known.names, known.listed_at = {}, None

    # What we changed

    def made_folder(self, path: str, folder: Folder) -> Known:
        """We made a folder: nothing is in it yet."""
        with self._lock:
            self._drop(path)
            now = self._clock()
            known = self._folders[path] = Known(folder, now, made_at=now, listed_at=now)
            self._put(path, folder)
            return known

    def wrote_file(self, path: str, file: File) -> None:
        """We made a file, or replaced its content."""
        with self._lock:
            if path in self._folders:
                self._drop(path)
            self._put(path, file)

    def removed(self, path: str, *, file: bool = False) -> None:
        """We removed what was there, and all below it; nothing is below a `file`."""
        with self._lock:
            if not file or path in self._folders:
                self._drop(path)
            parent, name = split(path)
            if (known := self._folders.get(parent)) is not None:
                known.turn += 1
                known.names.pop(name, None)

    def moved(self, source: str, target: str, item: Item) -> None:
        """We moved a file or a folder; what is below a folder moved along."""
        with self._lock:
            self._drop(target)
            inside = f"{source}/"
            along = {
                f"{target}/{path[len(inside) :]}": known
                for path, known in self._folders.items()
                if path.startswith(inside)
            }
            itself = self._folders.get(source)
            self.removed(source)
            self._folders.update(along)
            if isinstance(item, Folder) and itself is not None:
                itself.folder = item
                self._folders[target] = itself
            elif isinstance(item, Folder):
                self.saw_folder(target, item)
            self._put(target, item)

    def forget(self, path: str) -> None:
        """Nothing is known any more of a path and of what is below it; the root itself stays."""
        with self._lock:
            self._drop(path)
            if not path:
                root = self._folders[""]
                self._folders[""] = replace(root, names={}, listed_at=None, turn=root.turn + 1)
                return
            parent, name = split(path)
            known = self._folders.get(parent)
            if known is not None:
                known.names.pop(name, None)
                known.listed_at = None  # it may be there all the same, as somebody else's

    def _drop(self, path: str) -> None:
        """Folders at and below a path are not known any more."""
        inside = f"{path}/" if path else ""
        for one in [one for one in self._folders if one and (one == path or one.startswith(inside))]:
            del self._folders[one]

    def _put(self, path: str, item: Item) -> None:
        parent, name = split(path)
        if (known := self._folders.get(parent)) is not None:
            known.turn += 1
            if known.listed_at is not None:
                known.names[name] = item
