"""One JSON line a request. Never a header, never a query: they carry what is secret.

{"time": "2026-01-31T12:00:00.250Z", "client": "127.0.0.1", "user": "me", "method": "GET", "path": "/a b",
 "status": 200, "bytes": 1024, "ms": 1.5}
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from skycap.core.errors import StateWriteFailed
from skycap.core.paths import printable
from skycap.core.state import make_private_folder

MAX_BYTES = 16 * 1024 * 1024
KEPT = 4
_LONGEST = 4096
_log = logging.getLogger("skycap.server")


class AccessLog:
    """Appends to the file at `path`, or to standard error for None. Threads may share it.

    The file is for its owner only. Before it would grow beyond `max_bytes` it becomes `path.1`, that one
    `path.2`, and so on; `kept` old ones stay. `clock` gives nanoseconds since the epoch. Making it raises
    `StateWriteFailed`; once it runs, a full disk costs lines and never requests.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        max_bytes: int = MAX_BYTES,
        kept: int = KEPT,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._clock = clock
        self._lock = threading.Lock()
        self._descriptor = -1
        self._size = 0
        self._failing = False
        if path is not None:
            make_private_folder(os.path.dirname(os.path.abspath(path)))
            try:
                self._open(path)
            except OSError as error:
                raise StateWriteFailed(
                    f"the access log cannot be opened ({error.strerror})", where=path
                ) from error

    def write(
        self,
        method: str,
        path: str,
        status: int,
        *,
        size: int,
        duration_s: float,
        client: str,
        user: str | None = None,
    ) -> None:
        """Note one request. `path` is percent-encoded, as it was sent; `size` in bytes is of the answer."""
        now = self._clock()
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9))
            + f".{now // 10**6 % 1000:03d}Z",
            "client": _shown(client),
            "user": None if user is None else _shown(user),
            "method": _shown(method),
            "path": _shown(_plain(path)),
            "status": status,
            "bytes": size,
            "ms": round(duration_s * 1000, 1),
        }
        self._append(json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n")

    def close(self) -> None:
        """Close the file. Twice is fine."""
        with self._lock:
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, line: bytes) -> None:
        with self._lock:
            try:
                if self._path is None:
                    sys.stderr.write(line.decode("ascii"))
                    return
                if self._size and self._size + len(line) > self._max_bytes:
                    self._rotate(self._path)
                if self._descriptor < 0:
                    self._open(self._path)
                self._size += os.write(self._descriptor, line)
                self._failing = False
            except (OSError, ValueError) as error:  # ValueError: standard error was closed
                if not self._failing:
                    _log.warning("requests are not logged: %s", error)
                self._failing = True

    def _open(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _rotate(self, path: str) -> None:
        self._close()
        for number in range(self._kept - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{path}.{number}", f"{path}.{number + 1}")
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, f"{path}.1")


def _plain(target: str) -> str:
    return unquote(target.partition("?")[0].partition("#")[0], errors="surrogateescape")


def _shown(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
