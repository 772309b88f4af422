"""What a sync is going to remove: collected while it copies, shown before it happens, done last."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator
from itertools import islice

from skycap.core.errors import ConfirmationRequired, DeleteFailed, Error
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.transfer.plan import Action

_BATCH = 1000
_IN_MEMORY = 256 * 1024


class Removals:
    """Paths to remove, on disk beyond some thousands, so that a million costs no memory."""

    def __init__(self, target: Location, limit: int | None) -> None:
        self._target = target
        self._limit = limit
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115
        self._dirs: list[str] = []
        self.count = 0
        self.bytes = 0

    def add(self, action: Action) -> None:
        """One more to go."""
        entry = action.target
        self.count += 1
        if entry is not None and entry.is_dir:
            self._dirs.append(action.path)
            return
        self.bytes += (entry.size or 0) if entry else 0
        self._file.write(json.dumps(action.path) + "\n")

    def check(self) -> None:
        """`ConfirmationRequired` if there are more than the limit allows."""
        if self._limit is not None and self.count > self._limit:
            raise ConfirmationRequired(
                f"{self.count} items would be removed, more than the {self._limit} that --max-delete allows; "
                "nothing was removed",
                where=self._target.shown(),
                hint="Look at them with --dry-run, and raise --max-delete if they should go.",
            )

    def paths(self) -> Iterator[str]:
        """Files first, then directories, each below its parent first."""
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line)
        yield from reversed(self._dirs)

    def run(self, cancel: threading.Event) -> Iterator[tuple[str, Error | None]]:
        """Remove them; each path with what went wrong, or None."""
        storage, below = self._target.storage, self._target.below
        cut = len(self._target.path) + 1 if self._target.path else 0
        remaining = self.paths()
        files = islice(remaining, self.count - len(self._dirs))
        if storage.can(Capability.REMOVE_MANY):
            while not cancel.is_set() and (batch := [below(path) for path in islice(files, _BATCH)]):
                for path, failure in storage.remove_many(batch):
                    yield path[cut:], failure
        else:
            yield from self._one_by_one(files, cancel)
        yield from self._one_by_one(remaining, cancel)

    def _one_by_one(
        self, paths: Iterator[str], cancel: threading.Event
    ) -> Iterator[tuple[str, Error | None]]:
        for path in paths:
            if cancel.is_set():
                return
            failure: Error | None = None
            try:
                self._target.storage.remove(self._target.below(path))
            except Error as error:
                failure = DeleteFailed(error.message, where=error.where, hint=error.hint)
            yield path, failure

    def close(self) -> None:
        """Let go of the list."""
        self._file.close()
