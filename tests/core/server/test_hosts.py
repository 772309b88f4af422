"""A name that somebody else points at this machine is told from this machine's own."""

from __future__ import annotations

import socket

import pytest

from skycap.core.server.hosts import names_this_machine


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost.:8080",
        "skycap.localhost:1",
        "127.0.0.1",
        "127.1.2.3:80",
        "[::1]:8080",
        "[fe80::1%25eth0]",
        "192.168.1.2:8080",
        "",
        socket.gethostname(),
        f"{socket.gethostname().partition('.')[0]}.local:8080",
    ],
)
def test_addresses_and_own_names_are_this_machine(host: str) -> None:
    assert names_this_machine(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "notlocalhost",
        "evil@evil.example",
        "[::1",
        ":8080",
        "localhost\\@evil.example",
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert not names_this_machine(host)
