"""Finds plugins, and keeps the lists they add to. A broken one is a warning, never a dead program.

A plugin is named by an entry point of the group `skycap`. Reading the metadata of every installed
distribution with `importlib.metadata` costs more than all the rest of a start, so the entry points are read
straight from the `*.dist-info` folders on `sys.path`, in the same order and with the same meaning; where
something else than folders can hold distributions, `importlib.metadata` is asked after all.

`SKYCAP_DISABLE_PLUGINS=a,b` leaves plugins out, by entry point or distribution name.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

from skycap.core import builtin, hookspecs
from skycap.core.hookspecs import GROUP, Lazy

if TYPE_CHECKING:
    from skycap.core.auth.method import CredentialStore
    from skycap.core.transfer.events import Event

DISABLE = "SKYCAP_DISABLE_PLUGINS"
_log = logging.getLogger("skycap.plugins")


@dataclass(frozen=True, slots=True)
class Found:
    """An entry point: its name and target, and the distribution that brought it."""

    name: str
    target: str
    distribution: str
    version: str


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
        off = {_normal(name) for name in disabled if name.strip()}
        for one in found:
            if one.name in self._found or one.name == "core":
                self._warn(one, "another plugin has the same name")
                continue
            self._found[one.name] = one
            if _normal(one.name) in off or _normal(one.distribution) in off:
                self._status[one.name] = ("disabled", f"{DISABLE} names it")
            else:
                self._load(one)

    def _load(self, found: Found) -> None:
        try:
            module, _, attribute = found.target.partition(":")
            plugin = import_module(module)
            for part in filter(None, attribute.split(".")):
                plugin = getattr(plugin, part)
            self._manager.register(plugin, name=found.name)
            self._manager.check_pending()
        except Exception as error:  # noqa: BLE001 - a plugin is somebody else's code
            if self._manager.has_plugin(found.name):
                self._manager.unregister(name=found.name)
            self._broken(found, error)
        else:
            self._status[found.name] = ("active", "")

    def _broken(self, found: Found, error: BaseException) -> None:
        problem = f"{type(error).__name__}: {' '.join(str(error).split())}"
        self._status[found.name] = ("broken", problem)
        self._warn(found, problem)

    @staticmethod
    def _warn(found: Found, problem: str) -> None:
        _log.warning(
            "plugin %s of %s %s does not work (%s); %s=%s leaves it out",
            found.name,
            found.distribution,
            found.version,
            problem,
            DISABLE,
            found.name,
        )

    def installed(self) -> list[Plugin]:
        """Every plugin with its status."""
        found = []
        for name, one in self._found.items():
            plugin = self._manager.get_plugin(name)
            hooks = [caller.name for caller in self._manager.get_hookcallers(plugin) or ()] if plugin else []
            found.append(Plugin(one, *self._status[name], tuple(sorted(hooks))))
        return found

    def _collect(self, hook: str) -> dict[str, Lazy]:
        """What all plugins yield, core first. Each is asked alone, so that one that fails harms no other."""
        collected: dict[str, Lazy] = {}
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            found = self._found.get(implementation.plugin_name)
            try:
                offers = list(implementation.function() or ())
            except Exception as error:  # a plugin is somebody else's code
                if found is None:
                    raise
                self._broken(found, error)
                continue
            for offer in offers:
                if offer.name in collected:
                    if found is not None:
                        self._warn(found, f"{offer.name!r} is taken already")
                    continue
                collected[offer.name] = offer
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
        """The credential store of this name."""
        found: CredentialStore | None = self._manager.hook.credential_store(name=name)
        return found

    def transfer_strategy(self) -> Callable[..., Any] | None:
        """The hook that is asked for a better way to move a file; None where nobody listens."""
        caller = self._manager.hook.transfer_strategy
        return caller if caller.get_hookimpls() else None

    def transfer_event(self) -> Callable[[Event], None] | None:
        """Who wants to hear what happens in a transfer; None where nobody does."""
        caller = self._manager.hook.transfer_event
        if not caller.get_hookimpls():
            return None

        def tell(event: Event) -> None:
            caller(event=event)

        return tell


@cache
def plugins() -> Plugins:
    """The plugins of this process, found once."""
    return Plugins(find(), os.environ.get(DISABLE, "").split(","))


def storage_types() -> dict[str, Lazy]:
    """Storage types by name."""
    return plugins().storage_types()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def find(path: Iterable[str] | None = None) -> list[Found]:
    """Entry points of our group, in the order of `sys.path`; a distribution seen twice counts once."""
    folders = [entry or os.getcwd() for entry in (sys.path if path is None else path)]
    if path is None and _needs_metadata(folders):
        return list(_by_metadata())
    found: list[Found] = []
    seen: set[str] = set()
    for folder in folders:
        found += _in_folder(folder, seen)
    return found


def _needs_metadata(folders: Iterable[str]) -> bool:
    """Whether distributions can lie where a look at folders does not see them: archives, other finders."""
    standard = {"PathFinder", "BuiltinImporter", "FrozenImporter"}
    for finder in sys.meta_path:
        name = getattr(finder, "__name__", type(finder).__name__)
        if name not in standard and hasattr(finder, "find_distributions"):
            return True
    return any(os.path.isfile(folder) for folder in folders)


def _in_folder(folder: str, seen: set[str]) -> Iterator[Found]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in entries if e.name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return
    for name in names:
        distribution, _, version = name.rpartition(".")[0].partition("-")
        if (normal := _normal(distribution)) in seen:
            continue
        seen.add(normal)
        try:
            with open(os.path.join(folder, name, "entry_points.txt"), encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError):
            continue
        for entry, target in parse_entry_points(text).items():
            yield Found(entry, target, distribution.replace("_", "-"), version.split("-")[0])


def parse_entry_points(text: str) -> Mapping[str, str]:
    """Names and targets of our group in an `entry_points.txt`."""
    found: dict[str, str] = {}
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]").strip()
        elif section == GROUP and line and not line.startswith(("#", ";")):
            name, _, target = line.partition("=")
            found[name.strip()] = target.partition("[")[0].strip()
    return found


def _by_metadata() -> Iterator[Found]:
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        distribution = point.dist
        yield Found(
            point.name,
            point.value.partition("[")[0].strip(),
            distribution.name if distribution else "?",
            distribution.version if distribution else "?",
        )
