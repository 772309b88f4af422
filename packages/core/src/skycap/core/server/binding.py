"""Where a server listens, and what it needs before others than this machine may reach it."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass, replace
from urllib.parse import quote

from skycap.core.errors import UsageError
from skycap.core.paths import printable

FORCE_FLAG = "--insecure"
"""The flag that lets a server be reached by others without a login or without TLS."""
_NAME = re.compile(r"[^\W_](?:[\w.-]*[^\W_])?\.?")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Binding:
    """A host without brackets and a port; port 0 is a free one, until `at` says which it became."""

    host: str
    port: int

    @classmethod
    def of(cls, host: str, port: int, *, has_login: bool, has_tls: bool, force: bool = False) -> Binding:
        """The binding; an empty host is every address of this machine.

        `UsageError` for what is no host or port, and for one that others can reach without a login or
        without TLS, unless `force`.
        """
        host = host.removeprefix("[").removesuffix("]")
        if _address(host) is None and host and not _NAME.fullmatch(host):
            raise UsageError(
                f"{printable(host)!r} is neither a host name nor an address",
                hint="Write a name or an address alone, as in --host 127.0.0.1; --port takes the port.",
            )
        if not 0 <= port <= 65535:
            raise UsageError(f"there is no port {port}", hint="Ports are 1 to 65535; 0 is a free one.")
        binding = cls(host, port)
        if not (binding.is_loopback or force):
            binding._require(has_login=has_login, has_tls=has_tls)
        return binding

    def _require(self, *, has_login: bool, has_tls: bool) -> None:
        missing = []
        if not has_login:
            missing.append(("a login", "--user and --password-file"))
        if not has_tls:
            missing.append(("TLS", "--tls"))
        if missing:
            whats = " and without ".join(what for what, _ in missing)
            raise UsageError(
                f"others than this machine can reach {self.host or 'every address'}, without {whats}",
                hint=f"Add {' and '.join(flag for _, flag in missing)}, or listen on 127.0.0.1. "
                f"{FORCE_FLAG} serves it all the same.",
            )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it: 127.0.0.0/8, ::1 and localhost."""
        address = _address(self.host)
        if address is None:
            return self.host.lower().removesuffix(".") == "localhost"
        return address.is_loopback

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for every address of this machine."""
        address = _address(self.host)
        return not self.host or (address is not None and address.is_unspecified)

    def at(self, port: int) -> Binding:
        """The same on the port that the system chose."""
        return replace(self, port=port)

    def url(self, scheme: str, path: str = "") -> str:
        """A URL that works on this machine; `path` is plain text, and is encoded here."""
        host = self.host
        if self.is_wildcard:
            host = "[::1]" if ":" in host else "127.0.0.1"
        return self._url(scheme, host, path)

    def urls(self, scheme: str, path: str = "") -> list[str]:
        """`url`, and for every address also the one by this machine's name, for others."""
        urls = [self.url(scheme, path)]
        if self.is_wildcard:
            urls.append(self._url(scheme, socket.gethostname(), path))
        return urls

    def _url(self, scheme: str, host: str, path: str) -> str:
        if ":" in host and not host.startswith("["):
            host = f"[{host.replace('%', '%25')}]"  # RFC 6874: the mark of a zone is written encoded
        default = {"http": 80, "https": 443}.get(scheme)
        port = "" if self.port == default else f":{self.port}"
        encoded = quote(path.encode("utf-8", "surrogateescape"), safe="/")
        return f"{scheme}://{host}{port}/{encoded.lstrip('/')}"


def _address(host: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    # ::ffff:127.0.0.1 is 127.0.0.1 in the clothes of IPv6.
    return getattr(address, "ipv4_mapped", None) or address
