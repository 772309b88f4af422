"""All the buckets of an account, as directories of one storage."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import ClassVar, NoReturn

from skycap.cloudproviders.s3.client import Client
from skycap.cloudproviders.s3.endpoint import check_bucket
from skycap.cloudproviders.s3.listing import time_ns
from skycap.cloudproviders.s3.options import DEFAULT_REGION, S3Options
from skycap.cloudproviders.s3.page import Page
from skycap.cloudproviders.s3.shares import refusal
from skycap.cloudproviders.s3.storage import S3, connect
from skycap.core.errors import Conflict, NotFound, Unsupported
from skycap.core.paths import order_key, validate
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Kind, Metadata, directory
from skycap.core.storage.facts import Facts
from skycap.core.storage.interface import Storage
from skycap.core.storage.source import Source


class Buckets(Storage):
    """`make_dir` makes a bucket, `remove` an empty one. What is in a bucket is another storage's."""

    type_name: ClassVar[str] = "s3"
    capabilities = frozenset({Capability.READ, Capability.LIST, Capability.WRITE, Capability.REMOVE})
    facts = Facts(
        scan_fields=frozenset({"stored_at_ns"}),
        scan_ordered=True,
        name_max=63,
        files_at_top=False,
        connections=4,
    )

    def __init__(self, options: S3Options, *, client: Client | None = None) -> None:
        self.options = options
        self.client = client or connect(options)

    def __repr__(self) -> str:
        return f"Buckets({self.client.endpoint.url()!r})"

    @property
    def identity(self) -> str:
        """The service, and the key that asks: accounts see different buckets."""
        endpoint = self.client.endpoint
        keys = self.client.credentials.keys()
        return f"s3:{endpoint.identity}?{keys.access_key_id if keys else ''}"

    def refusal(self, capability: Capability, path: str = "") -> Unsupported:
        """Most of what S3 can do is done in a bucket."""
        if capability in S3.capabilities:
            return Unsupported("no bucket is named", where=path or None, hint="Name one: REMOTE:BUCKET")
        return refusal(capability, path) or super().refusal(capability, path)

    def stat(self, path: str) -> Entry:
        """A bucket is a directory."""
        if not path:
            return directory("")
        bucket, rest = self._bucket(path)
        entry = bucket.stat(rest)
        return entry.at(path)

    def scan(self, path: str) -> Iterator[Entry]:
        """The buckets; or what is in one."""
        if path:
            bucket, rest = self._bucket(path)
            return (entry.at(f"{bucket.bucket}/{entry.path}") for entry in bucket.scan(rest))
        return iter(self._buckets())

    def make_dir(self, path: str) -> None:
        """Make a bucket; one that is ours already is success."""
        if not path:
            return
        name, _, rest = validate(path).partition("/")
        check_bucket(name)
        region = self.client.endpoint.region
        body = b""
        if region != DEFAULT_REGION and not self.client.endpoint.custom:
            body = (
                "<CreateBucketConfiguration><LocationConstraint>"
                f"{escape(region)}</LocationConstraint></CreateBucketConfiguration>"
            ).encode()
        if rest:
            self._bucket(path)[0].make_dir(rest)
            return
        try:
            self.client.request("PUT", name, body=body)
        except Conflict as error:
            if "BucketAlreadyOwnedByYou" not in error.message:
                raise

    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        """Only into a bucket that is there."""
        bucket, rest = self._bucket(path)
        if condition is not None:
            self.refuse(Capability.WRITE_IF_ABSENT, path)
        return bucket.write(rest, source, size=size, metadata=metadata).at(path)

    def read(self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None):  # type: ignore[no-untyped-def]
        """Out of a bucket."""
        bucket, rest = self._bucket(path)
        return bucket.read(rest, offset=offset, length=length, version=version)

    def remove(self, path: str, *, condition: Condition | None = None) -> None:
        """Remove an empty bucket, or something in one."""
        if condition is not None:
            self.refuse(Capability.REMOVE_IF_VERSION, path)
        bucket, rest = self._bucket(path)
        if rest:
            bucket.remove(rest)
            return
        try:
            self.client.request("DELETE", bucket.bucket)
        except NotFound:
            return

    def close(self) -> None:
        """Close what is idle."""
        self.client.close()

    def _bucket(self, path: str) -> tuple[S3, str]:
        name, _, rest = validate(path).partition("/")
        if not name:
            self._root(path)
        return S3(self.options, name, client=self.client), rest

    def _root(self, path: str) -> NoReturn:
        raise Unsupported("a file needs a bucket to be in", where=path, hint="Name it: REMOTE:bucket/file.")

    def _buckets(self) -> list[Entry]:
        answer = self.client.request("GET")
        page = Page(answer.body, self.client.where(""), "ListAllMyBucketsResult")
        found = [
            Entry(
                page.need("Name", fields),
                Kind.DIRECTORY,
                stored_at_ns=time_ns(fields.get("CreationDate", "")),
            )
            for kind, fields in page.items
            if kind == "Bucket"
        ]
        return sorted(found, key=lambda entry: order_key(entry.path, is_dir=True))
