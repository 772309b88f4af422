"""Opens the place behind a name: settings looked up, secrets fetched, overlays put on."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

from skycap.core import paths, plugins
from skycap.core.auth.references import Secrets
from skycap.core.config import Config, Setting
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AccessDenied, ConfigInvalid, DependencyMissing, Error, NotFound, UsageError
from skycap.core.hookspecs import Lazy
from skycap.core.location import Location
from skycap.core.remotes.address import Address, Form, parse
from skycap.core.remotes.local import local_location
from skycap.core.remotes.naming import Places
from skycap.core.remotes.settings import Remote, Remotes
from skycap.core.remotes.stack import RESERVED, RETRY_NAMES, STACK_NAMES, stack
from skycap.core.retry import RetryEvent
from skycap.core.storage.interface import Storage
from skycap.core.storage.options import OptionInfo, StorageOptions, nearest

PACKAGES = {"internxt": "skycap-internxt", "s3": "skycap-cloudproviders", "webdav": "skycap-cloudproviders"}
"""Storage types of our own packages, for those who have not installed them."""
_DEEPEST = 8


def resolve(
    text: str,
    *,
    for_writing: bool = False,
    as_file: bool = False,
    overrides: Mapping[str, Any] | None = None,
) -> Location:
    """The location of `text`, by the configuration of this user. Whoever calls closes its storage."""
    return Opener().resolve(text, for_writing=for_writing, as_file=as_file, overrides=overrides)


class Opener:
    """Opens places, and closes what it opened when it is left."""

    def __init__(
        self,
        config: Config | None = None,
        *,
        types: Mapping[str, Lazy] | None = None,
        environ: Mapping[str, str] = os.environ,
        secrets: Secrets | None = None,
        on_retry: Callable[[RetryEvent], None] | None = None,
    ) -> None:
        self._config = config
        self._types = types
        self._environ = environ
        self._secrets = secrets
        self._on_retry = on_retry
        self._opened: list[Storage] = []
        self._below: list[str] = []
        self.places = Places()
        """What was opened, by which errors are told as it was typed."""
        self._described: dict[str, list[OptionInfo]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened."""
        while self._opened:
            self._opened.pop().close()

    @property
    def config(self) -> Config:
        """The configuration, read when it is first needed."""
        if self._config is None:
            self._config = Config.load(environ=self._environ)
        return self._config

    @property
    def types(self) -> Mapping[str, Lazy]:
        """The storage types there are."""
        if self._types is None:
            self._types = plugins.storage_types()
        return self._types

    @property
    def remotes(self) -> Remotes:
        """The remotes there are."""
        return Remotes(self.config, self.known_options, self._environ, self.check_type)

    # From text to a location

    def resolve(
        self,
        text: str,
        *,
        for_writing: bool = False,
        as_file: bool = False,
        overrides: Mapping[str, Any] | None = None,
    ) -> Location:
        """The location of `text`.

        `for_writing` says that it will be changed, `as_file` that a file is to be written there. `overrides`
        are option values that win over all others, where the storage knows them. `AccessDenied` where a place
        that can only be read will be changed.
        """
        found = self._resolve(text, for_writing=for_writing, as_file=as_file, overrides=overrides)
        if for_writing and found.storage.facts.read_only:
            raise AccessDenied(
                "it can only be read", where=found.shown(), hint="Name another place to write to."
            )
        return found

    def _resolve(
        self, text: str, *, for_writing: bool, as_file: bool = False, overrides: Mapping[str, Any] | None
    ) -> Location:
        address = parse(text)
        given = {name: Setting(value, "command line") for name, value in (overrides or {}).items()}
        if address.form is Form.LOCAL:
            return self._local(address, given, for_writing=for_writing, as_file=as_file)
        remote = self.remote_of(address)
        path = paths.normalise(address.path)
        storage, inside = self.open(remote, path, given, where=address.shown)
        self.places.add(storage, inside, address.shown)
        return Location(storage, inside, address.shown, address.wants_dir)

    def _local(
        self, address: Address, given: Mapping[str, Setting], *, for_writing: bool, as_file: bool
    ) -> Location:
        wanted = {name: given[name].value for name in ("links", "fsync") if name in given}
        found = local_location(address, for_writing=for_writing, as_file=as_file, **wanted)
        settings = {name: setting.value for name, setting in given.items() if name in STACK_NAMES}
        storage = stack(found.storage, settings, where=address.text, on_retry=self._on_retry)
        self._opened.append(storage)
        return Location(storage, found.path, found.name, found.wants_dir)

    def remote_of(self, address: Address) -> Remote:
        """What is set for the place that `address` names."""
        if address.form is Form.REMOTE:
            try:
                return self.remotes.get(address.name)
            except NotFound as error:
                if address.name in self.types:
                    error.hint = f"Without a remote it is {address.name}://{address.path}"
                raise
        if address.form is Form.SCHEME and address.name not in self.types:
            raise self._unknown(address.name, address.shown, "scheme")
        settings = {name: Setting(value, "command line") for name, value in address.options.items()}
        return Remote("", address.name, settings, "command line")

    # From settings to a storage

    def open(
        self, remote: Remote, path: str, given: Mapping[str, Setting] | None = None, *, where: str = ""
    ) -> tuple[Storage, str]:
        """The opened storage of a remote with its overlays, and the path inside it."""
        where = where or f"{remote.name}:"
        kind = self.load(remote.type, where)
        options, extra = self.options(remote, given or {})
        below = {**extra, **{name: setting.value for name, setting in (given or {}).items()}}
        inner = self._inner(kind, options, where, below)
        with plugins.naming(plugins.owner(self.types[remote.type])):
            # What it stands on has overlays of its own, and was remembered when it was opened.
            opening = partial(kind.open, options, path)
            try:
                storage, inside = opening() if inner is None else cast(Any, opening)(inner)
            except Error as error:
                raise _of_remote(error, remote, where) from error.__cause__
        if inner is None:
            storage = stack(storage, extra, where=where, on_retry=self._on_retry)
        self._opened.append(storage)
        return storage, inside

    def _inner(
        self, kind: type[Storage], options: StorageOptions, where: str, overrides: Mapping[str, Any]
    ) -> Location | None:
        """What a storage over another one stands on.

        Such a type names with its attribute `wraps` the option that holds the place below it, and its `open`
        takes that location as a third argument. What is said of retries and limits is for the place below.
        """
        wraps: str | None = getattr(kind, "wraps", None)
        if wraps is None:
            return None
        if len(self._below) >= _DEEPEST:
            raise ConfigInvalid(
                "it stands on itself", where=where, hint=f"Its {wraps!r} names another place."
            )
        self._below.append(where)
        try:
            place = str(getattr(options, wraps))
            address = parse(place)
            if address.form is Form.REMOTE:
                try:
                    self.remotes.type_of(address.name)
                except NotFound as error:
                    error.message = f"no remote has this name, and {where.removesuffix(':')} stands on it"
                    raise
            return self._resolve(place, for_writing=True, overrides=overrides)  # or only to be read
        finally:
            self._below.pop()

    def offer(self, type_name: str, where: str) -> Lazy:
        """The storage type of this name, not imported; what to do if it is not installed."""
        offer = self.types.get(type_name)
        if offer is None:
            raise self._unknown(type_name, where, "storage type")
        return offer

    def check_type(self, setting: Setting) -> None:
        """`ConfigInvalid` where a storage type is set that there is none of."""
        name = str(setting.value)
        if name not in self.types:
            error = self._unknown(name, setting.origin, "storage type")
            if isinstance(error, DependencyMissing):
                raise error
            raise ConfigInvalid(error.message, where=setting.origin, hint=error.hint)

    def load(self, type_name: str, where: str) -> type[Storage]:
        """The class of a storage type; `DependencyMissing` if it is not installed or does not load."""
        offer = self.offer(type_name, where)
        kind = plugins.load(offer, f"the storage type {type_name!r}", where)
        with plugins.naming(plugins.owner(offer)):
            if not (isinstance(kind, type) and issubclass(kind, Storage)):
                raise TypeError(f"{offer.target} is no subclass of Storage")
            if not issubclass(kind.Options, StorageOptions):
                raise TypeError(f"{offer.target}.Options is no subclass of StorageOptions")
        return kind

    def _unknown(self, name: str, where: str, what: str) -> DependencyMissing | UsageError:
        if package := PACKAGES.get(name):
            return DependencyMissing(
                f"the plugin for {name!r} is not installed", where=where, hint=f"pip install {package}"
            )
        hint = f"{nearest(name, list(self.types))} 'skycap plugins' lists what is installed."
        return UsageError(f"unknown {what} {name!r}", where=where, hint=hint)

    def known_options(self, type_name: str) -> Collection[str]:
        """Names of all options that a remote of this type can have; of an unknown one, what all have."""
        if type_name not in self.types:
            return STACK_NAMES
        return STACK_NAMES | {info.name for info in self.describe(type_name)}

    def describe(self, type_name: str) -> list[OptionInfo]:
        """The options of a storage type itself."""
        return self.load_options(type_name, type_name)

    def load_options(self, type_name: str, where: str) -> list[OptionInfo]:
        """The same, for a type that may be unknown; `where` is for the message."""
        if type_name not in self._described:
            options = self.load(type_name, where).Options
            with plugins.naming(plugins.owner(self.types[type_name])):
                described = options.describe()
                if taken := sorted(RESERVED & {info.name for info in described}):
                    raise TypeError(
                        f"{type_name} has an option {taken[0]!r}, a name that belongs to every remote"
                    )
                self._described[type_name] = described
        return self._described[type_name]

    def options(
        self, remote: Remote, given: Mapping[str, Setting] | None = None
    ) -> tuple[StorageOptions, dict[str, Any]]:
        """The options of a remote, secrets fetched, and apart from them what its overlays are told."""
        for fault in self.unknown_options(remote).values():
            raise fault
        kind, values, extra, where = self.raw_options(remote, given)
        infos = {info.name: info for info in self.describe(remote.type)}
        fetched = {
            name: self.secret(name, setting, remote) if infos[name].secret else setting.value
            for name, setting in values.items()
        }
        return kind.Options.parse(fetched, where=where), extra

    def unknown_options(self, remote: Remote) -> dict[str, ConfigInvalid]:
        """What is set for a remote that its type does not know, as errors."""
        own = {info.name for info in self.load_options(remote.type, remote.origin)}
        known = STACK_NAMES | own
        return {
            name: ConfigInvalid(
                f"unknown option {name.replace('-', '_')!r} of {remote.type} remotes",
                where=setting.origin,
                hint=nearest(name.replace("-", "_"), sorted(known if remote.name else own)),
            )
            for name, setting in remote.settings.items()
            if name.replace("-", "_") not in known
        }

    def raw_options(
        self, remote: Remote, given: Mapping[str, Setting] | None = None
    ) -> tuple[type[Storage], dict[str, Setting], dict[str, Any], str]:
        """A storage type, its options as they are set, what its overlays are told, and where for messages."""
        kind = self.load(remote.type, remote.origin)
        infos = {info.name: info for info in self.describe(remote.type)}
        known = STACK_NAMES | infos.keys()
        settings = {name.replace("-", "_"): setting for name, setting in remote.settings.items()}
        settings |= {name: setting for name, setting in (given or {}).items() if name in known}
        for info in infos.values():
            if info.name not in settings and (found := self._by_variable(info)):
                settings[info.name] = found
        # What is said of retries is for the overlay, also where a type has an option of that name.
        extra = {
            name: setting.value
            for name, setting in settings.items()
            if name in RETRY_NAMES or (name in STACK_NAMES and name not in infos)
        }
        values = {name: setting for name, setting in settings.items() if name in infos and name not in extra}
        where = f"remote {remote.name} ({remote.origin})" if remote.name else f":{remote.type}:"
        return kind, values, extra, where

    def _by_variable(self, info: OptionInfo) -> Setting | None:
        for variable in info.env:
            if value := self._environ.get(variable):
                return Setting(value, f"environment {variable}")
        return None

    @property
    def secrets(self) -> Secrets:
        """Fetches what references point to."""
        if self._secrets is None:
            self._secrets = Secrets(plugins.plugins().credential_store, environ=self._environ)
        return self._secrets

    def secret(self, name: str, setting: Setting, remote: Remote) -> Secret[str]:
        """A secret option of a remote; `ConfigInvalid` for one that is written out in the file."""
        if isinstance(setting.value, Secret):
            return setting.value
        value = str(setting.value)
        if self.secrets.is_reference(value):
            return self.secrets.fetch(value, where=setting.origin)
        if setting.origin.startswith("environment "):
            return Secret(value)
        how = f'Run "skycap auth login {remote.name}", or write' if remote.name else "Write"
        raise ConfigInvalid(
            f"{name!r} is secret and must not be written out",
            where=setting.origin,
            hint=f"{how} a reference: keyring:SERVICE/NAME, env:VARIABLE, command:PROGRAM or file:PATH.",
        )


def _of_remote(error: Error, remote: Remote, where: str) -> Error:
    """The error, with the remote it came from; a storage does not know the name it was opened under."""
    error.where = error.where or where
    if remote.name and error.hint:
        error.hint = error.hint.replace("REMOTE", remote.name)
    return error


__all__ = ["PACKAGES", "Opener", "resolve"]
