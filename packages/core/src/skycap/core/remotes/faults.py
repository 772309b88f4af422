"""All that is wrong with what is set for a remote. Fetches no secret and opens nothing."""

from __future__ import annotations

from skycap.core.config import Setting
from skycap.core.crypto.secret import Secret
from skycap.core.errors import Error
from skycap.core.remotes.opening import Opener
from skycap.core.remotes.settings import Remote
from skycap.core.remotes.stack import check


def faults(opener: Opener, name: str) -> list[Error]:
    """Every fault, each with where it stands."""
    found: list[Error] = []
    try:
        remote = opener.remotes.get(name, found.append)
        infos = {info.name: info for info in opener.load_options(remote.type, name)}
        unknown = opener.unknown_options(remote)
        found += unknown.values()
        settings: dict[str, Setting] = {}
        for option, setting in remote.settings.items():
            info = infos.get(option.replace("-", "_"))
            if option in unknown:
                continue
            if info is None or not info.secret:
                settings[option] = setting
                continue
            settings[option] = Setting(Secret("given"), setting.origin)
            if not opener.secrets.is_reference(str(setting.value)):
                try:
                    opener.secret(option, setting, remote)
                except Error as error:
                    found.append(error)
        kind, values, extra, where = opener.raw_options(Remote(name, remote.type, settings, remote.origin))
        found += kind.Options.faults({k: v.value for k, v in values.items()}, where=where)
        check(extra, where=where)
    except Error as error:
        found.append(error)
    return found
