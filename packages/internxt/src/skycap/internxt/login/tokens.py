"""What a token says of itself. It is a JWT that only the server can check; here its times are read.

One lives three days after a login and seven after a refresh. It is refreshed when half of its life is over:
so a job that runs every few days never meets an expired one, and what fails has days to be tried again.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from skycap.core.crypto.secret import Secret


@dataclass(frozen=True, slots=True)
class Claims:
    """Times in seconds since 1970, None where the token does not tell; and what it says of the account."""

    issued: float | None = None
    expires: float | None = None
    payload: dict[str, Any] | None = None

    def is_due(self, now: float) -> bool:
        """Whether it is time to refresh it."""
        if self.expires is None:
            return False
        if self.issued is None or self.issued >= self.expires:
            return now >= self.expires
        return now >= (self.issued + self.expires) / 2

    def is_over(self, now: float) -> bool:
        """Whether its time is up, by the clock of this machine."""
        return self.expires is not None and now >= self.expires


def claims(token: Secret[str]) -> Claims:
    """What can be read in a token; of one that is no JWT, nothing."""
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return Claims()
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return Claims()
    if not isinstance(found, dict):
        return Claims()
    payload = found.get("payload")
    return Claims(
        _moment(found.get("iat")), _moment(found.get("exp")), payload if isinstance(payload, dict) else None
    )


def is_newer(one: Secret[str], other: Secret[str]) -> bool:
    """Whether `one` was issued after `other`, or with it; also where they do not tell."""
    ours, theirs = claims(one).issued, claims(other).issued
    return ours is None or theirs is None or ours >= theirs


def _moment(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
