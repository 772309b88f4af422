"""Codes of the second factor: TOTP (RFC 6238) with SHA-1, six digits, half a minute each."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from skycap.core.crypto.secret import Secret
from skycap.core.errors import UsageError

NO_CODE = (
    "--twofactor CODE gives one, or --twofactortoken the secret that makes them; so do INXT_TWOFACTORCODE "
    "and INXT_OTPTOKEN."
)
_CODE = re.compile(r"[0-9]{6}")


def code_at(secret: Secret[str], now: float) -> str:
    """The code that a secret in base32 makes at a time in seconds since 1970; `UsageError` if it is none."""
    import binascii

    import pyotp

    class Totp(pyotp.TOTP):
        min_secret_length_bits = 8  # Internxt's have 80 bits, and pyotp wants 112

    text = re.sub(r"[\s-]", "", secret.reveal()).upper()
    try:
        if not text:
            raise ValueError
        return Totp(text).at(int(now))
    except (binascii.Error, ValueError):
        raise UsageError(
            "the secret of the second factor is not base32",
            hint="It has the letters A to Z and the digits 2 to 7, as the page shows it beside the picture.",
        ) from None


def as_code(text: str) -> str:
    """A code as it was typed, without blanks; `UsageError` if it has not six digits."""
    found = re.sub(r"\s", "", text)
    if not _CODE.fullmatch(found):
        raise UsageError("a code of the second factor has six digits")
    return found


def code_now(secret: Secret[str], clock: Callable[[], float] = time.time) -> str:
    """The code for this moment."""
    return code_at(secret, clock())
