"""What runs that died left at the target: temporary files, and uploads that nobody will go on with."""

from __future__ import annotations

from collections.abc import Iterator

from skycap.core.errors import AccessDenied, Error
from skycap.core.location import Location
from skycap.core.paths import relative_to
from skycap.core.storage.capability import Capability
from skycap.core.transfer.parts import drop_upload
from skycap.core.transfer.state import State

_NEVER_S = 100 * 365 * 86400.0
"""Older than this is nothing: what goes is only what is known to have no writer, whatever its age."""


def tidy(state: State, target: Location, *, uploads: bool) -> Iterator[tuple[str, Error]]:
    """Remove it, at the end of a run that saw all there is to do; paths, and what went wrong there.

    `uploads` tells that an upload which this run did not take up will not be taken up: its source is gone,
    or it was complete when its run died. Costs nothing where no run over this pair died.
    """
    storage = target.storage
    for path in state.abandoned() if uploads else ():
        try:
            drop_upload(state, storage, path)
        except Error as error:
            yield relative_to(path, target.path), error
    if state.after_crash and storage.can(Capability.CLEANUP):
        try:
            for _ in storage.cleanup(target.path, older_than_s=_NEVER_S):
                pass
        except AccessDenied:
            pass  # who may write there need not be allowed to look for what was left
        except Error as error:
            yield "", error
            return
    state.after_crash = False
