"""The events of `--json`: one object a line, the exit status last."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TextIO

from skycap.backup.reports.cleaning import clean, shown_path
from skycap.backup.reports.codes import failure_code
from skycap.backup.reports.report import iso
from skycap.core.cli.failures import as_record
from skycap.core.errors import Error

ON_TERMINAL_S = 0.25
ELSEWHERE_S = 10.0
"""So much time is between two of the type `status`, at the least."""


class EventStream:
    """Writes events to `out`; threads may share it. Who reads may go away: the run goes on without.

    `clock` gives ns since 1970, `ticks` seconds that never go back.
    """

    def __init__(
        self,
        out: TextIO,
        *,
        clock: Callable[[], int] = time.time_ns,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out = out
        self._clock = clock
        self._ticks = ticks
        self._every = ON_TERMINAL_S if out.isatty() else ELSEWHERE_S
        self._next = 0.0
        self._lock = threading.Lock()
        self._ended = False

    def status(self, **facts: Any) -> bool:
        """How far the run is: phase, files, bytes and so on. Dropped, and false, where one was just told."""
        now = self._ticks()
        with self._lock:
            if now < self._next:
                return False
            self._next = now + self._every
        self._tell("status", facts)
        return True

    def item(self, action: str, path: bytes, **facts: Any) -> None:
        """What became of one file or directory."""
        self._tell("item", {"action": action, "path": shown_path(path), **facts})

    def warning(self, code: str, message: str, path: bytes | None = None) -> None:
        """Something that somebody should know."""
        self._tell(
            "warning", {"code": code, "message": message, "path": None if path is None else shown_path(path)}
        )

    def error(self, error: Error, path: bytes | None = None) -> None:
        """Something that did not work; `code` is the word for its exit status."""
        record = as_record(error, path=None if path is None else shown_path(path))
        self._tell("error", {**record, "code": failure_code(error.exit_status)})

    def summary(self, report: dict[str, Any]) -> None:
        """The report of the run."""
        self._tell("summary", {"report": report})

    def exit(self, status: int) -> None:
        """The exit status. Nothing is told after it, by whichever thread."""
        self._tell("exit", {"code": status, "failureCode": failure_code(status)}, last=True)

    def _tell(self, kind: str, facts: dict[str, Any], *, last: bool = False) -> None:
        record = {**clean(facts), "type": kind, "t": iso(self._clock())}
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
        with self._lock:
            if self._ended:
                return
            self._ended = last
            try:
                self._out.write(line)
                self._out.flush()
            except BrokenPipeError:
                self._ended = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whoever leaves without an exit status failed in a way nobody foresaw."""
        if not self._ended:
            self.exit(error.exit_status if isinstance(error, Error) else 1)
