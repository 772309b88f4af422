"""The one place where an answer of Internxt's servers becomes an error of ours.

The Drive API tells `{"message": text or list, "error": ..., "statusCode": ...}`, the Network API
`{"error": text}`; in front of both may stand others, who tell what they like.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from skycap.core.errors import (
    AccessDenied,
    AuthExpired,
    Conflict,
    DownloadFailed,
    Error,
    NotFound,
    OutOfSpace,
    ProviderError,
    UploadFailed,
)
from skycap.core.http import Response, error_for_status, redact
from skycap.core.retry import Operation

_LOGIN = 'Run "skycap internxt login" for this remote.'
_PLAN = "The plan of the account does not hold this. What it holds stands on the account's page on the web."
_OURS: dict[int, tuple[type[Error], str, str | None]] = {
    400: (ProviderError, "the server does not take the request", None),
    401: (AuthExpired, "the login is not valid any more", _LOGIN),
    402: (AccessDenied, "the plan of the account does not allow this", _PLAN),
    403: (AccessDenied, "access denied", "It belongs to somebody else, or the account is blocked."),
    404: (NotFound, "nothing is there", None),
    406: (Conflict, "the root folder stays", None),
    409: (Conflict, "it conflicts with what is there", None),
    420: (OutOfSpace, "the space of the account is used up", "Free some space, and empty the trash."),
    422: (Conflict, "it cannot be moved there", None),
}


class LinkExpired(UploadFailed):
    """A link to write by is not good any more."""


def error_of(answer: Response, *, where: str, operation: Operation = Operation.LIST) -> Error:
    """The error for an answer with a status of 400 or more."""
    detail = said(answer)
    if answer.status not in _OURS:
        return error_for_status(
            answer.status, answer.headers, where=where, operation=operation, detail=detail
        )
    cls, text, hint = _OURS[answer.status]
    message = f"{text} (HTTP {answer.status})"
    return cls(f"{message}: {detail}" if detail else message, where=redact(where), hint=hint)


def object_error(status: int, headers: Mapping[str, str], *, where: str, operation: Operation) -> Error:
    """The same for the object storage. A link that has expired is answered with 403: a new one helps."""
    if status in {401, 403}:
        cls = LinkExpired if operation is Operation.UPLOAD else DownloadFailed
        return cls(
            f"the link to the object has expired (HTTP {status})",
            where=redact(where),
            hint="If it stays so, look at the clock of this machine.",
        )
    if status == 404 and operation is Operation.UPLOAD:
        return UploadFailed("the store has forgotten the upload (HTTP 404)", where=redact(where))
    return error_for_status(status, headers, where=where, operation=operation)


def said(answer: Response) -> str:
    """What the server says, in one line."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    value = found.get("message") or found.get("error") or ""
    if isinstance(value, list):
        value = "; ".join(str(one) for one in value)
    return " ".join(redact(str(value)).split())[:300]
