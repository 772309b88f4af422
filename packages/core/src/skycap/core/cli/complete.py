"""What the shell offers when Tab is pressed: commands, flags, remotes, local paths. Never a network call."""

from __future__ import annotations

import os
from typing import Any

from skycap.core.errors import Error


def complete_place(incomplete: str) -> list[str]:
    """Remote names and local paths that begin with what was typed."""
    return [*complete_remote_colon(incomplete), *complete_local(incomplete)]


def complete_remote(incomplete: str) -> list[str]:
    """Names of remotes."""
    from skycap.core.cli.session import session

    try:
        return [name for name in session().opener.remotes.names() if name.startswith(incomplete)]
    except Error:
        return []  # a broken configuration is told when a command runs, not while somebody types


def complete_remote_colon(incomplete: str) -> list[str]:
    """Names of remotes with their colon."""
    if "/" in incomplete or ":" in incomplete:
        return []
    return [f"{name}:" for name in complete_remote(incomplete)]


def complete_local(incomplete: str) -> list[str]:
    """Local paths; folders with a slash."""
    folder, name = os.path.split(incomplete)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            found = sorted(
                (entry.name + ("/" if entry.is_dir() else ""))
                for entry in entries
                if entry.name.startswith(name) and (name.startswith(".") or not entry.name.startswith("."))
            )
    except OSError:
        return []
    return [os.path.join(folder, one) if folder else one for one in found]


def complete_type(incomplete: str) -> list[tuple[str, str]]:
    """Names of storage types with their line."""
    from skycap.core.plugins import storage_types

    return [(name, offer.summary) for name, offer in storage_types().items() if name.startswith(incomplete)]


def answer(args: list[str]) -> int:
    """Answer the completion script of a shell."""
    from typer._completion_classes import completion_init

    from skycap.core.cli.group import root

    completion_init()
    extra: dict[str, Any] = {}
    root().main(args, prog_name="skycap", standalone_mode=False, **extra)
    return 0
