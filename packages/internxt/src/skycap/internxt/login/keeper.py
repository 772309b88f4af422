"""Where a refreshed token is put back, and the lock under which one process at a time refreshes."""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from skycap.core.auth.references import Secrets
from skycap.core.config.edit import locked
from skycap.core.errors import Error, StateWriteFailed
from skycap.core.state import make_private_folder, state_folder
from skycap.internxt.login.account import Kept

_LEAP_S = 1e9
_log = logging.getLogger("skycap.internxt")


class Keeper:
    """The place of one login in the credential store; without a reference it remembers nothing."""

    def __init__(self, kept: Kept) -> None:
        self._uuid = kept.account.uuid
        self._reference = kept.reference
        self._is_there = False

    def read(self) -> Kept | None:
        """What is kept there now, if it is of the same account and can be read."""
        self._is_there = False
        if self._reference is None:
            return None
        from skycap.core.plugins import plugins

        try:
            secret = Secrets(plugins().credential_store).fetch(self._reference, where="the login")
            found = Kept.of_secret(secret)
        except Error as error:
            _log.info("what is kept of the login cannot be read again: %s", error)
            return None
        self._is_there = found.account.uuid == self._uuid
        return found if self._is_there else None

    def write(self, kept: Kept) -> None:
        """Put it back where `read` found the one before; a login that was forgotten meanwhile stays so."""
        if not self._is_there or self._reference is None:
            return
        from skycap.core.plugins import plugins

        try:
            entry = Secrets(plugins().credential_store).entry(self._reference)
            if entry is not None:  # None: the login came from an environment variable, a file or a program
                entry.keep(kept.as_secret())
        except Error as error:
            _log.warning(
                "the new token serves this run, but could not be kept for the next: %s. %s",
                error,
                error.hint or "",
            )

    @contextmanager
    def alone(self, *, patient: bool = True) -> Iterator[None]:
        """Hold the lock of this account; `Locked` after ten seconds, or at once.

        Where no lock can be made, since the state folder cannot be written, nobody waits for anybody.
        """
        # A clock that leaps: the first look at the time after a failure is too late already.
        clock = time.monotonic if patient else itertools.count(0, _LEAP_S).__next__
        try:
            folder = make_private_folder(os.path.join(state_folder(), "internxt"))
            name = hashlib.sha256(self._uuid.encode("utf-8")).hexdigest()[:16]
            lock = locked(os.path.join(folder, f"{name}.lock"), clock)
            lock.__enter__()
        except (OSError, StateWriteFailed) as error:
            _log.info("tokens are refreshed without a lock: %s", error)
            yield
            return
        try:
            yield
        finally:
            lock.__exit__(None, None, None)
