"""The HTTP servers below: cheroot, which streams uploads, and waitress, which takes them whole.

Both answer alike; what differs is said in docs/how-to/webdav-serve.md.
"""

from __future__ import annotations

import ssl
from typing import Any, Literal, Protocol

from skycap.core.errors import UsageError

ServerName = Literal["cheroot", "waitress"]


class HttpServer(Protocol):
    """A server that is bound and listens; `serve` runs it until `stop` is called from another thread."""

    @property
    def port(self) -> int:
        """The port it listens on."""
        ...

    def serve(self) -> None:
        """Answer requests. Returns when the last one that had begun is finished, after `stop`."""
        ...

    def stop(self) -> None:
        """Take no new requests, and let those that run come to their end. Twice is fine."""
        ...


def bind(
    name: ServerName, app: Any, host: str, port: int, *, tls: ssl.SSLContext | None = None
) -> HttpServer:
    """A server for a WSGI application, bound to an address; port 0 is a free one."""
    if name == "cheroot":
        from skycap.core.webdav.serving.cheroot import CherootServer

        return CherootServer(app, host, port, tls=tls)
    if tls is not None:
        raise UsageError(
            "waitress speaks no TLS", hint="Take --server cheroot, or put a proxy that does in front of it."
        )
    from skycap.core.webdav.serving.waitress import WaitressServer

    return WaitressServer(app, host, port)


def unbound(error: OSError, host: str, port: int) -> UsageError:
    """What it means that an address cannot be listened on."""
    return UsageError(
        f"cannot listen there ({error.strerror or error})",
        where=f"{host}:{port}",
        hint="Somebody else may listen on it already; --port 0 takes a free one.",
    )
