"""Where a bucket answers: host, port, and whether its name stands in the host or in the path."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from skycap.cloudproviders.hosts import one_name
from skycap.cloudproviders.s3.options import Addressing
from skycap.cloudproviders.s3.signing import quote_path
from skycap.core.errors import ConfigInvalid, PathInvalid
from skycap.core.paths import printable

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
# With or without a region, by IPv6 too, checked by FIPS, at the nearest edge, or from inside of a VPC.
_AWS = re.compile(
    r"(?:bucket\.vpce-[a-z0-9-]+\.)?s3(?:-fips|-accelerate)?(?:\.dualstack)?"
    r"(?:[.-](?:external-1|[a-z]+(?:-[a-z]+)+-\d+))?(?:\.vpce)?\.amazonaws\.com(?:\.cn)?"
)
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service. `host` and `port` are of a custom endpoint; AWS has a host for each region."""

    scheme: str = "https"
    host: str = ""
    port: int | None = None
    base: str = ""
    region: str = "us-east-1"
    style: Addressing = "auto"

    @classmethod
    def parse(cls, url: str | None, region: str, style: Addressing) -> Endpoint:
        """From a URL, or AWS itself where there is none."""
        if url is None:
            return cls(region=region, style=style)
        parts = urlsplit(url if "://" in url else f"https://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
            raise ConfigInvalid(
                f"{printable(parts.hostname or url.split('@')[-1])!r} is not the address of a service",
                hint="Write it like https://s3.example.com or http://127.0.0.1:9000, without key or secret.",
            )
        return cls(parts.scheme, parts.hostname, parts.port, parts.path.rstrip("/"), region, style)

    @property
    def custom(self) -> bool:
        """Whether it is another store than AWS."""
        return bool(self.host)

    def in_region(self, region: str) -> Endpoint:
        """The same service, elsewhere."""
        return replace(self, region=region)

    def virtual(self, bucket: str) -> bool:
        """Whether the bucket's name stands in the host name."""
        if not bucket or self.style == "path":
            return False
        if self.style == "virtual":
            return True
        # A dot in the bucket breaks the wildcard certificate of AWS.
        return not self.custom and "." not in bucket and bucket == bucket.lower() and "_" not in bucket

    def server(self, bucket: str = "") -> tuple[str, int]:
        """Host name and port to connect to."""
        host = self.host or self._aws_host()
        if self.virtual(bucket):
            host = f"{bucket}.{host}"
        return host, self.port or (443 if self.scheme == "https" else 80)

    def authority(self, bucket: str = "") -> str:
        """The `Host` header: the port only where it is not the usual one."""
        host, port = self.server(bucket)
        shown = f"[{host}]" if ":" in host else host
        return shown if port == (443 if self.scheme == "https" else 80) else f"{shown}:{port}"

    def path(self, bucket: str = "", key: str = "") -> str:
        """The path of a URL, escaped."""
        if not bucket:
            return f"{self.base}/"
        middle = "" if self.virtual(bucket) else f"/{bucket}"
        return quote_path(f"{self.base}{middle}/{key}")

    def url(self, bucket: str = "") -> str:
        """The URL of a bucket, or of the service."""
        return f"{self.scheme}://{self.authority(bucket)}{self.path(bucket).rstrip('/')}"

    @property
    def identity(self) -> str:
        """The service under one name, however its address is written; of AWS, its part of the world.

        Two addresses of one bucket must not pass for two buckets: a move between them would delete all.
        """
        host = self.host.lower().rstrip(".")
        if not host or _AWS.fullmatch(host):
            # A name belongs to one bucket in each partition.
            if host.endswith(".cn") or self.region.startswith("cn-"):
                return "aws-cn"
            return "aws-us-gov" if "us-gov-" in host or self.region.startswith("us-gov-") else "aws"
        shown = replace(self, host=one_name(host), style="path")
        return shown.url()

    def _aws_host(self) -> str:
        china = ".cn" if self.region.startswith("cn-") else ""
        return f"s3.{self.region}.amazonaws.com{china}"


def check_bucket(bucket: str) -> str:
    """`bucket` itself, if a store may have one of that name."""
    if not _BUCKET.fullmatch(bucket) or ".." in bucket or _ADDRESS.fullmatch(bucket):
        raise PathInvalid(
            f"{printable(bucket)!r} cannot be the name of a bucket",
            hint="3 to 63 characters: lower-case letters, digits, dots and hyphens.",
        )
    return bucket
