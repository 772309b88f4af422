"""What goes back: an answer, or a refusal that becomes one. Which error of ours becomes which status."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from skycap.core import errors
from skycap.core.paths import printable

XML_TYPE = "application/xml; charset=utf-8"
_TEXT_TYPE = "text/plain; charset=utf-8"

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]


@dataclass(slots=True)
class Answer:
    """A status, headers, and a body: bytes, or an iterable of them whose length stands in the headers."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes | Iterable[bytes] = b""

    def without_body(self) -> Answer:
        """The same as an answer to HEAD: it says the length of what it does not hold, where that is known."""
        if isinstance(self.body, bytes):
            self._add_length(len(self.body))
        elif (close := getattr(self.body, "close", None)) is not None:
            close()
        self.body = ()
        return self

    def _add_length(self, length: int) -> None:
        if self.status not in {204, 304} and not any(name == "Content-Length" for name, _ in self.headers):
            self.headers.append(("Content-Length", str(length)))

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """As WSGI wants it."""
        if isinstance(self.body, bytes):
            self._add_length(len(self.body))
            start_response(status_line(self.status), self.headers)
            return [self.body] if self.body else []
        start_response(status_line(self.status), self.headers)
        return self.body


def status_line(status: int) -> str:
    """`404 Not Found`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Status {status}"


def empty(status: int, *headers: tuple[str, str]) -> Answer:
    """An answer without a body."""
    return Answer(status, list(headers))


class Refusal(Exception):
    """The request ends here with a status.

    `precondition` is the element of RFC 4918 section 16 that says more, as XML in the namespace prefix D.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        precondition: str = "",
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.precondition = precondition
        self.headers = list(headers)

    def answer(self) -> Answer:
        """As an answer: XML where there is a precondition, else a line of text."""
        if self.status == 304:
            return Answer(304, self.headers)
        if self.precondition:
            text = (
                f'<?xml version="1.0" encoding="utf-8"?><D:error xmlns:D="DAV:">{self.precondition}</D:error>'
            )
            return Answer(self.status, [("Content-Type", XML_TYPE), *self.headers], text.encode("utf-8"))
        text = f"{self.message or HTTPStatus(self.status).phrase}\n"
        return Answer(
            self.status, [("Content-Type", _TEXT_TYPE), *self.headers], text.encode("utf-8", "replace")
        )


def locked(*roots: str) -> Refusal:
    """423, naming the URL paths of the locks that are in the way."""
    hrefs = "".join(f"<D:href>{escape(root)}</D:href>" for root in roots)
    return Refusal(
        423, "it is locked", precondition=f"<D:lock-token-submitted>{hrefs}</D:lock-token-submitted>"
    )


_STATUSES: tuple[tuple[type[errors.Error], int], ...] = (  # the first that fits
    (errors.PathInvalid, 400),
    (errors.UsageError, 400),
    (errors.NotFound, 404),
    (errors.AccessDenied, 403),
    (errors.Unsupported, 403),
    (errors.AuthMissing, 502),  # of the storage: 401 would make the client ask its own user
    (errors.AuthExpired, 502),
    (errors.RateLimited, 503),
    (errors.Timeout, 503),
    (errors.IntegrityError, 500),
    (errors.Locked, 423),
    (errors.OutOfSpace, 507),
    (errors.Conflict, 412),
    (errors.DownloadFailed, 503),
    (errors.UploadFailed, 503),
    (errors.TransferFailed, 503),
    (errors.ProviderError, 502),
)


def refusal(error: errors.Error) -> Refusal:
    """What an error of a storage is to a client. 503 tells it when to come back."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    if status == 503 and not error.retryable and error.unreached is None:
        status = 500
    headers = [("Retry-After", str(max(1, round(error.retry_after or 5))))] if status == 503 else []
    return Refusal(status, printable(error.message or str(error)), headers=headers)
