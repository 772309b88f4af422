"""Every setting that counts, with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from skycap.core.auth.references import Secrets
from skycap.core.cli.flags import FLAG_NAMES
from skycap.core.config import Setting
from skycap.core.errors import Error

if TYPE_CHECKING:
    from skycap.core.cli.session import Session


def effective(run: Session) -> Iterator[tuple[str, Setting]]:
    """Defaults of flags, then remotes: dotted key and setting. Plain secrets show as `***`."""
    defaults = {
        key.replace("-", "_"): Setting(value, f"{run.config.path} [defaults]")
        for key, value in run.config.defaults.items()
    }
    for name in sorted(FLAG_NAMES):
        variable = f"SKYCAP_{name.upper()}"
        if run.environ.get(variable):
            defaults[name] = Setting(run.environ[variable], f"environment {variable}")
    for name, setting in sorted(defaults.items()):
        yield f"defaults.{name}", setting
    for name in run.opener.remotes.names():
        yield from _of_remote(run, name)


def _of_remote(run: Session, name: str) -> Iterator[tuple[str, Setting]]:
    """What is set for a remote. Nobody knows what is secret of a broken one, so all of it is hidden."""
    opener = run.opener
    open_names: frozenset[str] = frozenset()
    settings: Mapping[str, Setting]
    try:
        remote = opener.remotes.get(name, id)
        head, settings = Setting(remote.type, remote.origin), remote.settings
        known = opener.load_options(remote.type, name)
        secret = {info.name for info in known if info.secret}
        open_names = frozenset(opener.known_options(remote.type)) - secret
    except Error:
        settings = {k: v for k, v in run.config.settings(name).items() if k != "type"}
        head = Setting(None, run.config.path)
        with suppress(Error):
            head = opener.remotes.type_of(name)
    yield f"remotes.{name}.type", head
    for option, setting in settings.items():
        is_shown = option.replace("-", "_") in open_names or Secrets.is_reference(str(setting.value))
        yield f"remotes.{name}.{option}", setting if is_shown else Setting("***", setting.origin)
