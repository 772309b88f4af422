"""Reads the configuration, and says exactly where it is wrong.

    [defaults]                    # what flags are where the command line and the environment say nothing
    transfers = 8

    [remotes.photos]
    type = "s3"
    endpoint = "https://s3.example.org"
    secret_access_key = "keyring:skycap/photos.secret_access_key"

A flag wins over the environment, that over the file, that over what is built in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from skycap.core.errors import ConfigInvalid
from skycap.core.storage.options import nearest

NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
_TABLES = ("defaults", "remotes")
_POSITION = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it came from, in words: a file and its key, a variable, the command line."""

    value: Any
    origin: str


def config_path(environ: Mapping[str, str] = os.environ) -> str:
    """The configuration file: what `SKYCAP_CONFIG` says, else the platform's own place. It need not exist."""
    if chosen := environ.get("SKYCAP_CONFIG"):
        return os.path.abspath(os.path.expanduser(chosen))
    import platformdirs

    return os.path.join(platformdirs.user_config_dir("skycap", appauthor=False), "config.toml")


def variable_name(name: str) -> str:
    """A remote's name as it stands in a variable: upper case, everything else than letters and digits `_`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def same_name(name: str, names: Mapping[str, Any]) -> str | None:
    """The one of `names` that is meant: itself, else the one that differs only in case or in `-` for `_`."""
    if name in names:
        return name
    wanted = variable_name(name)
    return next((other for other in names if variable_name(other) == wanted), None)


class Config:
    """What the file says. A file that is absent says nothing."""

    def __init__(self, path: str, data: Mapping[str, Any]) -> None:
        self.path = path
        self.data = data

    @classmethod
    def load(cls, path: str | None = None, environ: Mapping[str, str] = os.environ) -> Config:
        """Read and check; `ConfigInvalid` names line and column, or the key and what it is nearest to."""
        found = path or config_path(environ)
        try:
            with open(found, "rb") as file:
                data = parse(file.read(), found)
        except (FileNotFoundError, NotADirectoryError):
            data = {}
        except OSError as error:
            raise ConfigInvalid(
                f"cannot be read ({error.strerror})",
                where=found,
                hint="SKYCAP_CONFIG names another configuration file.",
            ) from error
        return cls(found, data)

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Values of flags, by their name with `_`."""
        found: Mapping[str, Any] = self.data.get("defaults", {})
        return found

    @property
    def remotes(self) -> Mapping[str, Mapping[str, Any]]:
        """What the file says of each remote."""
        found: Mapping[str, Mapping[str, Any]] = self.data.get("remotes", {})
        return found

    def settings(self, name: str) -> dict[str, Setting]:
        """What the file says of one remote, each value with where it stands."""
        return {
            option: Setting(value, f"{self.path} [remotes.{name}] {option}")
            for option, value in self.remotes.get(name, {}).items()
        }

    def is_exposed(self) -> bool:
        """Whether others can read or change the file."""
        try:
            return os.name != "nt" and bool(os.stat(self.path).st_mode & 0o077)
        except OSError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self.remotes)


def parse(raw: bytes, path: str) -> dict[str, Any]:
    """The tables of a configuration file, checked; `path` is for messages."""
    import tomllib

    try:
        data = tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigInvalid(
            f"line {line} is not UTF-8", where=path, hint="Save the file as UTF-8."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(error, raw, path) from error
    for table in data:
        if table not in _TABLES:
            raise ConfigInvalid(
                f"unknown key {table!r}", where=path, hint=nearest(table, list(_TABLES))
            ) from None
    for table in _TABLES:
        if not isinstance(data.get(table, {}), dict):
            raise ConfigInvalid(f"{table!r} is not a table", where=path, hint=f"Write [{table}] on a line.")
    for name, remote in data.get("remotes", {}).items():
        where = f"{path} [remotes.{name}]"
        if not NAME.match(name):
            raise ConfigInvalid(
                "this cannot be the name of a remote",
                where=where,
                hint="A name has letters, digits, '-', '_' and '.', and begins with no '-' or '.'.",
            )
        if not isinstance(remote, dict):
            raise ConfigInvalid("it is not a table", where=where, hint=f"Write [remotes.{name}] on a line.")
        if not isinstance(remote.get("type", ""), str):
            raise ConfigInvalid("'type' must be text", where=where, hint='Write type = "s3", for instance.')
    return data


def _not_toml(error: ValueError, raw: bytes, path: str) -> ConfigInvalid:
    text = str(error)
    found = _POSITION.search(text)
    message = _POSITION.sub("", text)
    position = ""
    if found:
        line, column = found.groups()
        last = raw.rstrip().count(b"\n") + 1
        position = f"line {line}, column {column}: " if line else f"line {last}, at the end: "
    return ConfigInvalid(
        f"{position}not valid TOML ({message[:1].lower()}{message[1:]})",
        where=path,
        hint='Correct that line ("skycap config edit"), or move the file away and begin anew.',
    )
