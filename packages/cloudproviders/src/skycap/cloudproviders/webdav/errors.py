"""The edge: what a server answered instead of doing it becomes an error of ours, here only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import unescape

from skycap.cloudproviders.webdav.multistatus import Item
from skycap.core.errors import (
    AccessDenied,
    AuthExpired,
    AuthMissing,
    Conflict,
    DeleteFailed,
    Error,
    Locked,
    OutOfSpace,
    PathInvalid,
    ProviderError,
    RateLimited,
)
from skycap.core.http import error_for_status, retry_after
from skycap.core.paths import printable
from skycap.core.retry import Operation

_MESSAGE = re.compile(r"<(?:\w+:)?(?:message|responsedescription)(?:\s[^>]*)?>([^<]+)<")
_EXCEPTION = re.compile(r"<(?:\w+:)?exception(?:\s[^>]*)?>([^<]+)<")
_FAULTY_NAME = re.compile(r"InvalidPath|ForbiddenFile|InvalidCharacter|FileNameTooLong|EmptyFileName")
_ANSWERED = 16 * 1024
GONE = frozenset({404, 410})
"""How a server says that nothing is there."""


@dataclass(frozen=True, slots=True)
class _Meaning:
    cls: type[Error]
    message: str
    hint: str | None = None
    retryable: bool = False


_MEANINGS: dict[int, _Meaning] = {
    400: _Meaning(ProviderError, "the server does not understand the request"),
    403: _Meaning(
        AccessDenied,
        "access denied",
        "The account may not do this here: look at its rights, and at the address.",
    ),
    409: _Meaning(Conflict, "it conflicts with what is there"),
    412: _Meaning(Conflict, "it exists already, or has changed"),
    413: _Meaning(
        ProviderError,
        "the server takes no file of this size",
        "A proxy in front of it may set the limit. A server with chunked uploads takes it in parts.",
    ),
    423: _Meaning(Locked, "somebody else has locked it", "Try again when the lock is gone."),
    429: _Meaning(RateLimited, "the server asks to slow down", None, True),
    503: _Meaning(RateLimited, "the server is busy, or being maintained", None, True),
    507: _Meaning(OutOfSpace, "the store is full", "Free some space there, or have the quota raised."),
}
_LOG_IN = "skycap auth login REMOTE"


def error_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    where: str,
    operation: Operation,
    welcome: bool = False,
    given: bool = True,
) -> Error:
    """The error for a status of 400 and more.

    `welcome` says that the server let us in before, `given` that there is something to log in with.
    """
    said, exception = _said(body, headers)
    if status == 401:
        return _refused(where, said, welcome=welcome, given=given)
    if status in {400, 403} and _FAULTY_NAME.search(exception):
        return PathInvalid(f"the server cannot hold this name ({said})", where=where, hint="Rename it.")
    meaning = _MEANINGS.get(status)
    if meaning is None:
        return error_for_status(status, headers, where=where, operation=operation, detail=said)
    message = f"{meaning.message} (HTTP {status})" + (f": {said}" if said else "")
    return meaning.cls(
        message,
        where=where,
        hint=meaning.hint,
        retryable=meaning.retryable,
        retry_after=retry_after(headers.get("retry-after")) if meaning.retryable else None,
    )


def _refused(where: str, said: str, *, welcome: bool, given: bool) -> Error:
    detail = f" ({said})" if said else ""
    if not given:
        return AuthMissing(
            "the server wants to know who asks",
            where=where,
            hint=f'Set user, and run "{_LOG_IN}" for the password.',
        )
    if welcome:
        return AuthExpired(
            f"the server does not accept the login any more{detail}", where=where, hint=f'Run "{_LOG_IN}".'
        )
    return AuthMissing(
        f"the server refuses the login{detail}",
        where=where,
        hint="Is user right? With a second factor a password for apps is needed; the settings of the "
        f'account make one. Then run "{_LOG_IN}".',
    )


def _said(body: bytes, headers: Mapping[str, str]) -> tuple[str, str]:
    """What the server said for people, and the name of its exception."""
    text = body[:_ANSWERED].decode("utf-8", "replace")
    if headers.get("content-type", "").startswith(("text/plain", "application/json")):
        return printable(" ".join(text.split()))[:200], ""
    message, exception = _MESSAGE.search(text), _EXCEPTION.search(text)
    said = printable(" ".join(unescape(message.group(1)).split()))[:200] if message else ""
    return said, exception.group(1) if exception else ""


def raise_first(items: Iterable[Item], where: str, operation: Operation) -> None:
    """Raise for the first thing of which a 207 says that it was not done."""
    for item in items:
        status = item.status or next(iter(item.refused.values()), None)
        if status is None or status < 400 or (operation is Operation.DELETE and status in GONE):
            continue
        error = error_of(status, {}, b"", where=where, operation=operation)
        if operation is Operation.DELETE and not isinstance(error, Locked | AccessDenied | RateLimited):
            error = DeleteFailed(f"not all of it could be removed: {error.message}", where=where)
        error.message += f", at {printable(item.href)}"
        raise error


def sent_elsewhere(where: str, target: str) -> ProviderError:
    """The error for a server that sends us somewhere we do not follow."""
    return ProviderError(
        f"the server sends us to {printable(target)}",
        where=where,
        hint="A login page, or another address? Write the address of the files themselves as url; Nextcloud "
        "and ownCloud have them at https://HOST/remote.php/dav/files/USER/.",
    )
