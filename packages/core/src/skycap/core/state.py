"""Where skycap remembers things between runs: journals, locks, logs. Losing it loses memory, never files."""

from __future__ import annotations

import os
from collections.abc import Mapping

from skycap.core.errors import StateWriteFailed


def state_folder(environ: Mapping[str, str] = os.environ) -> str:
    """The state folder: what `SKYCAP_STATE` says, else the platform's own place. It need not exist."""
    if chosen := environ.get("SKYCAP_STATE"):
        return os.path.abspath(os.path.expanduser(chosen))
    import platformdirs

    return platformdirs.user_state_dir("skycap", appauthor=False)


def log_folder(environ: Mapping[str, str] = os.environ) -> str:
    """Where log files go."""
    return os.path.join(state_folder(environ), "logs")


def make_private_folder(path: str) -> str:
    """`path`, made if need be, for its owner's eyes only; `StateWriteFailed` where it cannot be."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError as error:
        raise StateWriteFailed(
            f"the folder cannot be made ({error.strerror})",
            where=path,
            hint="SKYCAP_STATE names another state folder.",
        ) from error
    return path
