"""Logging in again by itself, for who asked that the password be kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthExpired
from skycap.internxt.login.account import LOG_IN, Kept
from skycap.internxt.login.codes import code_at
from skycap.internxt.login.gate import Gate
from skycap.internxt.login.password import log_in


@dataclass(frozen=True)
class Again:
    """What it takes: the password, and the secret of the second factor where the account has one."""

    email: str
    password: Secret[str]
    twofactortoken: Secret[str] | None = None
    clock: Callable[[], float] = time.time

    def __call__(self, gate: Gate) -> Kept:
        """A new login; `AuthExpired` if a second factor is wanted whose secret is not kept."""
        return log_in(gate, self.email, self.password, self._code)

    def _code(self) -> str:
        if self.twofactortoken is None:
            raise AuthExpired(
                "the login has expired, and a new one needs a code of the second factor",
                where=self.email,
                hint=f"{LOG_IN} With --keep-twofactortoken skycap makes the codes itself.",
            )
        return code_at(self.twofactortoken, self.clock())
