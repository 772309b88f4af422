"""Arguments and flags that several commands share, each written once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from skycap.core.cli.complete import complete_place
from skycap.core.errors import UsageError
from skycap.core.units import parse_age, parse_duration, parse_size

FLAG_NAMES = frozenset(
    {
        "allow_empty_source", "checksum", "dry_run", "exclude", "filter_from", "fsync", "include",
        "interactive", "json", "limit_rate", "links", "max_age", "max_delete", "max_size", "metadata",
        "min_age", "min_size", "overwrite", "progress", "quiet", "report", "retries", "size_only", "timeout",
        "transfers", "verbose", "verify", "yes",
    }
)  # fmt: skip
"""Flags that `[defaults]` may set, whichever command is run."""


def a_size(value: str | None) -> str | None:
    """A callback of a flag: its text is a size."""
    return _read(value, parse_size)


def a_time(value: str | None) -> str | None:
    """A callback of a flag: its text is a duration."""
    return _read(value, parse_duration)


def an_age(value: str | None) -> str | None:
    """A callback of a flag: its text is a duration or a date."""
    return _read(value, lambda text: parse_age(text, 0.0))


def _read(value: str | None, parse: Callable[[str], object]) -> str | None:
    try:
        if value:
            parse(value)
    except UsageError as error:
        raise typer.BadParameter(f"{error.message}. {error.hint}") from None
    return value


Place = Annotated[
    str,
    typer.Argument(
        metavar="PLACE", help="NAME:PATH, s3://BUCKET/KEY or a local path.", autocompletion=complete_place
    ),
]
Places = Annotated[
    list[str],
    typer.Argument(
        metavar="PLACE...", help="NAME:PATH, s3://BUCKET/KEY or a local path.", autocompletion=complete_place
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be done.")]

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE", help="NAME:PATH, s3://BUCKET/KEY or a local path.", autocompletion=complete_place
    ),
]
Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET", help="NAME:PATH, s3://BUCKET/KEY or a local path.", autocompletion=complete_place
    ),
]
