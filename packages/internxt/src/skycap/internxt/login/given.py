"""What a login is told beforehand: by flags, or by variables of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from skycap.core.crypto.secret import Secret

VARIABLES = {
    "email": ("INXT_USER", "INTERNXT_USER"),
    "password": ("INXT_PASSWORD", "INTERNXT_PASSWORD"),
    "code": ("INXT_TWOFACTORCODE", "INTERNXT_TWOFACTORCODE", "INTERNXT_2FA_TOKEN"),
    "twofactortoken": ("INXT_OTPTOKEN", "INTERNXT_OTPTOKEN"),
}
"""The first that is set counts. The names are those of other clients; the long ones are twins."""


@dataclass(frozen=True)
class Given:
    """What is known before anybody is asked. `keep_*` says that it may stay in the credential store."""

    email: str | None = None
    password: Secret[str] | None = None
    code: Secret[str] | None = None
    """Six digits, good for half a minute."""
    twofactortoken: Secret[str] | None = None
    """The secret that makes them, in base32."""
    keep_password: bool = False
    keep_twofactortoken: bool = False
    browser: bool = False
    opens_browser: bool = True
    """Whether the page is opened here, or its address only told."""
    port: int = 0
    """Where the browser comes back to on this machine; 0 is any free one."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Given:
        """What the variables say."""
        found = {
            name: next((environ[one] for one in variables if environ.get(one)), None)
            for name, variables in VARIABLES.items()
        }
        hidden = {name: Secret(value) if value else None for name, value in found.items()}
        return cls(found["email"], hidden["password"], hidden["code"], hidden["twofactortoken"])

    def over(self, other: Given) -> Given:
        """These, and from `other` what is not said here; nothing if that is about another account.

        The password of somebody else would count as a failure, and ten of them block an account.
        """
        if self.email and other.email and self.email.strip().lower() != other.email.strip().lower():
            return self
        missing = {
            field.name: getattr(other, field.name)
            for field in fields(self)
            if getattr(self, field.name) is None
        }
        return replace(self, **missing)
