"""The one place where what goes wrong with HTTP becomes an error of ours: exceptions, and statuses."""

from __future__ import annotations

import math
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from skycap.core.errors import (
    AccessDenied,
    AuthMissing,
    ConfigInvalid,
    Conflict,
    DownloadFailed,
    Error,
    Locked,
    NotFound,
    OutOfSpace,
    ProviderError,
    RateLimited,
    Timeout,
    TransferFailed,
    Unsupported,
    UploadFailed,
)
from skycap.core.http.redact import redact
from skycap.core.retry import Operation

if TYPE_CHECKING:
    import httpx

_FAILED: dict[Operation, type[TransferFailed]] = {
    Operation.UPLOAD: UploadFailed,
    Operation.DOWNLOAD: DownloadFailed,
    Operation.LIST: TransferFailed,
    Operation.DELETE: TransferFailed,
}
_LOGIN = 'Run "skycap auth login" for this remote.'
_STATUSES: dict[int, tuple[type[Error], str, str | None]] = {
    401: (AuthMissing, "the credentials are missing or were refused", _LOGIN),
    403: (AccessDenied, "access denied", "The account may not do this. Look at its rights, or log in anew."),
    404: (NotFound, "nothing is there", None),
    405: (Unsupported, "the server does not do that", None),
    407: (AuthMissing, "the proxy wants credentials", "Write them into the proxy's URL."),
    408: (Timeout, "the server waited too long for the request", None),
    409: (Conflict, "it conflicts with what is there", None),
    410: (NotFound, "it is gone for good", None),
    412: (Conflict, "it changed, or exists already", None),
    413: (ProviderError, "the server does not take a file or a request of this size", None),
    416: (ProviderError, "the server has no such range of bytes", None),
    423: (Locked, "somebody else has locked it", "Try again when the lock is gone."),
    429: (RateLimited, "the server asks to slow down", None),
    501: (Unsupported, "the server does not do that", None),
    505: (ProviderError, "the server does not speak this version of HTTP", None),
    507: (OutOfSpace, "the store is full", "Free some space, or raise the quota."),
    508: (ProviderError, "the server found a loop", None),
    511: (AccessDenied, "the network wants a login first", "Open a web page in a browser."),
}
_PASSES = frozenset({408, 425, 429, 500, 502, 503, 504, 509, 520, 521, 522, 523, 524, 529, 598, 599})


def error_for_status(
    status: int,
    headers: Mapping[str, str] | None = None,
    *,
    where: str,
    operation: Operation = Operation.LIST,
    detail: str = "",
    now: float | None = None,
) -> Error:
    """The error for an HTTP status of 400 and above (RFC 9110, 4918, 6585).

    `detail` is what the server said, `where` what it was about. Header names are matched without case.
    """
    cls, text, hint = _STATUSES.get(status, (None, _phrase(status), None))
    if cls is None:
        cls = _FAILED[operation] if status in _PASSES or status >= 500 else ProviderError
    message = f"{text} (HTTP {status})"
    if detail := " ".join(redact(detail).split())[:300]:
        message = f"{message}: {detail}"
    found = {name.lower(): value for name, value in (headers or {}).items()}
    return cls(
        message,
        where=redact(where),
        hint=hint,
        retryable=status in _PASSES,
        retry_after=retry_after(found.get("retry-after"), now=now),
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return "the server answered with an error"


def retry_after(value: str | None, *, now: float | None = None) -> float | None:
    """Seconds from a Retry-After header: a number or an HTTP date (RFC 9110, 10.2.3); None if neither."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = moment.timestamp() - (time.time() if now is None else now)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def translate(error: Exception, where: str, operation: Operation) -> Error:
    """The error of ours for an exception of httpx or one below it, which happened at `where`."""
    import httpx

    where = redact(where)
    failed = _FAILED[operation]
    if isinstance(error, Error):
        return error
    if isinstance(error, httpx.TimeoutException):
        return _timeout(error, where)
    if isinstance(error, httpx.LocalProtocolError):
        return failed(f"the request cannot be sent: {redact(str(error))}", where=where, retryable=False)
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return ConfigInvalid(
            f"not a URL that can be asked: {redact(str(error))}",
            where=where,
            hint="It begins with http:// or https://.",
        )
    if isinstance(error, httpx.ProxyError):
        return failed(
            f"the proxy refused: {redact(str(error))}",
            where=where,
            retryable=False,
            hint="Look at the option proxy, and at HTTPS_PROXY and NO_PROXY in the environment.",
        )
    if isinstance(error, httpx.TooManyRedirects):
        return ProviderError("the server sends us round in circles", where=where)
    return _broken(error, where, failed)


def unreached(error: Exception, where: str, operation: Operation, server: str) -> Error:
    """The same for a connection that was not made; where nobody takes it, the error names the server."""
    ours = translate(error, where, operation)
    if any(isinstance(cause, ConnectionRefusedError | socket.gaierror) for cause in _causes(error)):
        ours.unreached = redact(server)
    return ours


def _timeout(error: httpx.TimeoutException, where: str) -> Timeout:
    import httpx

    if isinstance(error, httpx.ConnectTimeout):
        text, hint = "no connection in time", "Look at the address and the network."
    elif isinstance(error, httpx.PoolTimeout):
        text, hint = "no connection became free in time", "Use fewer transfers at once."
    else:
        way = "took" if isinstance(error, httpx.WriteTimeout) else "sent"
        text, hint = f"the server {way} nothing for too long", "Give it longer with --timeout."
    return Timeout(text, where=where, hint=hint)


def _broken(error: Exception, where: str, failed: type[TransferFailed]) -> Error:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return failed(
                f"the server's certificate is not trusted: {cause.verify_message}",
                where=where,
                retryable=False,
                hint="If it is your own server, name its authority with ca_bundle. Is the clock right?",
            )
        if isinstance(cause, socket.gaierror):
            return failed(
                "the name of the host is not known",
                where=where,
                retryable=cause.errno == socket.EAI_AGAIN,
                hint="Look at the address and at the network.",
            )
        if isinstance(cause, ConnectionRefusedError):
            return failed("connection refused", where=where, hint="Is the server running, and this its port?")
    for cause in causes:
        # A reset in the middle of TLS ends in an SSL error too, and passes by itself.
        if isinstance(cause, ssl.SSLError) and not isinstance(
            cause, ssl.SSLEOFError | ssl.SSLZeroReturnError
        ):
            return failed(
                f"no secure connection: {cause.reason or 'TLS failed'}",
                where=where,
                retryable=False,
                hint="Does the server speak TLS on this port, and does it want a client certificate?",
            )
    return failed(f"the connection broke: {redact(str(error)) or type(error).__name__}", where=where)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
