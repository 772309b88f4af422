"""All that is wrong with what is set, in the file and in the environment: not only the first of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from skycap.core.cli import defaults
from skycap.core.errors import Error
from skycap.core.remotes.faults import faults as faults_of_remote

if TYPE_CHECKING:
    from skycap.core.cli.session import Session


def faults(run: Session) -> Iterator[Error]:
    """Defaults of flags first, then remotes."""
    yield from of_flags(run)
    for name in run.opener.remotes.names():
        yield from faults_of_remote(run.opener, name)


def of_flags(run: Session) -> Iterator[Error]:
    """What is wrong with `[defaults]` and with the variables of flags, for any command there is."""
    from skycap.core.cli.group import build, offers

    yield from defaults.unknown_commands(run.config, offers())
    told = set()
    for name, offer in offers().items():
        try:
            command = build(offer)
        except Error:
            continue  # of a plugin; it is told of there
        for fault in [*defaults.faults(run.config, name, command), *_of_variables(run, command)]:
            if str(fault) not in told:
                told.add(str(fault))
                yield fault


def _of_variables(run: Session, command: object) -> Iterator[Error]:
    for option in defaults.options_of(command):
        variable = str(option.envvar)
        if (value := run.environ.get(variable)) and (
            fault := defaults.fault_of(option, value, f"environment {variable}")
        ):
            yield fault
