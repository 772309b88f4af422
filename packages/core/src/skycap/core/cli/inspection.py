"""Looks at this installation: what is there, and what is wrong with it."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from skycap.core import plugins
from skycap.core.cli.faults import of_flags
from skycap.core.errors import Error
from skycap.core.remotes.address import Form, parse
from skycap.core.remotes.faults import faults
from skycap.core.remotes.settings import Remote
from skycap.core.state import log_folder, state_folder
from skycap.core.version import VERSION

if TYPE_CHECKING:
    from skycap.core.cli.session import Session

NATIVES = ("blake3", "cryptography", "httpx", "keyring", "pluggy", "pyfastcdc", "tomlkit", "typer")
_OLDEST_PYTHON = (3, 11)


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def keyring_name() -> str:
    """The keyring backend, or what stands in for it."""
    from skycap.core.auth.keyring_store import KeyringStore

    return KeyringStore.backend() or "none, an encrypted file instead"


def facts(run: Session) -> dict[str, str]:
    """Versions, folders, plugins."""
    found = {
        "skycap": VERSION,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "file names": sys.getfilesystemencoding(),
        "configuration": run.config_path,
        "state": state_folder(run.environ),
        "logs": log_folder(run.environ),
        "credentials": keyring_name(),
    }
    found |= {name: _version(name) for name in NATIVES}
    for plugin in plugins.plugins().installed():
        about = f"{plugin.found.distribution} {plugin.found.version}, {plugin.status}"
        found[f"plugin {plugin.found.name}"] = f"{about} ({plugin.problem})" if plugin.problem else about
    return found


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing looked at. `warning` is worth mending, `failed` is broken."""

    name: str
    status: Literal["ok", "warning", "failed"]
    detail: str = ""
    hint: str = ""


def examine(run: Session) -> Iterator[Examined]:
    """Python, natives, configuration, state folder, keyring, plugins."""
    yield _python()
    for name in NATIVES:
        yield _native(name)
    yield from _configuration(run)
    yield from _settings(run)
    yield _folder("state folder", state_folder(run.environ), "SKYCAP_STATE names another one.")
    yield _keyring()
    yield from _plugins()


def _python() -> Examined:
    found = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        return Examined("python", "failed", found, "skycap needs Python 3.11 or later.")
    return Examined("python", "ok", found)


def _native(name: str) -> Examined:
    try:
        import_module(name)
    except ImportError as error:
        return Examined(name, "failed", str(error), f"pip install --force-reinstall {name}")
    return Examined(name, "ok", _version(name))


def _configuration(run: Session) -> Iterator[Examined]:
    try:
        config = run.config
    except Error as error:
        yield Examined("configuration", "failed", str(error), error.hint or "")
        return
    if not os.path.exists(config.path):
        yield Examined("configuration", "ok", f"{config.path} (not there yet)")
        return
    if config.is_exposed():
        yield Examined(
            "configuration", "warning", f"others can read {config.path}", f"chmod 600 {config.path}"
        )
    else:
        yield Examined("configuration", "ok", config.path)


def _settings(run: Session) -> Iterator[Examined]:
    """All that is wrong with what is set, in the file or in the environment."""
    try:
        names = run.opener.remotes.names()
    except Error:
        return  # the file cannot be read; it was told of
    for fault in of_flags(run):
        yield Examined("defaults", "failed", str(fault), fault.hint or "")
    for name in names:
        yield from _remote(run, name)


def _remote(run: Session, name: str) -> Iterator[Examined]:
    found = faults(run.opener, name)
    for fault in found:
        yield Examined(f"remote {name}", "failed", str(fault), fault.hint or "")
    if not found:
        remote = run.opener.remotes.get(name)
        yield _below(run, remote) or Examined(f"remote {name}", "ok", remote.type)


def _below(run: Session, remote: Remote) -> Examined | None:
    """What is wrong with what a remote stands on, all the way down; None if nothing is."""
    first = remote.name
    name = f"remote {first}"
    seen = set()
    try:
        while wraps := getattr(run.opener.load(remote.type, remote.name), "wraps", None):
            place = str(remote.values.get(wraps) or "")
            address = parse(place)
            if place in seen or not place:
                return Examined(
                    name, "failed", f"{wraps} leads nowhere", f"skycap {name.replace(' ', ' show ', 1)}"
                )
            seen.add(place)
            if address.form is Form.LOCAL:
                return None
            remote = run.opener.remote_of(address)
        run.opener.load(remote.type, remote.name)
    except Error as error:
        return Examined(name, "failed", f"what it stands on: {error}", error.hint or "")
    return None


def _folder(name: str, path: str, hint: str) -> Examined:
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        return Examined(name, "failed", f"{path} cannot be written ({error.strerror})", hint)
    if os.name != "nt" and os.stat(path).st_mode & 0o022:
        return Examined(name, "warning", f"others can write to {path}", f"chmod 700 {path}")
    return Examined(name, "ok", path)


def _keyring() -> Examined:
    found: Callable[[], str] = keyring_name
    try:
        name = found()
    except ImportError as error:
        return Examined("keyring", "warning", str(error), "pip install --force-reinstall keyring")
    return Examined("keyring", "ok", name)


def _plugins() -> Iterator[Examined]:
    for plugin in plugins.plugins().installed():
        about = f"{plugin.found.distribution} {plugin.found.version}"
        if plugin.status == "broken":
            hint = f"Install it again, or leave it out: {plugins.DISABLE}={plugin.found.name}"
            yield Examined(f"plugin {plugin.found.name}", "failed", plugin.problem, hint)
        else:
            yield Examined(f"plugin {plugin.found.name}", "ok", f"{about}, {plugin.status}")
