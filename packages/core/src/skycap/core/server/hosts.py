"""Whether a request names this machine, or came by a name that somebody else points at it.

A web page can let a name of its own lead to 127.0.0.1, and a browser then lets the page talk to what listens
there (DNS rebinding). The page cannot choose what the browser writes into `Host`: it is that name. So a
server which lets in everybody who reaches it from this machine looks at it.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import cache
from urllib.parse import urlsplit


def names_this_machine(host: str) -> bool:
    """Whether a `Host` header, with or without a port, is an address, `localhost` or this machine's name.

    An address is fine whichever it is: nobody can make it lead elsewhere. So is an empty one, which no
    browser sends.
    """
    try:
        name = urlsplit(f"//{host.strip()}").hostname or ""
    except ValueError:
        return False
    name = name.lower().removesuffix(".")
    if not name:
        return not host.strip()
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name == "localhost" or name.endswith(".localhost") or name in _own_names()
    return True


@cache
def _own_names() -> frozenset[str]:
    name = socket.gethostname().lower().removesuffix(".")
    short = name.partition(".")[0]
    return frozenset({name, short, f"{short}.local"} - {""})
