"""The journal of one upload: all of its state at first, then for each part only what that part brought."""

from __future__ import annotations

import json
import threading
from typing import Any

from skycap.core.storage.patches import difference
from skycap.core.storage.upload import Upload
from skycap.core.transfer.state import State


class Journal:
    """Writes down how far `upload` got, from any thread."""

    def __init__(self, state: State, upload: Upload, path: str, fingerprint: str) -> None:
        self._state = state
        self._upload = upload
        self._path = path
        self._fingerprint = fingerprint
        self._number = 0
        self._known: Any = None
        self._lock = threading.Lock()

    def begin(self) -> None:
        """All that there is to know, in the place of what stands there."""
        self._state.save_upload(self._path, self._fingerprint, self._upload.state)

    def put(self, index: int) -> None:
        """A part has come into the store."""
        with self._lock:  # so that what is written later is also what was asked for later
            patch = self._upload.part_state(index)
            if patch is not None:
                self._known = None
            else:
                # As JSON, or it would be compared with itself where an upload always gives the same object.
                before, self._known = self._known, json.loads(json.dumps(self._upload.state))
                patch = None if before is None else difference(before, self._known)
            self._number += 1
            if patch is None or not self._state.save_part(self._path, self._number, patch):
                self.begin()
