"""The lists a plugin adds to: storage types, transfers, auth methods, commands. Four families, few hooks.

A plugin is a module with functions marked `@hookimpl`, named by an entry point in the group `skycap`. It
imports this module and the standard library, nothing else: what is heavy is named by a `Lazy` and imported
on use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from skycap.core.auth.method import CredentialStore
    from skycap.core.transfer.events import Event

GROUP = "skycap"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@dataclass(frozen=True, slots=True)
class Lazy:
    """A name, one line about it, and where the real thing lives: `package.module:attribute`."""

    name: str
    summary: str
    target: str

    def load(self) -> Any:
        """The real thing, imported now."""
        module, _, attribute = self.target.partition(":")
        return getattr(import_module(module), attribute)


@hookspec
def register_storage_types() -> Iterable[Lazy]:  # type: ignore[empty-body]
    """Storage types by the name that stands before the colon. The target is a subclass of `Storage` with
    `Options` (a `StorageOptions`) and a class method `open(options, path) -> (storage, path in it)`.
    """


@hookspec
def register_commands() -> Iterable[Lazy]:  # type: ignore[empty-body]
    """Commands and command groups of `skycap`. The target is a `typer.Typer`."""


@hookspec
def register_auth_methods() -> Iterable[Lazy]:  # type: ignore[empty-body]
    """Ways to log in, by the name of the storage type they serve. The target is an `AuthMethod`."""


@hookspec(firstresult=True)
def credential_store(name: str) -> CredentialStore | None:
    """The credential store of this name (`keyring`, `file`, ...), where secrets are kept; None: not mine."""


@hookspec
def register_transfer_engines() -> Iterable[Lazy]:  # type: ignore[empty-body]
    """What runs the work of a transfer: a callable `(workers: int) -> concurrent.futures.Executor`."""


@hookspec(firstresult=True)
def transfer_strategy(source: Any, target: Any, entry: Any) -> Any:
    """A better way to move `entry` from the location `source` to `target`: a callable `() -> Entry`, or None.

    Asked before the built-in strategies, once a file. The callable returns what then stands at the target;
    what it raises, or anything else it returns, fails this one file with an error that names the plugin.
    So does a target at which, when it is looked at afterwards, no file of that size and hash stands.

    It costs that look, and more: where anybody implements this hook, small files of all transfers go one by
    one and no longer in batches, which for many of them is several times slower.
    """


@hookspec
def transfer_event(event: Event) -> None:
    """Something happened in a transfer. Called from the thread it happened in; be quick and raise nothing.

    `copy`, `sync` and `move` tell of it; `remove`, `check` and the others do not. `event.operation` is which
    of them it is, `event.source` and `event.target` are the two places as the user wrote them. The first
    event is `begun`, the last `finished`.

    Not called in a `--dry-run`, in which nothing happens. One that raises changes nothing of the transfer: it
    is warned of once and not called again.
    """
