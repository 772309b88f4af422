"""Where the services answer: what the remote says, else variables of the official client, else Internxt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from skycap.core.errors import ConfigInvalid

DRIVE = "https://gateway.internxt.com/drive"
NETWORK = "https://gateway.internxt.com/network"
WEB = "https://drive.internxt.com"
VARIABLES = {"drive": "DRIVE_NEW_API_URL", "network": "NETWORK_URL", "web": "DRIVE_WEB_URL"}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses without a slash at the end: the Drive API, the Network API, the pages for browsers."""

    drive: str = DRIVE
    network: str = NETWORK
    web: str = WEB


def resolve(
    drive: str | None = None,
    network: str | None = None,
    web: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
) -> Endpoints:
    """The addresses that count. `ConfigInvalid` for what is no address of http or https."""
    return Endpoints(
        _address("drive", drive, DRIVE, environ),
        _address("network", network, NETWORK, environ),
        _address("web", web, WEB, environ),
    )


def _address(name: str, chosen: str | None, usual: str, environ: Mapping[str, str]) -> str:
    variable = VARIABLES[name]
    where = f"option {name}_url" if chosen else f"environment {variable}"
    found = (chosen or environ.get(variable) or usual).strip()
    found = (found if "://" in found else f"https://{found}").rstrip("/")
    try:
        parts = urlsplit(found)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        good = False
    if not good or parts.username or parts.query or parts.fragment:
        raise ConfigInvalid(
            "this is no address of a service", where=where, hint=f"Write one like {usual}, without a user."
        )
    return found


def is_open(url: str) -> bool:
    """Whether others on the way can read along: no TLS, and not this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and (parts.hostname or "") not in _LOOPBACK
