"""A server on loopback that greets over TLS, and a client that is greeted."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


@contextmanager
def served(context: ssl.SSLContext) -> Iterator[int]:
    """A server on loopback that greets once over TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            plain, _ = listening.accept()
            with plain:
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        connection.sendall(b"hello")
                except (ssl.SSLError, ConnectionError):
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


class Greeted(NamedTuple):
    """What the client saw."""

    greeting: bytes
    version: str | None
    protocol: str | None
    serial: str


def greet(port: int, ca: str, name: str) -> Greeted:
    """Connect, and trust nothing but `ca`, in the strictest way."""
    client = ssl.create_default_context(cafile=ca)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        client.wrap_socket(plain, server_hostname=name) as connection,
    ):
        serial = str((connection.getpeercert() or {})["serialNumber"])
        return Greeted(connection.recv(5), connection.version(), connection.selected_alpn_protocol(), serial)
