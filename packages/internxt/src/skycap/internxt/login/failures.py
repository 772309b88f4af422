"""What a refused login means, and what to do: statuses of the account's routes become errors here."""

from __future__ import annotations

import json

from skycap.core.errors import AccessDenied, AuthExpired, AuthMissing, Error, ProviderError
from skycap.core.http import Response, error_for_status
from skycap.core.paths import printable
from skycap.internxt.login.account import LOG_IN

_SHOWN = 200
_PLANS = "https://internxt.com/pricing"


def refusal(answer: Response, *, where: str) -> Error:
    """The error for an answer of 400 and more to a login."""
    said = _said(answer)
    if answer.status == 401:
        if "2-factor" in said or "2fa" in said.lower():
            return AuthMissing(
                "the code of the second factor is missing or wrong",
                where=where,
                hint="A code is good for half a minute: is the clock of this machine right? --twofactor "
                "takes a code, --twofactortoken the secret that makes them.",
            )
        return AuthMissing(
            "the e-mail address or the password is wrong",
            where=where,
            hint="Look before you try again: after ten failures Internxt blocks an account. Who signs in "
            "through another service has no password, and logs in with --browser.",
        )
    if answer.status == 403:
        return AccessDenied(
            f"the account is blocked, as it is after ten failed logins ({said or 'HTTP 403'})",
            where=where,
            hint="Ask Internxt's support to open it; more tries do not help.",
        )
    if answer.status == 400:
        return ProviderError(
            f"the server does not take this login: {said or 'HTTP 400'}",
            where=where,
            hint="Is the e-mail address written right?",
        )
    return _other(answer, said, where)


def expiry(answer: Response, *, where: str) -> Error:
    """The error for an answer of 400 and more to a refresh, and to what is asked with a token."""
    said = _said(answer)
    if answer.status == 401:
        return AuthExpired(
            "the login has expired or was ended, and could not be renewed",
            where=where,
            hint=f"{LOG_IN} It also ends when the password is changed.",
        )
    return _other(answer, said, where)


def _other(answer: Response, said: str, where: str) -> Error:
    if answer.status == 402:
        return AccessDenied(
            f"the plan of this account does not let programs in ({said or 'HTTP 402'})",
            where=where,
            hint=f"Internxt opens its drive to other programs on some plans only: see {_PLANS}. The password "
            "was right, and nothing was changed.",
        )
    return error_for_status(answer.status, answer.headers, where=where, detail=said)


def _said(answer: Response) -> str:
    """What the server said for people: its message, or messages."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return ""
    message = found.get("message", found.get("error")) if isinstance(found, dict) else None
    parts = message if isinstance(message, list) else [message]
    text = "; ".join(part for part in parts if isinstance(part, str))
    return printable(" ".join(text.split()))[:_SHOWN]
