"""One thing after the other: what fails ends itself, and not the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from skycap.core.cli.failures import as_record
from skycap.core.cli.session import Session as Run
from skycap.core.errors import (
    AuthExpired,
    AuthMissing,
    ConfirmationRequired,
    Error,
    Interrupted,
    Partial,
    UsageError,
)

_END_ALL = (AuthExpired, AuthMissing, ConfirmationRequired, Interrupted, UsageError)


def each(run: Run, words: Sequence[str], work: Callable[[str], None]) -> int:
    """Do it for each word; the exit status. What fails for one word alone is raised."""
    failed = 0
    for word in words:
        try:
            work(word)
        except _END_ALL:
            raise
        except Error as error:
            if len(words) == 1:
                raise
            found = run.named(error)
            if run.json:
                run.emit(as_record(found, path=word) | {"type": "failed"})
            run.complain(found)
            failed += 1
    return Partial.exit_status if failed else 0
