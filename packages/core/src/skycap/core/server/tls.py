"""TLS of a server: which certificate and key, checked before anybody connects, and its context."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from skycap.core.errors import AccessDenied, ConfigInvalid, NotFound, UsageError
from skycap.core.server.certificates import Certificate, Certificates

if TYPE_CHECKING:
    import ssl

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

SELF_SIGNED = "self-signed"
_log = logging.getLogger("skycap.server")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A chain of certificates and its key, which may be one file. `ca` is the CA of ours, where it is."""

    certificate: str
    key: str
    ca: Certificate | None = None


def tls_files(
    setting: str,
    *,
    host: str = "localhost",
    certificates: Certificates | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> TlsFiles:
    """The files that `self-signed` or `CERT,KEY` stand for.

    `UsageError` for another setting, `NotFound` and `AccessDenied` for a file, `ConfigInvalid` for one that
    is not PEM, a certificate that is not valid now, and a key that is encrypted or belongs to another
    certificate. A key that others may read is warned of.
    """
    if setting == SELF_SIGNED:
        ready = (certificates or Certificates()).ready(host)
        if ready.new_ca:
            _log.info("clients must trust the certificate %s", ready.ca.path)
        return TlsFiles(ready.leaf.path, ready.leaf.path, ready.ca)
    path, comma, key_path = (part.strip() for part in setting.partition(","))
    if not (path and comma and key_path):
        raise UsageError(
            f"{setting!r} is no setting of TLS",
            hint=f"Write {SELF_SIGNED}, or CERT,KEY: the paths of two PEM files.",
        )
    path, key_path = os.path.expanduser(path), os.path.expanduser(key_path)
    certificate = _certificate(path)
    _require_valid(certificate, path, now())
    if _key(key_path).public_key() != certificate.public_key():
        raise ConfigInvalid(
            "the key belongs to another certificate", where=key_path, hint=f"It must be the key of {path}."
        )
    return TlsFiles(path, key_path)


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """TLS 1.2 and later, HTTP/1.1; clients need no certificate."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An empty password: a key that came to be encrypted meanwhile must not ask on a terminal.
        context.load_cert_chain(files.certificate, files.key, password="")
    except (OSError, ValueError) as error:
        raise ConfigInvalid(
            f"TLS takes neither the certificate nor its key ({error})", where=files.certificate
        ) from error
    return context


def _certificate(path: str) -> x509.Certificate:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(_read(path, "certificate"))[0]
    except ValueError:
        raise ConfigInvalid(
            "this is no certificate in PEM",
            where=path,
            hint="It begins with -----BEGIN CERTIFICATE-----, the server's own first; CERT comes before KEY.",
        ) from None


def _require_valid(certificate: x509.Certificate, path: str, now: datetime) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > ends:
        raise ConfigInvalid(
            f"the certificate expired on {ends:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC",
            where=path,
            hint="Have it renewed.",
        )
    if now < begins:
        raise ConfigInvalid(
            f"the certificate begins on {begins:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC",
            where=path,
            hint="Is the clock of this machine right?",
        )


def _key(path: str) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    raw = _read(path, "key")
    if os.name != "nt" and os.stat(path).st_mode & 0o077:
        _log.warning("%s can be read by others; chmod 600 keeps it to you", path)
    try:
        return load_pem_private_key(raw, None)
    except TypeError:
        raise ConfigInvalid(
            "the key is encrypted, and nobody is there to type its password",
            where=path,
            hint="openssl pkey -in KEY -out PLAIN writes it without one; chmod 600 it.",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigInvalid(
            "this is no private key in PEM", where=path, hint="It begins with -----BEGIN PRIVATE KEY-----."
        ) from None


def _read(path: str, what: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise NotFound(f"the {what} is not there", where=path) from None
    except OSError as error:
        raise AccessDenied(f"the {what} cannot be read ({error.strerror})", where=path) from None
