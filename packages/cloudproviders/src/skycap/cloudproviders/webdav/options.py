"""What can be set for a remote of type `webdav`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skycap.core.crypto.secret import Secret
from skycap.core.storage.options import Duration, Size, StorageOptions, option
from skycap.core.units import MiB

Vendor = Literal[
    "auto",
    "generic",
    "nextcloud",
    "owncloud",
    "infinitescale",
    "fastmail",
    "sharepoint",
    "rclone",
    "skycap",
]
Times = Literal["auto", "none", "header", "lastmodified", "getlastmodified", "win32"]


@dataclass(frozen=True, kw_only=True)
class WebDavOptions(StorageOptions):
    """Options of the storage type `webdav`. The address never holds the credentials."""

    url: str | None = option(
        "Where the files are, like https://cloud.example.com/remote.php/dav/files/ada; "
        "without one, a path begins with the host",
        default=None,
    )
    user: str | None = option("User name", default=None)
    password: Secret[str] | None = option("Password, best one for this program alone", default=None)
    token: Secret[str] | None = option("Bearer token, in place of user and password", default=None)
    vendor: Vendor = option("What the server is; auto finds out", default="auto")
    auth: Literal["auto", "basic", "digest"] = option(
        "How the password is shown; auto takes what the server asks for", default="auto"
    )
    times: Times = option(
        "How the time of a file is kept: by the header X-OC-Mtime, or by setting one of these properties; "
        "auto goes by what the server is",
        default="auto",
    )
    verify_tls: bool = option("Check the server's certificate", default=True)
    ca_bundle: str | None = option("File with the certificates to trust", default=None, file=True)
    chunk_size: Size = option("Bytes a part of a large upload", default=Size(16 * MiB))
    upload_from: Size = option("Size from which uploads go on after a crash", default=Size(64 * MiB))
    connections: int = option("Requests at once", default=8)
    connect_timeout: Duration = option("How long to wait for a connection", default=Duration(15))
    read_timeout: Duration = option("How long to wait for an answer", default=Duration(60))
