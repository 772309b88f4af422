"""Logging of a run: warnings to the terminal, everything worth keeping as JSON lines to the state folder."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import TYPE_CHECKING

from skycap.core.cli.redact import redact
from skycap.core.paths import printable
from skycap.core.state import log_folder

if TYPE_CHECKING:
    from skycap.core.cli.session import Session

FILE_NAME = "skycap.log"
MAX_BYTES = 2 * 1024 * 1024
KEPT = 3


class Terminal(logging.Handler):
    """Lines for people on standard error."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def emit(self, record: logging.LogRecord) -> None:
        """Warnings always, the rest as `-v` and `-vv` ask for."""
        if record.name in {"skycap.errors", "skycap.transfer"}:
            return  # the command shows these itself
        wanted = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(
            self._session.verbosity, logging.DEBUG
        )
        if record.levelno >= wanted and (record.name.startswith("skycap") or self._session.verbosity >= 2):
            level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
            print(redact(printable(f"skycap: {level}{record.getMessage()}")), file=sys.stderr)


class JsonLines(logging.Handler):
    """A file of JSON objects, one a line, opened at the first record and rotated when it is too long."""

    def __init__(self, folder: str) -> None:
        super().__init__(logging.INFO)
        self._folder = folder
        self._file: int | None = None
        self._broken = False

    def emit(self, record: logging.LogRecord) -> None:
        """One line, written at once, so that lines of several processes do not mix."""
        if self._broken:
            return
        import json

        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": redact(record.getMessage()),
        }
        for name in ("error", "run"):
            if (extra := getattr(record, name, None)) is not None:
                line[name] = extra
        try:
            os.write(self._open(), json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n")
        except OSError:
            # A full disk or a read-only home must not end a transfer that goes on well without a log.
            self._broken = True

    def _open(self) -> int:
        if self._file is None:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            path = os.path.join(self._folder, FILE_NAME)
            _rotate(path)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return self._file

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        super().close()


def _rotate(path: str) -> None:
    try:
        if os.stat(path).st_size < MAX_BYTES:
            return
        for number in range(KEPT - 1, 0, -1):
            older = f"{path}.{number}"
            if os.path.exists(older):
                os.replace(older, f"{path}.{number + 1}")
        os.replace(path, f"{path}.1")
    except FileNotFoundError:
        return


def start(session: Session) -> list[logging.Handler]:
    """Begin to log this run; the handlers, for `stop`."""
    handlers = [Terminal(session), JsonLines(log_folder(session.environ))]
    logger = logging.getLogger("skycap")
    logger.setLevel(logging.DEBUG if session.verbosity >= 2 else logging.INFO)
    logger.propagate = False
    for handler in handlers:
        logger.addHandler(handler)
    return handlers


def stop(handlers: list[logging.Handler]) -> None:
    """Take the handlers away again."""
    logger = logging.getLogger("skycap")
    for handler in handlers:
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True
