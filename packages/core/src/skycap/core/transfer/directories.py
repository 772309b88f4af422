"""Time and mode of the target's directories: set last, since writing into one changes its time, and its mode
may forbid to.
"""

from __future__ import annotations

from collections.abc import Iterator

from skycap.core.errors import Conflict, Error, Unsupported
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.transfer.plan import Action


class Directories:
    """Those that a run made, and those that were there and are not as at the source, or will not stay so.

    Actions come in the order of a plan, so that only the directories around the last one are remembered.
    """

    def __init__(
        self, source: Location, target: Location, *, enabled: bool, metadata: bool, tolerance_ns: int
    ) -> None:
        self._source, self._target = source, target
        self._enabled = enabled and target.storage.can(Capability.SET_METADATA)
        kept = source.storage.facts.metadata_fields & target.storage.facts.metadata_fields
        self._looks = metadata and not kept <= {"mtime_ns"}
        self._tolerance_ns = tolerance_ns
        self._around: list[tuple[str, Entry]] = []
        self._last: list[tuple[str, Metadata]] = []
        self._updated: set[str] = set()

    def made(self, entry: Entry) -> None:
        """This one was made at the target."""
        if self._enabled:
            self._last.append((entry.path, self._metadata(entry)))

    def kept(self, ours: Entry, theirs: Entry) -> None:
        """This one was there already; before whatever is below it."""
        if not self._enabled or ours.mtime_ns is None or theirs.mtime_ns is None:
            return
        if abs(ours.mtime_ns - theirs.mtime_ns) >= self._tolerance_ns:
            self._last.append((ours.path, self._metadata(ours)))
            self._updated.add(ours.path)
        else:
            self._leave(ours.path)
            self._around.append((f"{ours.path}/", ours))

    def touched(self, action: Action) -> None:
        """Something is written or removed there, which changes the directory around it."""
        self._leave(action.path)
        if self._around and "/" not in action.path[len(self._around[-1][0]) :]:
            ours = self._around.pop()[1]
            self._last.append((ours.path, Metadata(mtime_ns=ours.mtime_ns)))

    def finish(self) -> Iterator[tuple[str, bool, Error | None]]:
        """Set them, deepest first: for each whether it was another before, and what went wrong.

        A store that refuses directories keeps no metadata of them: nothing was changed, and nothing is wrong.
        """
        for path, metadata in sorted(self._last, key=lambda item: item[0].count("/"), reverse=True):
            failure: Error | None = None
            try:
                self._target.storage.set_metadata(self._target.below(path), metadata)
            except (Unsupported, Conflict):
                continue
            except Error as error:
                failure = error
            yield path, path in self._updated, failure
        self._last.clear()

    def _leave(self, path: str) -> None:
        while self._around and not path.startswith(self._around[-1][0]):
            self._around.pop()

    def _metadata(self, entry: Entry) -> Metadata:
        if self._looks:
            told = self._source.storage.stat(self._source.below(entry.path))
            if told.metadata is not None:
                return told.metadata
        return Metadata(mtime_ns=entry.mtime_ns)
