"""One request: what WSGI hands over, decoded once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skycap.core.errors import PathInvalid
from skycap.core.webdav import urls
from skycap.core.webdav.answers import Refusal

Environ = dict[str, Any]
ANYBODY = "anonymous"
"""The user of a server that asks nobody for a name."""
USER = "REMOTE_USER"
"""Where the name of who signed in is left in the environment, for the log."""


@dataclass(slots=True)
class Request:
    """A request. `path` is its URL path, decoded, without outer slashes; `user` who sent it."""

    environ: Environ
    method: str
    path: str
    slash: bool
    user: str = ANYBODY
    memory: dict[str, Any] = field(default_factory=dict)
    """What layers remember for the length of the request."""

    @classmethod
    def of(cls, environ: Environ) -> Request:
        """The request of a WSGI environment; `Refusal` 400 for a path that nothing can have."""
        raw = raw_path(environ)
        try:
            path, slash = urls.decode(raw)
        except PathInvalid as error:
            raise Refusal(400, error.message) from None
        return cls(environ, environ["REQUEST_METHOD"], path, slash)

    def header(self, name: str) -> str | None:
        """A header, by its name in capitals with underscores."""
        value: str | None = self.environ.get(f"HTTP_{name}")
        return value

    @property
    def length(self) -> int | None:
        """The size of the body in bytes; None for one in chunks. `Refusal` 400 if it is no number."""
        said = self.environ.get("CONTENT_LENGTH") or ""
        if not said:
            return None if "chunked" in (self.header("TRANSFER_ENCODING") or "").lower() else 0
        if not re.fullmatch(r"[0-9]{1,19}", said):
            raise Refusal(400, "Content-Length is not a number")
        return int(said)

    def depth(self, *allowed: str, default: str) -> str:
        """The header Depth, one of `allowed`; `Refusal` 400 for any other."""
        said = (self.header("DEPTH") or default).strip().lower()
        if said not in allowed:
            raise Refusal(400, f"Depth can be {' or '.join(allowed)} here")
        return said

    @property
    def overwrite(self) -> bool:
        """The header Overwrite; T where there is none."""
        said = (self.header("OVERWRITE") or "T").strip().upper()
        if said not in {"T", "F"}:
            raise Refusal(400, "Overwrite is T or F")
        return said == "T"

    @property
    def target(self) -> str:
        """What its first line asks for, as it was sent."""
        return str(self.environ.get("REQUEST_URI") or raw_path(self.environ))

    @property
    def host(self) -> str:
        """The host it was sent to, in lower case, with the port if one was named."""
        uri = str(self.environ.get("REQUEST_URI", "/"))
        if not uri.startswith("/"):  # a URL says more than the header (RFC 9112, 3.2.2)
            return urls.path_of(uri)[0]
        return str(self.environ.get("HTTP_HOST") or self.environ.get("SERVER_NAME", "")).lower()

    def destination(self) -> tuple[str, bool]:
        """The decoded URL path of the header Destination, and whether it ends with a slash."""
        said = self.header("DESTINATION")
        if not said:
            raise Refusal(400, "the header Destination is missing")
        return self.local_path(said.strip(), elsewhere=502)

    def local_path(self, url: str, *, elsewhere: int) -> tuple[str, bool]:
        """The decoded path of a URL of this server; another server's is refused with `elsewhere`."""
        try:
            # WSGI hands header bytes over as Latin-1; some clients do not escape what is not ASCII.
            host, raw = urls.path_of(url.encode("latin-1", "replace").decode("utf-8", "surrogateescape"))
            if host and _plain(host) != _plain(self.host):
                raise Refusal(elsewhere, "that is on another server")
            return urls.decode(raw)
        except PathInvalid as error:
            raise Refusal(400, error.message) from None


def _plain(host: str) -> str:
    return host.removesuffix(":80").removesuffix(":443")


def raw_path(environ: Mapping[str, Any]) -> str:
    """The path as it was sent, still escaped."""
    raw = environ.get("REQUEST_URI")
    if raw is None:  # a server that keeps only the decoded one
        from urllib.parse import quote

        return quote(
            environ.get("SCRIPT_NAME", "").encode("latin-1") + environ["PATH_INFO"].encode("latin-1"), "/*"
        )
    raw = str(raw)
    if raw.startswith("/") or raw == "*":
        return raw
    try:
        return urls.path_of(raw)[1]
    except PathInvalid as error:
        raise Refusal(400, error.message) from None
