"""One question for every request that brings a login: may it come in, must it wait, or was it wrong?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from skycap.core.crypto.secret import Secret
from skycap.core.server.logins import Logins
from skycap.core.server.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Verdict:
    """Truthy if it may come in. `retry_after_s`, whole seconds, is set where it was not even looked at."""

    admitted: bool
    retry_after_s: int | None = None

    def __bool__(self) -> bool:
        return self.admitted


class Admission:
    """Logins behind a throttle; threads may share it."""

    def __init__(self, logins: Logins, throttle: Throttle | None = None) -> None:
        self._logins = logins
        self._throttle = throttle or Throttle()

    def admit(self, address: str, user: str, password: Secret[str]) -> Verdict:
        """Look at one login. What was right a short while ago passes, whatever others do meanwhile."""
        if self._logins.remembers(user, password):
            return Verdict(True)
        wait = self._throttle.allowed(address, user)
        if wait is not None:
            return Verdict(False, math.ceil(wait))
        if not self._logins.verify(user, password):
            self._throttle.failed(address, user)
            return Verdict(False)
        self._throttle.succeeded(address, user)
        return Verdict(True)
