"""The server process: its socket, and uvicorn over it."""

from __future__ import annotations

import socket

import uvicorn

from skycap.internxt.emulator.app import build
from skycap.internxt.emulator.protocol import Protocol
from skycap.internxt.emulator.services import Services


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio lets small answers go at once; else each would wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def address(listener: socket.socket, *, tls: bool) -> str:
    """The URL that leads to a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def make_server(services: Services) -> uvicorn.Server:
    """The server; `run(sockets=[…])` serves until it is told to stop."""
    config = uvicorn.Config(
        build(services),
        http=Protocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=60,
        ssl_certfile=services.settings.certificate,
        ssl_keyfile=services.settings.key,
    )
    return uvicorn.Server(config)
