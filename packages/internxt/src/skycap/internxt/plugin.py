"""What this distribution adds to skycap: the storage type `internxt`, its login, its commands."""

from __future__ import annotations

from collections.abc import Iterable

from skycap.core.hookspecs import Lazy, hookimpl


@hookimpl
def register_storage_types() -> Iterable[Lazy]:
    """The drive of an account."""
    return [
        Lazy(
            "internxt",
            "Internxt Drive, encrypted before it leaves this machine (unofficial)",
            "skycap.internxt.storage.storage:Internxt",
        )
    ]


@hookimpl
def register_auth_methods() -> Iterable[Lazy]:
    """The login of Internxt."""
    return [Lazy("internxt", "E-mail and password, or the web page", "skycap.internxt.login.method:Login")]


@hookimpl
def register_commands() -> Iterable[Lazy]:
    """What only Internxt has."""
    return [
        Lazy(
            "internxt",
            "Internxt Drive: log in, trash, search, links, versions",
            "skycap.internxt.commands:app",
        )
    ]
