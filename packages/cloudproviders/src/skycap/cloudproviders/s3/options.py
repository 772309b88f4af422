"""What can be set for a remote of type `s3`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from skycap.core.crypto.secret import Secret
from skycap.core.storage.options import Duration, Size, StorageOptions, option
from skycap.core.units import MiB

Addressing = Literal["auto", "path", "virtual"]
Checksums = Literal["when_supported", "when_required"]
Etags = Literal["auto", "md5", "opaque"]
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class S3Options(StorageOptions):
    """Options of the storage type `s3`. Without credentials among them, the usual AWS places are searched."""

    bucket: str | None = option("Bucket; without one, the first part of a path is the bucket", default=None)
    endpoint: str | None = option(
        "Where the service answers, for stores other than AWS",
        default=None,
        env=("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        url=True,
    )
    region: str | None = option("Region", default=None, env=("AWS_REGION", "AWS_DEFAULT_REGION"))
    access_key_id: str | None = option("Access key id", default=None, login=True)
    secret_access_key: Secret[str] | None = option("Secret access key", default=None, login=True)
    session_token: Secret[str] | None = option("Session token of temporary keys", default=None)
    profile: str | None = option("Profile of the AWS configuration files", default=None)
    role_arn: tuple[str, ...] = option("Role to assume; several, by commas, one from the other", default=())
    external_id: str | None = option("External id that the role asks for", default=None)
    role_session_name: str | None = option("Session name that the role's log shows", default=None)
    role_duration: Duration | None = option("How long the role's session lives", default=None)
    mfa_serial: str | None = option("Serial number or ARN of the MFA device", default=None)
    web_identity_token_file: str | None = option("File with a web identity token", default=None, file=True)
    anonymous: bool = option("Send requests unsigned, for public buckets", default=False)
    addressing_style: Addressing = option(
        "Bucket in the path or in the host name: auto, path, virtual", default="auto"
    )
    verify_tls: bool = option("Check the server's certificate", default=True)
    ca_bundle: str | None = option(
        "File with the certificates to trust",
        default=None,
        env=("AWS_CA_BUNDLE",),
        file=True,
        must_exist=True,
    )
    checksums: Checksums = option(
        "Store a checksum with each object: when_supported, or when_required for stores that refuse them",
        default="when_supported",
        env=("AWS_REQUEST_CHECKSUM_CALCULATION",),
    )
    etags: Etags = option(
        "What ETags are: md5, opaque as where keys of KMS encrypt, or auto: find out", default="auto"
    )
    storage_class: str | None = option("Storage class of new objects", default=None)
    sse: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = option(
        "Server-side encryption of new objects", default=None
    )
    sse_kms_key_id: str | None = option("KMS key for it", default=None)
    acl: str | None = option("Canned ACL of new objects", default=None)
    part_size: Size = option("Bytes a part", default=Size(16 * MiB))
    upload_from: Size = option("Size from which uploads go on after a crash", default=Size(64 * MiB))
    copy_part_size: Size = option("Bytes a part of a copy inside the store", default=Size(512 * MiB))
    copy_from: Size = option("Size from which such a copy goes in parts", default=Size(4 * 1024 * MiB))
    connections: int = option("Requests at once", default=16)
    connect_timeout: Duration = option("How long to wait for a connection", default=Duration(10))
    read_timeout: Duration = option("How long to wait for an answer", default=Duration(60))


def or_environment(value: str | None, *names: str, environ: Mapping[str, str] | None = None) -> str | None:
    """An option, or the first of these variables that is set and not empty."""
    if value:
        return value
    environ = os.environ if environ is None else environ
    return next((found for name in names if (found := environ.get(name))), None)
