"""One host under one name, however its address is written."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress


def one_name(host: str) -> str:
    """A host, with all the names of this machine's loopback as one."""
    if host == "localhost" or host.endswith(".localhost"):
        return "localhost"
    with suppress(OSError):
        # Addresses may be written in odd ways: 127.1, 0x7f.1, 2130706433.
        host = socket.inet_ntoa(socket.inet_aton(host))
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    address = getattr(address, "ipv4_mapped", None) or address
    # To connect to the unspecified address is to connect to oneself.
    return "localhost" if address.is_loopback or address.is_unspecified else address.compressed
