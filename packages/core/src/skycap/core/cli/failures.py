"""Errors as people and programs see them: one line and what to do, or one JSON object; never a secret."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from skycap.core.cli.redact import redact
from skycap.core.cli.telling import tell
from skycap.core.errors import Error
from skycap.core.paths import printable
from skycap.core.plugins import blamed, failed

if TYPE_CHECKING:
    from skycap.core.cli.session import Session

_log = logging.getLogger("skycap.errors")


def show(session: Session, error: Error) -> None:
    """`skycap: where: message` and the hint below it; the chain of causes with `-vv`."""
    sys.stdout.flush()
    session.named(error)
    tell(f"skycap: {redact(printable(str(error)))}")
    if error.hint:
        tell(f"hint: {redact(printable(error.hint))}")
    _log.error("%s", error, extra={"error": as_record(error)})
    if session.verbosity >= 2:
        print(trace(error), end="", file=sys.stderr)
    elif session.verbosity == 1 and error.__cause__ is not None:
        cause = error.__cause__
        tell(redact(printable(f"cause: {type(cause).__name__}: {cause}")))


def as_record(error: Error, *, path: str | None = None) -> dict[str, Any]:
    """The JSON object of an error; `path` is the item it happened to, where there are many."""
    record: dict[str, Any] = {
        "type": "error",
        "class": type(error).__name__,
        "message": redact(error.message),
        "where": redact(error.where) if error.where else None,
        "hint": redact(error.hint) if error.hint else None,
        "exit_status": error.exit_status,
        "retryable": error.retryable,
    }
    return record if path is None else {"type": "error", "path": path, **record}


def trace(error: BaseException) -> str:
    """The traceback with its causes, without values of variables."""
    import traceback

    return redact("".join(traceback.format_exception(error)))


def as_ours(error: BaseException) -> Error:
    """Any exception as an error of ours: what the system says as itself, the rest as a bug."""
    if isinstance(error, Error):
        return error
    if isinstance(error, OSError) and error.strerror:
        from skycap.core.storage.failures import translate

        found = translate(error, str(error.filename or ""))
        found.where = str(error.filename) if error.filename else None
    elif isinstance(error, RecursionError | MemoryError):
        found = Error(f"{type(error).__name__} in skycap")
    elif (plugin := blamed(error)) is not None:
        found = failed(plugin, error)
    else:
        found = Error(
            f"a defect in skycap: {type(error).__name__}: {error}",
            hint='Please report it with what "skycap info" says; -vv shows the traceback.',
        )
    found.__cause__ = error
    return found
