"""The servers that run: one JSON file each, `NAME.json` in `servers` of the state folder, for its owner only.

    {"name": "webdav", "pid": 4711, "born": "…", "machine": "…", "since": "2026-01-31T12:00:00Z",
     "urls": ["http://127.0.0.1:8080/"], "serves": ["photos:2024"], "log": "…/logs/webdav.log", "facts": {}}

`born` tells the process from another that was given its id later. A server writes the file when it is ready
and removes it when it ends; what a crash leaves is removed by whoever looks next.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields

from skycap.core.config.edit import locked, replace_private
from skycap.core.errors import Locked, StateReadFailed, StateWriteFailed, UsageError
from skycap.core.server.processes import birth
from skycap.core.state import make_private_folder, state_folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs. `log` is where its output goes, or None for a terminal; `facts` are its own."""

    name: str
    pid: int
    born: str
    machine: str
    since: str
    urls: list[str]
    serves: list[str] = field(default_factory=list)
    log: str | None = None
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def is_alive(self) -> bool:
        """Whether that very process still runs."""
        return birth(self.pid) == self.born


def servers_folder() -> str:
    """Where the files lie."""
    return os.path.join(state_folder(), "servers")


def require_name(name: str) -> None:
    """Raise `UsageError` for what cannot be the name of a server, and so of a file."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a server",
            hint="Up to 64 letters, digits, dots, dashes and underscores, the first a letter or a digit.",
        )


@contextmanager
def registered(
    name: str,
    urls: Iterable[str],
    *,
    serves: Iterable[str] = (),
    log: str | None = None,
    facts: Mapping[str, str] | None = None,
    folder: str | None = None,
) -> Iterator[Running]:
    """Be known as a running server while entered; enter when it is ready for clients.

    `Locked` if one of this name runs, `StateWriteFailed` if it cannot be written down. No secrets in `facts`.
    """
    require_name(name)
    folder = make_private_folder(folder or servers_folder())
    mine = Running(
        name=name,
        pid=os.getpid(),
        born=birth(os.getpid()) or "",
        machine=socket.gethostname(),
        since=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        urls=list(urls),
        serves=list(serves),
        log=log,
        facts=dict(facts or {}),
    )
    path = os.path.join(folder, f"{name}.json")
    try:
        with locked(os.path.join(folder, _LOCK)):
            if (other := _living(path)) is not None:
                raise already(other)
            replace_private(path, json.dumps(asdict(mine), indent=1).encode("ascii") + b"\n")
    except OSError as error:
        raise StateWriteFailed(f"the server cannot be written down ({error.strerror})", where=path) from error
    try:
        yield mine
    finally:
        with contextlib.suppress(OSError), locked(os.path.join(folder, _LOCK)):
            if _read(path) == mine:
                os.unlink(path)


def already(other: Running) -> Locked:
    """The error that a server of this name runs."""
    return Locked(
        f"a server of this name runs already, as process {other.pid} since {other.since}",
        where=other.name,
        hint="Stop it, or give this one another name.",
    )


def running(folder: str | None = None) -> list[Running]:
    """The servers of this machine that run, by name. What is left of those that crashed is removed.

    `StateReadFailed` where the folder or a file in it cannot be read.
    """
    folder = folder or servers_folder()
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
        with locked(os.path.join(folder, _LOCK)):
            found = [_living(os.path.join(folder, name)) for name in names]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StateReadFailed(
            f"the running servers cannot be read ({error.strerror})", where=error.filename or folder
        ) from error
    return [one for one in found if one is not None]


def find(name: str, folder: str | None = None) -> Running | None:
    """The running server of this name."""
    require_name(name)
    return next((one for one in running(folder) if one.name == name), None)


def _living(path: str) -> Running | None:
    """The server of a file, if it runs here; a file whose process is gone is removed."""
    found = _read(path)
    if found is not None and found.machine != socket.gethostname():
        return None  # a state folder that machines share: its process is not ours to judge
    if found is not None and found.is_alive:
        return found
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return None


def _read(path: str) -> Running | None:
    try:
        with open(path, encoding="utf-8") as file:
            raw = json.load(file)
        known = {one.name: raw[one.name] for one in fields(Running)}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return Running(**known) if isinstance(known["pid"], int) and isinstance(known["born"], str) else None
