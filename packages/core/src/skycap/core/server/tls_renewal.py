"""A certificate that is renewed while the server runs is served from then on, without a restart."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from skycap.core.errors import Error
from skycap.core.server.tls import TlsFiles, server_context

if TYPE_CHECKING:
    import ssl

LOOK_EVERY_S = 300.0
_log = logging.getLogger("skycap.server")
_Stamp = tuple[str, str, int, int]


def renewed_context(
    files: Callable[[], TlsFiles],
    *,
    every_s: float = LOOK_EVERY_S,
    clock: Callable[[], float] = time.monotonic,
) -> ssl.SSLContext:
    """The context of `files()`, which is asked again by a client that comes over `every_s` seconds later.

    Raises what `files` and `server_context` raise at first. Later, what is broken is warned of, and the
    certificate of before goes on.
    """
    renewal = _Renewal(files, every_s, clock)
    context = renewal.context
    # Called at every handshake, also without a name: it may put another context in the place of this one.
    context.sni_callback = renewal.choose
    return context


class _Renewal:
    """The newest context, made anew when the files are others."""

    def __init__(self, files: Callable[[], TlsFiles], every_s: float, clock: Callable[[], float]) -> None:
        self._files = files
        self._every_s = every_s
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = clock()
        found = files()
        self._stamp = _stamp(found)
        self.context = server_context(found)

    def choose(self, connection: Any, name: str | None, context: ssl.SSLContext) -> None:
        """Give a connection the newest context."""
        # Whoever comes while another one looks takes what there is.
        if self._clock() - self._looked >= self._every_s and self._lock.acquire(blocking=False):
            try:
                self._looked = self._clock()
                self._look()
            finally:
                self._lock.release()
        if connection.context is not self.context:
            connection.context = self.context

    def _look(self) -> None:
        try:
            found = self._files()
            if (stamp := _stamp(found)) != self._stamp:
                self.context, self._stamp = server_context(found), stamp
                _log.info("the certificate is another from now on: %s", found.certificate)
        except (Error, OSError) as error:
            _log.warning("the certificate of before stays: %s", error)


def _stamp(files: TlsFiles) -> _Stamp:
    certificate, key = os.stat(files.certificate), os.stat(files.key)
    return files.certificate, files.key, certificate.st_mtime_ns, key.st_mtime_ns
