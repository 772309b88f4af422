"""The certificates of this machine: one CA, and for each host asked for a leaf that it signed.

In `servers/tls` of the state folder, all but `ca.crt` for their owner's eyes only:

    ca.pem            key and certificate of the CA
    ca.crt            its certificate alone, for the trust stores of clients
    server-HEX.pem    key, certificate and CA of a leaf; HEX begins its SHA-256 fingerprint

A key and its certificate are one file, written in one step under a lock, and a leaf is never written again:
so no reader meets halves of two pairs.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from skycap.core.config.edit import locked, replace_private
from skycap.core.errors import ConfigInvalid, StateReadFailed, StateWriteFailed
from skycap.core.state import make_private_folder, state_folder

if TYPE_CHECKING:
    from cryptography import x509

    from skycap.core.server.issuing import Issued

RENEW_BEFORE = timedelta(days=30)
_KEPT = 8
_NAME = re.compile(r"[a-z0-9_-][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What there is to tell of a certificate. Times are in UTC, fingerprints hexadecimal with colons."""

    path: str
    subject: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    sha256: str
    sha1: str

    @classmethod
    def of(cls, certificate: x509.Certificate, path: str) -> Certificate:
        """The facts of one."""
        from cryptography.hazmat.primitives import hashes

        from skycap.core.server.issuing import names_of

        return cls(
            path=path,
            subject=certificate.subject.rfc4514_string(),
            names=names_of(certificate),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            sha256=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
            # Windows and macOS name certificates by it; nothing is trusted because of it.
            sha1=certificate.fingerprint(hashes.SHA1()).hex(":").upper(),  # noqa: S303
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """The CA and the leaves, the one that lasts longest first; None and empty before the first is made."""

    ca: Certificate | None
    leaves: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """A leaf to serve with. `new_ca` says that clients must trust another CA than before."""

    leaf: Certificate
    ca: Certificate
    new_ca: bool


def tls_folder() -> str:
    """Where they lie."""
    return os.path.join(state_folder(), "servers", "tls")


class Certificates:
    """The certificates in one folder. Processes may share it."""

    def __init__(
        self,
        folder: str | None = None,
        *,
        machine: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder = folder or tls_folder()
        self._machine = (machine or socket.gethostname()).lower().rstrip(".")
        self._now = now

    @property
    def ca_path(self) -> str:
        """The certificate of the CA, for trust stores; it may not be there yet."""
        return os.path.join(self._folder, "ca.crt")

    def ready(self, host: str = "localhost") -> Ready:
        """A leaf for this host, made or renewed if need be: with under 30 days left it is.

        Its names are localhost, 127.0.0.1, ::1, the machine's name, that name with `.local`, and `host`.
        `ConfigInvalid` for a host no certificate can name, `StateReadFailed` for files that are broken,
        `StateWriteFailed` where none can be written.
        """
        with self._held():
            return self._ready(host)

    def regenerate(self, host: str = "localhost", *, with_ca: bool = False) -> Ready:
        """A new leaf, and no other left; with `with_ca` a new CA too, which clients must then trust anew."""
        with self._held():
            for name in self._leaf_files():
                os.unlink(os.path.join(self._folder, name))
            if with_ca:
                for name in ("ca.pem", "ca.crt"):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(os.path.join(self._folder, name))
            return self._ready(host)

    def show(self) -> Shown:
        """What is there; nothing is made. `StateReadFailed` for files that are broken."""
        if not os.path.isdir(self._folder):
            return Shown(None, ())
        with self._held():
            ca = self._load("ca.pem") if os.path.exists(os.path.join(self._folder, "ca.pem")) else None
            shown = None if ca is None else Certificate.of(ca.certificate, self.ca_path)
            return Shown(shown, tuple(self._leaves()))

    def _ready(self, host: str) -> Ready:
        from skycap.core.server.issuing import make_leaf, permits

        required = self._required(host)
        ca, new_ca = self._ca(required)
        # A machine that got another name needs no other CA, unless it is to be reached by that name.
        own = [name for name in self._own_names() if permits(ca.certificate, name)]
        names = list(dict.fromkeys([*required, *own]))
        shown_ca = Certificate.of(ca.certificate, self.ca_path)
        for leaf in self._leaves():
            signed = leaf.not_before >= shown_ca.not_before and self._is_from(leaf, ca)
            if signed and self._lasts(leaf) and set(names) <= set(leaf.names):
                return Ready(leaf, shown_ca, new_ca)
        made = make_leaf(ca, names, self._now())
        leaf = Certificate.of(made.certificate, "")
        name = f"server-{leaf.sha256.replace(':', '')[:16].lower()}.pem"
        path = os.path.join(self._folder, name)
        replace_private(path, made.pem(ca.certificate))
        self._tidy()
        return Ready(Certificate.of(made.certificate, path), shown_ca, new_ca)

    def _required(self, host: str) -> list[str]:
        from skycap.core.server.issuing import as_address

        host = host.lower().rstrip(".")
        address = as_address(host)
        if not host or (address is not None and address.is_unspecified):
            host = self._machine  # every address: others know the machine by its name
        elif address is not None:
            host = str(address)
        if host and as_address(host) is None and not _NAME.fullmatch(host):
            raise ConfigInvalid(
                f"no certificate can name {host!r}",
                hint="Write a name beyond ASCII in its encoded form, xn--….",
            )
        return [name for name in dict.fromkeys(["localhost", "127.0.0.1", "::1", host]) if name]

    def _own_names(self) -> list[str]:
        names = [self._machine] if "." in self._machine else [self._machine, f"{self._machine}.local"]
        return [name for name in names if _NAME.fullmatch(name)]

    def _ca(self, names: list[str]) -> tuple[Issued, bool]:
        """The CA; a new one if there is none, it ends before a leaf would, or may not sign for a name."""
        from skycap.core.server.issuing import LEAF_LIFE, make_ca, permits

        path = os.path.join(self._folder, "ca.pem")
        kept: list[str] = []
        if os.path.exists(path):
            ca = self._load("ca.pem")
            lasts = ca.certificate.not_valid_after_utc >= self._now() + LEAF_LIFE
            if lasts and all(permits(ca.certificate, name) for name in names):
                self._publish(ca)
                return ca, False
            # Whoever needed the old names may need them again: two servers must not take turns.
            kept = [name for leaf in self._leaves() for name in leaf.names]
        ca = make_ca(
            [*kept, *names, *self._own_names()], f"of {self._machine} {os.urandom(4).hex()}", self._now()
        )
        replace_private(path, ca.pem())
        self._publish(ca)
        return ca, True

    def _publish(self, ca: Issued) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding

        content = ca.certificate.public_bytes(Encoding.PEM)
        with contextlib.suppress(FileNotFoundError), open(self.ca_path, "rb") as file:
            if file.read() == content:
                return
        replace_private(self.ca_path, content)
        os.chmod(self.ca_path, 0o644)  # it is public, and root copies it

    def _is_from(self, leaf: Certificate, ca: Issued) -> bool:
        from cryptography.exceptions import InvalidSignature

        certificate = self._load(os.path.basename(leaf.path)).certificate
        try:
            certificate.verify_directly_issued_by(ca.certificate)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _lasts(self, leaf: Certificate) -> bool:
        return leaf.not_before <= self._now() and leaf.not_after - self._now() >= RENEW_BEFORE

    def _leaf_files(self) -> list[str]:
        names = sorted(os.listdir(self._folder))
        return [name for name in names if name.startswith("server-") and name.endswith(".pem")]

    def _leaves(self) -> list[Certificate]:
        found = [
            Certificate.of(self._load(name).certificate, os.path.join(self._folder, name))
            for name in self._leaf_files()
        ]
        return sorted(found, key=lambda leaf: leaf.not_after, reverse=True)

    def _tidy(self) -> None:
        """Leave those that last longest: a server that starts may be about to read the one before."""
        for leaf in self._leaves()[_KEPT:]:
            os.unlink(leaf.path)

    def _load(self, name: str) -> Issued:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        from skycap.core.server.issuing import Issued

        path = os.path.join(self._folder, name)
        try:
            with open(path, "rb") as file:
                raw = file.read()
            certificate = x509.load_pem_x509_certificates(raw)[0]
            key = load_pem_private_key(raw, None)
            if not isinstance(key, EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
                raise ValueError("the key is not that of the certificate")
        except (ValueError, TypeError) as error:
            raise StateReadFailed(
                f"the certificate is broken ({type(error).__name__})",
                where=path,
                hint="Remove the file; another one is made. Clients must then trust a new CA.",
            ) from error
        return Issued(certificate, key)

    @contextmanager
    def _held(self) -> Iterator[None]:
        make_private_folder(self._folder)
        try:
            with locked(os.path.join(self._folder, ".lock")):
                yield
        except OSError as error:
            raise StateWriteFailed(
                f"the certificates cannot be kept ({error.strerror})", where=self._folder
            ) from error
