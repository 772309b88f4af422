"""What is set for a remote: by the file, by the environment, and which of the two each value came from.

`SKYCAP_REMOTE_<REMOTE>_<OPTION>` sets an option; with `_TYPE` among them the whole remote may live in the
environment. Names match without case and with `-` written `_`. Where a variable could mean two remotes, the
longest known option at its end wins: with remotes `a` and `a_b`, `SKYCAP_REMOTE_A_B_ENDPOINT` is option
`endpoint` of `a_b`, unless the type of `a` has an option `b_endpoint`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from skycap.core.config import Config, Setting, same_name, variable_name
from skycap.core.errors import ConfigInvalid, DependencyMissing, NotFound
from skycap.core.storage.options import nearest

PREFIX = "SKYCAP_REMOTE_"
KnownOptions = Callable[[str], Collection[str]]
"""The option names of a storage type."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A configured remote: its name, its storage type, and what is set, without `type`."""

    name: str
    type: str
    settings: Mapping[str, Setting]
    origin: str

    @property
    def values(self) -> dict[str, object]:
        """What is set, without where it came from."""
        return {name: setting.value for name, setting in self.settings.items()}


class Remotes:
    """All remotes of a configuration and an environment."""

    def __init__(
        self,
        config: Config,
        known: KnownOptions,
        environ: Mapping[str, str] = os.environ,
        check_type: Callable[[Setting], object] = id,
    ) -> None:
        self._config = config
        self._known = known
        self._check_type = check_type
        # Windows has no case in the names of variables, and gives them in upper case.
        self._variables = {
            name.upper().removeprefix(PREFIX): (name, value)
            for name, value in environ.items()
            if name.upper().startswith(PREFIX)
        }

    def names(self) -> list[str]:
        """Names of remotes, those that only the environment knows in lower case. Loads no storage type."""
        found = dict.fromkeys(self._config.remotes)
        for key in self._variables:
            if key.endswith("_TYPE") and len(key) > len("_TYPE"):
                name = key.removesuffix("_TYPE").lower()
                if same_name(name, found) is None and not self._is_option(key):
                    found[name] = None
        return sorted(found)

    def _is_option(self, key: str) -> bool:
        """Whether a variable that ends in `_TYPE` rather sets an option of a remote in the file."""
        for name, remote in self._config.remotes.items():
            option = key.removeprefix(f"{variable_name(name)}_").lower()
            if option in {key.lower(), "type"}:
                continue
            # Only here a type is asked; one that does not load must not keep the others from being listed.
            with suppress(DependencyMissing):
                if option in self._known(str(remote.get("type", ""))):
                    return True
        return False

    def type_of(self, name: str) -> Setting:
        """The storage type of a remote and where it is set. Loads no storage type."""
        return self._head(name)[1]

    def get(self, name: str, on_unknown: Callable[[ConfigInvalid], object] | None = None) -> Remote:
        """One remote; `NotFound` with the nearest name if there is none.

        An option that its type does not know is raised, or told to `on_unknown` where it is a variable.
        """
        real, type_setting, settings = self._head(name)
        type_name = str(type_setting.value)
        self._check_type(type_setting)
        settings |= self._from_environment(real, type_name, on_unknown or _raise)
        return Remote(real, type_name, settings, type_setting.origin)

    def _head(self, name: str) -> tuple[str, Setting, dict[str, Setting]]:
        """The name of a remote as it is written, its type, and what the file sets for it."""
        listed = same_name(name, self._config.remotes)
        type_variable = self._variables.get(f"{variable_name(name)}_TYPE")
        if listed is None and type_variable is None:
            raise self._absent(name)
        settings = self._config.settings(listed) if listed is not None else {}
        if type_variable is not None:
            settings["type"] = Setting(type_variable[1], f"environment {type_variable[0]}")
        type_setting = settings.pop("type", None)
        real = listed or name
        if type_setting is None or not type_setting.value:
            raise ConfigInvalid(
                "it has no type",
                where=f"{self._config.path} [remotes.{real}]",
                hint='Add a line like type = "s3".',
            )
        return real, type_setting, settings

    def _from_environment(
        self, name: str, type_name: str, on_unknown: Callable[[ConfigInvalid], object]
    ) -> dict[str, Setting]:
        prefix = f"{variable_name(name)}_"
        known = self._known(type_name)
        found: dict[str, Setting] = {}
        for key, (variable, value) in self._variables.items():
            option = key.removeprefix(prefix).lower()
            if not key.startswith(prefix) or option == "type":
                continue
            others = self._others(key, prefix)
            if option in known:
                if not any(len(other) > len(option) for other in others.values()):
                    found[option] = Setting(value, f"environment {variable}")
            elif not others:
                error = ConfigInvalid(
                    f"unknown option {option!r} of {type_name} remotes",
                    where=f"environment {variable}",
                    hint=nearest(option, sorted(known)),
                )
                on_unknown(error)
        return found

    def _others(self, key: str, prefix: str) -> dict[str, str]:
        """Other remotes that this variable could mean, with the option it would be of each."""
        found = {}
        for other in self.names():
            other_prefix = f"{variable_name(other)}_"
            if other_prefix == prefix or not key.startswith(other_prefix):
                continue
            option = key.removeprefix(other_prefix).lower()
            type_variable = self._variables.get(f"{other_prefix}TYPE", ("", ""))[1]
            listed = same_name(other, self._config.remotes)
            type_name = type_variable or str(self._config.remotes[listed].get("type", "") if listed else "")
            if option == "type" or option in self._known(type_name):
                found[other] = option
        return found

    def _absent(self, name: str) -> NotFound:
        names = self.names()
        hint = nearest(name, names) if names else f'"skycap remote add {name} TYPE" makes one.'
        return NotFound(
            "no remote has this name",
            where=name,
            hint=f"{hint} A local file with a colon in its name is written ./{name}:…",
        )


def _raise(error: ConfigInvalid) -> None:
    raise error
