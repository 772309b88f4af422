"""One run of a command: its global flags, its configuration, what it opened, and where its output goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skycap.core.cli.telling import tell
from skycap.core.config import Config, config_path
from skycap.core.errors import ConfigInvalid, ConfirmationRequired, Error, NotFound
from skycap.core.paths import printable

if TYPE_CHECKING:
    from skycap.core.location import Location
    from skycap.core.remotes import Opener
    from skycap.core.retry import RetryEvent


_LONG_WAIT_S = 2.0
"""Who sits at a terminal wonders, when nothing happens for longer."""


class Session:
    """What every command has at hand. Data goes to standard output, all that is for people to the other."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.environ = environ
        self.json = False
        self.verbosity = 0
        self._told_of_wait = False
        self._without_colon: list[str] = []
        self.config_path = config_path(environ)
        self._config_is_named = False

    def use_config(self, path: str) -> None:
        """Take another configuration file than the environment says, by the flag `--config`."""
        self.config_path = os.path.abspath(os.path.expanduser(path))
        self._config_is_named = True
        self.__dict__.pop("config", None)

    def check_config(self) -> None:
        """`ConfigInvalid` if the file that the flag names is not there."""
        if self._config_is_named and not os.path.exists(self.config_path):
            raise ConfigInvalid(
                "there is no such configuration file",
                where=self.config_path,
                hint=f'--config names it; "skycap --config {self.config_path} config edit" makes it.',
            )

    @property
    def quiet(self) -> bool:
        """Whether only errors are told."""
        return self.verbosity < 0

    @cached_property
    def config(self) -> Config:
        """The configuration file."""
        return Config.load(self.config_path)

    @cached_property
    def opener(self) -> Opener:
        """Opens places; what it opened is closed when the session ends."""
        from skycap.core.remotes import Opener

        return Opener(self.config, environ=self.environ, on_retry=self._retried)

    def _retried(self, event: RetryEvent) -> None:
        import logging

        first = event.delay_s > _LONG_WAIT_S and not self._told_of_wait
        self._told_of_wait = self._told_of_wait or first
        logging.getLogger("skycap.retry").log(
            logging.WARNING if first else logging.INFO,
            "%s: %s; attempt %d failed, trying again in %.1f s%s",
            event.operation,
            event.error,
            event.attempt,
            event.delay_s,
            " (-v tells of each)" if first and not self.verbosity else "",
        )

    def open(
        self,
        text: str,
        *,
        for_writing: bool = False,
        as_file: bool = False,
        overrides: Mapping[str, Any] | None = None,
    ) -> Location:
        """The opened location of what was written on the command line."""
        if "/" not in text and ":" not in text and not os.path.lexists(text) and text in self.config.remotes:
            self._without_colon.append(text)
        return self.opener.resolve(text, for_writing=for_writing, as_file=as_file, overrides=overrides)

    def named(self, error: Error) -> Error:
        """The error, with its place as it was typed."""
        if "opener" in self.__dict__:
            self.opener.places.name(error)
        if isinstance(error, NotFound) and not error.hint and (where := error.where):
            if name := next((name for name in self._without_colon if where.endswith(name)), None):
                error.hint = f"Is the remote meant? Then write {name}:"
            elif any(character in where for character in "*?["):
                error.hint = "Wildcards are not expanded here; --include takes patterns, below a folder."
        return error

    def close(self) -> None:
        """Close what was opened, and let go of what is still to be written."""
        if "opener" in self.__dict__:
            self.opener.close()

    # Output

    @property
    def pretty(self) -> bool:
        """Whether a person looks at standard output."""
        return not self.json and sys.stdout.isatty()

    @property
    def colour(self) -> bool:
        """Whether colours are wanted: a terminal, and neither `NO_COLOR` nor `TERM=dumb`."""
        return self.pretty and not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    def emit(self, record: Mapping[str, Any]) -> None:
        """One JSON line."""
        import json

        self.write(json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n")

    def line(self, text: str) -> None:
        """One line of data; names that are not UTF-8 go into a pipe as the bytes they are."""
        if sys.stdout.isatty():
            self.write(printable(text).encode("utf-8") + b"\n")
        else:
            self.write(text.encode("utf-8", "surrogateescape") + b"\n")

    @staticmethod
    def write(data: bytes | memoryview) -> None:
        """Bytes to standard output."""
        sys.stdout.buffer.write(data)
        if sys.stdout.isatty():
            sys.stdout.buffer.flush()

    def note(self, text: str) -> None:
        """A line for people, unless they want quiet."""
        if not self.quiet:
            tell(printable(text))

    def warn(self, text: str) -> None:
        """Something that may matter, and that stops nothing."""
        if not self.quiet:
            tell(f"skycap: warning: {printable(text)}")

    def complain(self, error: Error) -> None:
        """An error that ends one item and not the command."""
        from skycap.core.cli.failures import show

        show(self, error)

    def confirm(self, question: str, *, yes: bool, can_dry_run: bool = False) -> None:
        """Go on only if somebody says yes; `ConfirmationRequired` where they say no or nobody is there."""
        if yes:
            return
        from skycap.core.cli.answers import YES, ask, is_terminal

        if is_terminal():
            if ask(f"{question} [y/N]").strip() in YES:
                return
            raise ConfirmationRequired("nothing was changed")
        raise ConfirmationRequired(
            f"nobody is there to answer: {question}",
            hint=f"--yes goes on without asking{'; --dry-run only shows' if can_dry_run else ''}.",
        )


_current: ContextVar[Session] = ContextVar("session")


def session() -> Session:
    """The session of the command that runs."""
    return _current.get()


def begin(environ: Mapping[str, str] = os.environ) -> Session:
    """Start a session."""
    found = Session(environ)
    _current.set(found)
    return found
