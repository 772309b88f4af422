"""Loads plugins, and keeps the lists they add to. A broken one is a warning, never a dead program.

`SKYCAP_DISABLE_PLUGINS=a,b` leaves plugins out, by entry point or distribution name.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pluggy

from skycap.core import builtin, hookspecs
from skycap.core.errors import DependencyMissing, Error
from skycap.core.hookspecs import GROUP, Lazy
from skycap.core.plugins.finding import Found, find, normal

if TYPE_CHECKING:
    from skycap.core.auth.method import CredentialStore
    from skycap.core.location import Location
    from skycap.core.storage.entry import Entry
    from skycap.core.transfer.events import Event

    Strategy = Callable[[], Entry]

DISABLE = "SKYCAP_DISABLE_PLUGINS"
_OURS = frozenset({"cloudproviders", "internxt", "backup", "indexedcp", "wopi"})
"""Entry points of skycap's own distributions: no other takes a name from them, wherever it is found."""
_log = logging.getLogger("skycap.plugins")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin and what became of it: `active`, `disabled` or `broken`, and then why."""

    found: Found
    status: str
    problem: str = ""
    hooks: tuple[str, ...] = ()


class Plugins:
    """All plugins of this process and the lists they made."""

    def __init__(self, found: Iterable[Found], disabled: Iterable[str] = ()) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._manager.register(builtin, name="core")
        self._found: dict[str, Found] = {}
        self._status: dict[str, tuple[str, str]] = {}
        self._roots: dict[str, Found] = {}
        self._warned: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        off = {normal(name) for name in disabled if name.strip()}
        for one in sorted(found, key=_rank):
            if one.name in self._found or one.name == "core":
                self._warn(one, "another plugin has the same name")
                continue
            self._found[one.name] = one
            if normal(one.name) in off or normal(one.distribution) in off:
                self._status[one.name] = ("disabled", f"{DISABLE} names it")
            else:
                self._load(one)

    def _load(self, found: Found) -> None:
        self._roots.setdefault(_root(found.target), found)
        try:
            module, _, attribute = found.target.partition(":")
            plugin = import_module(module)
            for part in filter(None, attribute.split(".")):
                plugin = getattr(plugin, part)
            self._manager.register(plugin, name=found.name)
            self._manager.check_pending()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin is somebody else's code
            if self._manager.has_plugin(found.name):
                self._manager.unregister(name=found.name)
            self._broken(found, error)
        else:
            self._status[found.name] = ("active", "")

    def _broken(self, found: Found, error: BaseException) -> None:
        problem = _told(error)
        self._status[found.name] = ("broken", problem)
        self._warn(found, problem)

    def _warn(self, found: Found, problem: str, what: str = "") -> None:
        with self._lock:
            if (found.name, what + problem) in self._warned:
                return
            self._warned.add((found.name, what + problem))
        told = f": {what}" if what else " does not work"
        _log.warning("plugin %s%s (%s); %s", found, told, problem, way_out(found))

    def owner(self, module: str) -> Found | None:
        """The plugin that a module belongs to: its package, or one it named in a `Lazy`."""
        return self._roots.get(_root(module))

    def blamed(self, trace: TracebackType | None) -> Found | None:
        """The plugin whose code ran last in a traceback."""
        last = None
        while trace is not None:
            last = self.owner(trace.tb_frame.f_globals.get("__name__") or "") or last
            trace = trace.tb_next
        return last

    def installed(self) -> list[Plugin]:
        """Every plugin with its status."""
        found = []
        for name, one in self._found.items():
            plugin = self._manager.get_plugin(name)
            hooks = [caller.name for caller in self._manager.get_hookcallers(plugin) or ()] if plugin else []
            found.append(Plugin(one, *self._status[name], tuple(sorted(hooks))))
        return found

    def _collect(self, hook: str) -> dict[str, Lazy]:
        """What all plugins yield, core first, then those of skycap, so that nobody takes a name from them.

        Each is asked alone, so that one that fails harms no other.
        """
        collected: dict[str, Lazy] = {}
        asked = getattr(self._manager.hook, hook).get_hookimpls()
        for implementation in sorted(asked, key=lambda one: _rank(self._found.get(one.plugin_name))):
            found = self._found.get(implementation.plugin_name)
            try:
                offers = [_checked(offer) for offer in implementation.function() or ()]
            except (Exception, SystemExit) as error:  # a plugin is somebody else's code
                if found is None:
                    raise
                self._broken(found, error)
                continue
            for offer in offers:
                if offer.name in collected:
                    if found is not None:
                        passed = f"its {_OFFERED[hook]} {offer.name!r} was passed over"
                        self._warn(found, "the name is taken already", passed)
                    continue
                collected[offer.name] = offer
                if found is not None:
                    self._roots.setdefault(_root(offer.target), found)
        return collected

    def storage_types(self) -> dict[str, Lazy]:
        """Storage types by name."""
        return self._collect("register_storage_types")

    def commands(self) -> dict[str, Lazy]:
        """Commands and groups by name: core's own in their order, then the others in that of the alphabet."""
        found = self._collect("register_commands")
        own = [name for name, offer in found.items() if offer.target.startswith("skycap.core.")]
        return {name: found[name] for name in [*own, *sorted(found.keys() - set(own))]}

    def auth_methods(self) -> dict[str, Lazy]:
        """Ways to log in, by the storage type they serve."""
        return self._collect("register_auth_methods")

    def transfer_engines(self) -> dict[str, Lazy]:
        """Makers of executors by name."""
        return self._collect("register_transfer_engines")

    def credential_store(self, name: str) -> CredentialStore | None:
        """The credential store of this name. Secrets for a store of core's own go to no other."""
        for found, call in sorted(self._calls("credential_store"), key=lambda one: _rank(one[0])):
            with naming(found):
                store: CredentialStore | None = call(name=name)
            if store is not None:
                return store
        return None

    def transfer_strategy(self) -> Callable[[Location, Location, Entry], Strategy | None] | None:
        """Who is asked for a better way to move a file; None where nobody listens.

        What goes wrong in one is an error of that one file, which names the plugin.
        """
        calls = self._calls("transfer_strategy")
        if not calls:
            return None

        def ask(source: Location, target: Location, entry: Entry) -> Strategy | None:
            for found, call in calls:
                with naming(found):
                    strategy = call(source=source, target=target, entry=entry)
                    if strategy is not None:
                        return _carried_out(found, strategy)
            return None

        return ask

    def transfer_event(self) -> Callable[[Event], None] | None:
        """Who wants to hear what happens in a transfer; None where nobody does.

        One that raises is warned of once and hears no more: watching never changes what is watched.
        """
        calls = self._calls("transfer_event")
        if not calls:
            return None
        deaf: set[int] = set()

        def tell(event: Event) -> None:
            for number, (found, call) in enumerate(calls):
                if number in deaf:
                    continue
                try:
                    call(event=event)
                except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin is somebody else's code
                    with self._lock:
                        first = number not in deaf
                        deaf.add(number)
                    if first and found is not None:
                        self._warn(found, f"{_told(error)}; it hears no more of this transfer")

        return tell

    def _calls(self, hook: str) -> list[tuple[Found | None, Callable[..., Any]]]:
        """Who implements a hook, in the order they are asked. Each takes as many arguments as it wants."""

        def call_of(implementation: pluggy.HookImpl) -> Callable[..., Any]:
            return lambda **given: implementation.function(*(given[n] for n in implementation.argnames))

        found = reversed(getattr(self._manager.hook, hook).get_hookimpls())
        return [(self._found.get(one.plugin_name), call_of(one)) for one in found]


@cache
def plugins() -> Plugins:
    """The plugins of this process, found once."""
    return Plugins(find(), os.environ.get(DISABLE, "").split(","))


def storage_types() -> dict[str, Lazy]:
    """Storage types by name."""
    return plugins().storage_types()


def way_out(found: Found) -> str:
    """What to do about a plugin that does not work."""
    return f"{DISABLE}={found.name} leaves it out"


def failed(found: Found, error: BaseException) -> Error:
    """What goes wrong in the code of a plugin, as an error that names it."""
    return Error(
        f"the plugin {found} failed: {_told(error)}",
        hint=f"Please report it to those who make it; {way_out(found)}, -vv shows the traceback.",
    )


@contextmanager
def naming(found: Found | None) -> Iterator[None]:
    """Whatever is no error of ours gets the name of the plugin it comes from, where there is one."""
    try:
        yield
    except Error:
        raise
    except (Exception, SystemExit) as error:
        if found is None:
            raise
        raise failed(found, error) from error


def blamed(error: BaseException) -> Found | None:
    """The plugin in whose code it went wrong. Loads none: what goes wrong before they are there is ours."""
    return plugins().blamed(error.__traceback__) if plugins.cache_info().currsize else None


def load(offer: Lazy, what: str, where: str) -> Any:
    """The real thing behind an offer; `DependencyMissing`, which names the plugin, if it does not load."""
    try:
        return offer.load()
    except Error:
        raise
    except (Exception, SystemExit) as error:
        found = owner(offer)
        told = str(error) if isinstance(error, ImportError | AttributeError) else _told(error)
        package = f"{found.distribution} {found.version}" if found else "its package"
        raise DependencyMissing(
            f"{what} does not load ({told})",
            where=where,
            hint=f"Install {package} again, with what it depends on{f'; {way_out(found)}' if found else ''}.",
        ) from error


def owner(offer: Lazy) -> Found | None:
    """The plugin that made an offer; None for those of core."""
    return plugins().owner(offer.target)


def _carried_out(found: Found | None, strategy: Any) -> Strategy:
    """A strategy that is believed only when it tells what stands at the target."""
    from skycap.core.storage.entry import Entry

    def carry_out() -> Entry:
        with naming(found):
            written = strategy()
            if not isinstance(written, Entry):
                raise TypeError(f"a strategy gave {_kind(written)}, and not the Entry at the target")
            return written

    return carry_out


def _checked(offer: Any) -> Lazy:
    if not isinstance(offer, Lazy):
        raise TypeError(f"{offer!r:.80} is no Lazy")
    for value in (offer.name, offer.summary, offer.target):
        if not isinstance(value, str):
            raise TypeError(f"{offer!r:.80} holds something that is no text")
    return offer


def _kind(thing: Any) -> str:
    return "None" if thing is None else f"a {type(thing).__name__}"


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


_OFFERED = {
    "register_storage_types": "storage type",
    "register_commands": "command",
    "register_auth_methods": "way to log in for",
    "register_transfer_engines": "engine",
}


def _rank(found: Found | None) -> int:
    """Whose names come first: those of core, of skycap's own distributions, of all others."""
    if found is None:
        return 0
    return 1 if found.name in _OURS and _root(found.target) == f"skycap.{found.name}" else 2


def _root(target: str) -> str:
    """The package that a module belongs to; below `skycap`, which is shared, the one below it."""
    parts = target.partition(":")[0].strip().split(".")
    return ".".join(parts[: 2 if parts[0] == "skycap" else 1])
