"""Asks the person at the terminal; where there is none, reads lines from standard input."""

from __future__ import annotations

import sys

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing
from skycap.core.paths import printable


class TerminalPrompt:
    """The `Prompt` of the command line."""

    def ask(self, question: str, default: str | None = None) -> str:
        """A line of text."""
        if sys.stdin.isatty():
            shown = f"{question} [{default}]: " if default else f"{question}: "
            print(printable(shown), end="", file=sys.stderr, flush=True)
        answer = self._line(question).strip()
        return answer or default or ""

    def ask_secret(self, question: str, *, twice: bool = False) -> Secret[str]:
        """A line of text that is not shown."""
        if sys.stdin.isatty():
            import getpass

            while True:
                first = Secret(getpass.getpass(f"{printable(question)}: ", stream=sys.stderr))
                if not twice or first == Secret(getpass.getpass("The same again: ", stream=sys.stderr)):
                    return first
                print("They are not the same.", file=sys.stderr)
        return Secret(self._line(question))

    def tell(self, message: str) -> None:
        """Say something."""
        print(printable(message), file=sys.stderr)

    @staticmethod
    def _line(question: str) -> str:
        line = sys.stdin.readline()
        if not line:
            raise AuthMissing(
                f"nobody is there to answer: {question}",
                hint="Pipe the answer in, a line a question, or write a reference into the configuration.",
            )
        return line.rstrip("\r\n")


def nothing_found(reference: str) -> str:
    """What is said of a secret that was to be forgotten and was not there."""
    return (
        f"nothing was found at {reference}; if it is in another credential store, delete it there "
        "(SKYCAP_CREDENTIAL_STORE names one)"
    )
