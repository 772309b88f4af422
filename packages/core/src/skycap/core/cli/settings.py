"""Every setting that counts, with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from skycap.core.auth.references import Secrets
from skycap.core.cli.flags import FLAG_NAMES
from skycap.core.config import Setting

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
        remote = run.opener.remotes.get(name)
        secret = {info.name for info in run.opener.load_options(remote.type, name) if info.secret}
        yield f"remotes.{name}.type", Setting(remote.type, remote.origin)
        for option, setting in remote.settings.items():
            hidden = option in secret and not Secrets.is_reference(str(setting.value))
            yield f"remotes.{name}.{option}", Setting("***", setting.origin) if hidden else setting
