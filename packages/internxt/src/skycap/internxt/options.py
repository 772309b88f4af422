"""What can be set for a remote of type `internxt`."""

from __future__ import annotations

from dataclasses import dataclass

from skycap.core.crypto.secret import Secret
from skycap.core.http import Timeouts, Tls
from skycap.core.storage.options import Duration, Size, StorageOptions, option
from skycap.core.units import MiB
from skycap.internxt.endpoints import Endpoints, resolve


@dataclass(frozen=True, kw_only=True)
class InternxtOptions(StorageOptions):
    """Options of the storage type `internxt`. A login writes the first ones; secrets are references."""

    email: str | None = option("E-mail address of the account", default=None)
    session: Secret[str] | None = option(
        'What a login gave: "skycap internxt login" puts it there', default=None
    )
    password: Secret[str] | None = option(
        "Password, kept only to log in again by itself when a login has expired", default=None
    )
    twofactortoken: Secret[str] | None = option(
        "Secret of the second factor (base32), kept only to log in again by itself", default=None
    )
    drive_url: str | None = option(
        "Address of the Drive API, in place of DRIVE_NEW_API_URL", default=None, url=True
    )
    network_url: str | None = option(
        "Address of the Network API, in place of NETWORK_URL", default=None, url=True
    )
    web_url: str | None = option(
        "Address of the pages for browsers, in place of DRIVE_WEB_URL", default=None, url=True
    )
    verify_tls: bool = option("Check the servers' certificates", default=True)
    ca_bundle: str | None = option("File with the certificates to trust", default=None, file=True)
    connections: int = option("Requests at once", default=4)
    chunk_size: Size = option(
        "Bytes in one part of what is sent in parts, a multiple of 16", default=Size(16 * MiB)
    )
    trash: bool = option("Put what is removed into the trash; else it is gone for good", default=True)
    thumbnails: bool = option(
        "Make thumbnails of images that are uploaded, as the web shows them (needs Pillow)", default=False
    )
    verify: bool = option("Check the hash of whatever is read as a whole", default=True)
    cache: Duration = option(
        "How long what was seen of folders is believed, though others may change them", default=Duration(10)
    )
    settle: Duration = option(
        "How long to wait before a new folder is used, until the service knows it everywhere",
        default=Duration(0.5),
    )
    connect_timeout: Duration = option("How long to wait for a connection", default=Duration(15))
    read_timeout: Duration = option("How long to wait for an answer", default=Duration(60))

    @property
    def endpoints(self) -> Endpoints:
        """Where the services are: these options, else the environment, else Internxt's own."""
        return resolve(self.drive_url, self.network_url, self.web_url)

    @property
    def tls(self) -> Tls:
        """What is trusted."""
        return Tls(ca_bundle=self.ca_bundle, insecure=not self.verify_tls)

    @property
    def timeouts(self) -> Timeouts:
        """How long is waited."""
        return Timeouts(self.connect_timeout, self.read_timeout)
