"""Questions at the terminal that are answered with a letter: yes or no, to one thing or to each of many."""

from __future__ import annotations

import sys

from skycap.core.errors import Interrupted, UsageError
from skycap.core.paths import printable

YES = frozenset({"y", "yes"})


def is_terminal() -> bool:
    """Whether somebody is there who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str:
    """The answer in lower case and its end of line; "" at the end of the input; `Interrupted` at Ctrl-C."""
    try:
        print(printable(question), end=" ", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
    except (KeyboardInterrupt, Interrupted):
        print(file=sys.stderr)  # nothing else shall stand on the line of the question
        raise Interrupted("stopped; nothing was changed") from None
    if not line:
        print(file=sys.stderr)
    return line.lower()


class Choice:
    """Asks about one thing after the other: y yes, N no, a yes to all the rest, q stop.

    `UsageError` where nobody is there to answer.
    """

    def __init__(self) -> None:
        if not is_terminal():
            raise UsageError("--interactive needs a terminal", hint="Look first with --dry-run.")
        self._everything = False

    def wants(self, what: str) -> bool:
        """Whether it shall be done; `Interrupted` where they want to stop, or the input ends."""
        if self._everything:
            return True
        line = ask(f"{what}? [y/N/a/q]")
        answer = line.strip()
        if not line or answer == "q":
            raise Interrupted("stopped; nothing was changed")
        self._everything = answer == "a"
        return self._everything or answer in YES
