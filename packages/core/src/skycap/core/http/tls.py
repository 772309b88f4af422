"""What is trusted, and what one shows of oneself."""

from __future__ import annotations

import logging
import os
import ssl
from dataclasses import dataclass
from functools import lru_cache

from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Tls:
    """TLS settings of a client.

    `ca_bundle` is a PEM file or a directory of hashed ones, trusted in place of the built-in list.
    `client_cert` and `client_key` are PEM files; the key may stand in the first. `insecure` checks nothing,
    and is never a default.
    """

    ca_bundle: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    client_key_password: Secret[str] | None = None
    insecure: bool = False

    def context(self) -> ssl.SSLContext:
        """The context; `ConfigInvalid` where a file cannot be used."""
        if self == Tls():
            return _default_context()
        if self.insecure:
            _log.warning(
                "TLS certificates are not checked: anybody on the way can read and change everything"
            )
        context = _trusting(self.ca_bundle)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.client_cert:
            self._show(context, self.client_cert)
        return context

    def _show(self, context: ssl.SSLContext, cert: str) -> None:
        # Without a callback OpenSSL would ask on the terminal.
        password = self.client_key_password.reveal() if self.client_key_password else ""
        try:
            context.load_cert_chain(cert, self.client_key, lambda: password)
        except (OSError, ValueError) as error:
            raise ConfigInvalid(
                f"the client certificate cannot be used: {error}",
                where=cert,
                hint="It is a PEM file with the certificate; the key is in it, or in client_key.",
            ) from error


@lru_cache(maxsize=1)
def _default_context() -> ssl.SSLContext:
    # Reading the list of authorities takes some 20 ms, once a process.
    return _trusting(None)


def _trusting(bundle: str | None) -> ssl.SSLContext:
    if bundle is None:
        import httpx

        return httpx.create_ssl_context()
    try:
        if os.path.isdir(bundle):
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except (OSError, ValueError) as error:
        raise ConfigInvalid(
            f"the bundle of certificates cannot be used: {error}",
            where=bundle,
            hint="ca_bundle is a PEM file with the certificates of the authorities you trust.",
        ) from error
