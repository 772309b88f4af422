"""Where files lie: from a path to the URL that is asked, and from what a server names back to a path.

A server names what it has by URLs or absolute paths, percent-encoded as it likes. They come from outside:
what is not below the folder that was asked for, or is no name of ours, is told as such and never followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from skycap.cloudproviders.hosts import one_name
from skycap.core import paths
from skycap.core.errors import ConfigInvalid, PathInvalid

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PORTS = {"http": 80, "https": 443}
# Where the files of a cloud's user begin, as its own clients address them.
_ROOTS = (
    re.compile(r"((?:[^/]+/)*?remote\.php/dav/files/[^/]+)(?:/(.*))?"),
    re.compile(r"((?:[^/]+/)*?remote\.php/webdav)(?:/(.*))?"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A collection on a server. `base` is its decoded path, without slashes at either end."""

    scheme: str
    host: str
    port: int
    base: str = ""

    @classmethod
    def parse(cls, url: str) -> Place:
        """From a URL; `ConfigInvalid` for one with credentials, or that is none of http."""
        try:
            parts = urlsplit(url if "://" in url else f"https://{url}")
        except ValueError:
            raise ConfigInvalid("not a URL", hint="Write it like https://cloud.example.com/dav.") from None
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        if "@" in parts.netloc:
            raise ConfigInvalid(
                "an address does not hold the credentials",
                where=paths.printable(shown),
                hint='Write it without, and set user; "skycap auth login REMOTE" asks for the password.',
            )
        try:
            port = parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError:
            port = 0
        if not (parts.hostname and port and parts.scheme in _PORTS) or parts.query or parts.fragment:
            raise ConfigInvalid(
                "not the address of a WebDAV server",
                where=paths.printable(shown),
                hint="Write it like https://cloud.example.com/remote.php/dav/files/ada.",
            )
        names = [unquote(name, errors="surrogateescape") for name in parts.path.split("/") if name]
        try:
            base = paths.validate("/".join(names))
        except PathInvalid as error:
            raise ConfigInvalid(
                f"the address cannot be used: {error.message}", where=paths.printable(shown)
            ) from None
        return cls(parts.scheme, parts.hostname, port, base)

    @classmethod
    def of_path(cls, path: str) -> tuple[Place, str]:
        """From `host/where/it/is`, as it stands behind `webdav://`; and the path inside the place."""
        host, _, rest = path.partition("/")
        for root in _ROOTS:
            if found := root.fullmatch(rest):
                place = cls.parse(f"https://{host}")
                return replace(place, base=found.group(1)), found.group(2) or ""
        return cls.parse(f"https://{host}"), rest

    @property
    def origin(self) -> str:
        """Scheme, host and port, the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")

    def url(self, path: str = "", *, folder: bool = False) -> str:
        """The URL of a path; that of a folder ends in a slash."""
        return self.absolute(paths.join(self.base, path), folder=folder)

    def absolute(self, path: str, *, folder: bool = False) -> str:
        """The URL of a path from the server's root."""
        whole = quote(path, safe="/", errors="surrogateescape")
        return f"{self.origin}/{whole}/" if folder and whole else f"{self.origin}/{whole}"

    def shown(self, path: str = "") -> str:
        """The URL for people."""
        return paths.printable(f"{self.origin}/{paths.join(self.base, path)}")

    def identity(self, user: str | None) -> str:
        """The place under one name, whether it is asked by http or https; a user sees files of their own."""
        port = "" if self.port in _PORTS.values() else f":{self.port}"
        account = f"{user}@" if user else ""
        return f"webdav:{account}{one_name(self.host.lower().rstrip('.'))}{port}/{self.base}".rstrip("/")

    def path_of(self, href: str, folder: str = "") -> str:
        """The path that a server's `href` stands for; `PathInvalid` if it is not below the place.

        One that does not begin with a slash is meant from `folder`.
        """
        raw = href.strip()
        if found := _SCHEME.match(raw):
            raw = f"/{raw[found.end() :].partition('/')[2]}"
        names = [unquote(name, errors="surrogateescape") for name in raw.split("/") if name]
        if not raw.startswith("/"):
            names = paths.join(self.base, folder).split("/") + names
        for name in names:
            if "/" in name or name in {".", ".."} or "\0" in name:
                raise PathInvalid(
                    "a server names a file in a way that leads astray", where=paths.printable(href)
                )
        return paths.relative_to(paths.validate("/".join(names)), self.base)
