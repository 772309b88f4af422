"""Writes one line a request into the access log, when the last byte of its answer has been handed on.

It stands in front of the application only where there is a log; without one nothing of this is run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from skycap.core.server.access_log import AccessLog
from skycap.core.webdav.answers import StartResponse
from skycap.core.webdav.app import DavApp
from skycap.core.webdav.request import USER, Environ


class RequestLog:
    """The application, with a log."""

    def __init__(self, app: DavApp, log: AccessLog) -> None:
        self._app = app
        self._log = log

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        line = _Line(self._log, environ)
        answered = False
        try:
            answer = self._app.answer(environ)
            line.status = answer.status
            body = answer.send(start_response)
            answered = True
        finally:
            if not answered:  # a defect, which the server makes a 500
                line.write(0)
        if isinstance(body, list):  # short, and as good as sent
            line.write(sum(map(len, body)))
            return body
        return _FollowedFile(body, line) if hasattr(body, "pour") else _Followed(body, line)


class _Line:
    """What is known of a request so far."""

    def __init__(self, log: AccessLog, environ: Environ) -> None:
        self._log = log
        self._environ = environ
        self._began = time.perf_counter()
        self._is_written = False
        self.status = 500

    def write(self, size: int) -> None:
        """Write the line. Twice is fine."""
        if self._is_written:
            return
        self._is_written = True
        environ = self._environ
        self._log.write(
            environ["REQUEST_METHOD"],
            _target(environ),
            self.status,
            size=size,
            duration_s=time.perf_counter() - self._began,
            client=str(environ.get("REMOTE_ADDR", "")),
            user=environ.get(USER),
        )


def _target(environ: Environ) -> str:
    """The path of a request, escaped; of an absolute URL what follows the host, which may hold a password."""
    raw = environ.get("REQUEST_URI")
    if raw is None:
        from urllib.parse import quote

        return quote(environ.get("PATH_INFO", "").encode("latin-1"))
    scheme, mark, rest = str(raw).partition("://")
    if mark and "/" not in scheme:
        return f"/{rest.partition('/')[2]}"
    return str(raw)


class _Followed:
    """A body that is counted on its way, and writes the line when it is closed."""

    def __init__(self, body: Any, line: _Line) -> None:
        self._body = body
        self._line = line
        self._sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for data in self._body:
            self._sent += len(data)
            yield data

    def close(self) -> None:
        """Close the body."""
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._line.write(self._sent)


class _FollowedFile(_Followed):
    """The same of a file that hands itself over: see `reading.body.FileBody`."""

    def pour(self, write: Callable[[memoryview], object]) -> None:
        """Hand over all of it."""

        def counted(piece: memoryview) -> None:
            write(piece)
            self._sent += len(piece)

        self._body.pour(counted)
