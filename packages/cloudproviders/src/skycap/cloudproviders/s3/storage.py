"""A bucket as a storage."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from skycap.cloudproviders.s3 import copying, deleting, reading, writing
from skycap.cloudproviders.s3.client import Answer, Body, BodyReader, Client, Query
from skycap.cloudproviders.s3.codes import NoSuchBucket
from skycap.cloudproviders.s3.credentials import profile_settings, resolve
from skycap.cloudproviders.s3.endpoint import Endpoint, check_bucket
from skycap.cloudproviders.s3.errors import etag_of
from skycap.cloudproviders.s3.fast import Fast
from skycap.cloudproviders.s3.listing import Listing
from skycap.cloudproviders.s3.objects import entry_of, is_etag, md5_of, metadata_headers
from skycap.cloudproviders.s3.options import DEFAULT_REGION, S3Options, or_environment
from skycap.cloudproviders.s3.stream import open_stream
from skycap.cloudproviders.s3.upload import MAX_PARTS, PART_MAX, PART_MIN, SIZE_MAX, S3Upload
from skycap.cloudproviders.s3.versions import S3Versions, find_version
from skycap.core import paths
from skycap.core.errors import Conflict, Error, NotFound, PathInvalid, Unsupported
from skycap.core.storage.capability import FULL, Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata, directory
from skycap.core.storage.extras import Leftover, Shares, Versions
from skycap.core.storage.facts import Facts
from skycap.core.storage.interface import Storage
from skycap.core.storage.options import StorageOptions
from skycap.core.storage.pieces import SMALL, Budget
from skycap.core.storage.source import BinaryReader, Source
from skycap.core.storage.upload import Upload
from skycap.core.units import MiB

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
KEY_MAX = 1024
IN_MEMORY = 64 * MiB
"""How much of what is being sent one storage holds at once, whichever files it is of."""


def connect(options: S3Options) -> Client:
    """A client as the options and the environment mean it."""
    url = or_environment(options.endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    region = or_environment(options.region, "AWS_REGION", "AWS_DEFAULT_REGION")
    if url is None or region is None:
        profile = profile_settings(options.profile)
        url = url or profile.get("endpoint_url")
        region = region or profile.get("region") or DEFAULT_REGION
    endpoint = Endpoint.parse(url, region, options.addressing_style)
    return Client(options, endpoint, resolve(options))


class S3(Storage):
    """One bucket. Directories are prefixes of keys."""

    type_name: ClassVar[str] = "s3"
    Options: ClassVar[type[StorageOptions]] = S3Options
    capabilities = FULL | {
        Capability.READ_VERSION,
        Capability.WRITE_IF_ABSENT,
        Capability.WRITE_IF_VERSION,
        Capability.REMOVE_IF_VERSION,
        Capability.SCAN_ALL,
        Capability.COPY,
        Capability.COPY_IF_ABSENT,
        Capability.COPY_IF_VERSION,
        Capability.REMOVE_MANY,
        Capability.REMOVE_TREE,
        Capability.UPLOAD,
        Capability.UPLOAD_IF_ABSENT,
        Capability.UPLOAD_IF_VERSION,
        Capability.SET_METADATA,
        Capability.READ_FILE,
        Capability.VERSIONS,
        Capability.VERSIONS_RESTORE,
        Capability.VERSIONS_REMOVE,
        Capability.SHARE,
        Capability.CLEANUP,
    }

    def __init__(self, options: S3Options, bucket: str, *, client: Client | None = None) -> None:
        self.options = options
        self.bucket = check_bucket(bucket)
        self.client = client or connect(options)
        self.fast = Fast(self.client, bucket, options)
        self.checksums = options.checksums == "when_supported"
        self.memory = Budget(IN_MEMORY, ignored=SMALL)
        self.listing = Listing(self.client, bucket, lambda: self.etag_is_md5)

    @classmethod
    def open(cls, options: S3Options, path: str) -> tuple[Storage, str]:
        """The bucket that the options or the first part of the path name; without one, all the buckets."""
        if options.bucket:
            return cls(options, options.bucket), path
        bucket, _, rest = path.partition("/")
        if bucket:
            return cls(options, bucket), rest
        from skycap.cloudproviders.s3.buckets import Buckets

        return Buckets(options), ""

    def __repr__(self) -> str:
        return f"S3({self.where('')!r})"

    @property
    def identity(self) -> str:
        """The service and the bucket; not who asks."""
        return f"s3:{self.client.endpoint.identity}/{self.bucket}"

    @cached_property
    def etag_is_md5(self) -> bool:
        """Whether the ETag of an object that came in one piece is the MD5 of its content.

        It is not where KMS encrypts, though it looks the same; taken for one, good files would seem damaged.
        """
        if self.options.etags != "auto" or self.options.sse:
            return self.options.etags == "md5" or (
                self.options.etags == "auto" and self.options.sse == "AES256"
            )
        if self.client.endpoint.custom:
            return True
        try:
            answer = self.client.request("GET", self.bucket, query=[("encryption", "")])
        except NotFound as error:
            return not isinstance(error, NoSuchBucket)
        except Error:
            return False  # whoever may not look must not guess
        return b"<SSEAlgorithm>" in answer.body and b"aws:kms" not in answer.body

    @cached_property
    def facts(self) -> Facts:  # type: ignore[override]
        """The limits of S3, and the order of listings, which compatible stores may not keep."""
        ordered = not self.client.endpoint.custom
        fields = {"size", "version", "stored_at_ns"}
        return Facts(
            scan_fields=frozenset(fields | {"hashes"} if self.etag_is_md5 else fields),
            scan_ordered=True,
            scan_all_ordered=ordered,
            hashes=frozenset({"md5"}),
            metadata_fields=frozenset({"mtime_ns", "mode", "xattrs", "content_type", "extra"}),
            max_size=SIZE_MAX,
            part_min=PART_MIN,
            part_max=PART_MAX,
            max_parts=MAX_PARTS,
            part_size=self.options.part_size,
            upload_from=self.options.upload_from,
            # SeaweedFS stores `a\\b` as `a/b`, and nothing in its answers tells.
            forbidden="" if ordered else "\\",
            name_max=None,
            path_max=KEY_MAX,
            empty_dirs=False,
            connections=self.options.connections,
        )

    # Requests, for the modules beside this one

    def key(self, path: str) -> str:
        """The key of a path: the path itself, if the store can hold it."""
        paths.validate(path)
        if not path:
            raise Conflict("a bucket is a directory, not a file", where=self.where(""))
        if not paths.is_utf8(path):
            raise PathInvalid("S3 keeps names in UTF-8, and this one is not", where=self.where(path))
        if len(path) > KEY_MAX // 4 and len(path.encode()) > KEY_MAX:
            raise PathInvalid(f"a key has {KEY_MAX} bytes at most", where=self.where(path))
        return path

    def new_key(self, path: str) -> str:
        """The key of a path that is to be written."""
        key = self.key(path)
        if self.client.endpoint.custom and "\\" in key:
            raise PathInvalid(
                "some stores take a backslash for a slash, and would keep it under another name",
                where=self.where(path),
                hint="Rename it before the transfer.",
            )
        return key

    def where(self, path: str) -> str:
        """The place, for messages."""
        return self.client.where(self.bucket, path)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: Body = b"",
        digest: bytes | None = None,
    ) -> Answer:
        """One request about one object."""
        try:
            return self.client.request(
                method, self.bucket, self.key(path), query=query, headers=headers, body=body, digest=digest
            )
        except NotFound as error:
            raise self.explain(error) from None

    def explain(self, error: NotFound) -> NotFound:
        """Say how to make the bucket, if it is the bucket that is missing."""
        if isinstance(error, NoSuchBucket):
            return NotFound(
                f"there is no bucket {paths.printable(self.bucket)!r}",
                where=error.where,
                hint=f"Check its name and the endpoint, or make it: skycap mkdir REMOTE:{self.bucket}",
            )
        return error

    def object_headers(self, metadata: Metadata | None) -> dict[str, str]:
        """What a new object is stored with."""
        options = self.options
        headers = metadata_headers(metadata)
        for name, value in (
            ("x-amz-storage-class", options.storage_class),
            ("x-amz-acl", options.acl),
            ("x-amz-server-side-encryption", options.sse),
            ("x-amz-server-side-encryption-aws-kms-key-id", options.sse_kms_key_id),
        ):
            if value:
                headers[name] = value
        return headers

    @staticmethod
    def condition_headers(condition: Condition | None) -> dict[str, str]:
        """A condition as the store takes it."""
        if condition is None:
            return {}
        if condition.version is None:
            return {"if-none-match": "*"}
        return {"if-match": condition.version}

    @staticmethod
    def version_request(version: str | None) -> tuple[list[tuple[str, str]], dict[str, str]]:
        """Query and headers that ask for one state: ETags come in quotes, version ids do not."""
        if version is None:
            return [], {}
        if is_etag(version):
            return [], {"if-match": version}
        return [("versionId", version)], {}

    def check_version(self, path: str, version: str | None, headers: Mapping[str, str]) -> None:
        """`NotFound` unless the answer is about the version id that was asked for.

        Stores without old versions heed no ids, and answer with what is there now.
        """
        if version is None or is_etag(version):
            return
        given = headers.get("x-amz-version-id")
        if given != version and not (given is None and version == "null"):
            raise NotFound(
                "no such version (the store answered with another one)",
                where=self.where(path),
                hint='"skycap versions" lists those there are.',
            )

    def stream(self, path: str, version: str | None, headers: Mapping[str, str]) -> BodyReader:
        """GET one state of an object."""
        query, which = self.version_request(version)
        body = self.client.stream(self.bucket, self.key(path), query=query, headers={**which, **headers})
        try:
            self.check_version(path, version, body.headers)
        except NotFound:
            body.close()
            raise
        return body

    def head(self, path: str, version: str | None = None) -> Entry:
        """HEAD: all that is known of an object."""
        return self.at_version(path, version, self._head)

    def _head(self, path: str, version: str | None) -> Entry:
        query, headers = self.version_request(version)
        headers["x-amz-checksum-mode"] = "ENABLED"
        found = self.request("HEAD", path, query=query, headers=headers).headers
        etag_of(found, self.where(path))
        self.check_version(path, version, found)
        return entry_of(path, found)

    def at_version(self, path: str, version: str | None, ask: Callable[[str, str | None], _T]) -> _T:
        """Ask for one state: first as the one that is there, then by its id among the old ones."""
        try:
            return ask(path, version)
        except (Conflict, NotFound) as error:
            if version is None or not is_etag(version):
                raise
            old = find_version(self, path, version)
            if old is None:
                raise NotFound("this version is not there any more", where=self.where(path)) from error
        return ask(path, old)

    def put(
        self, path: str, data: memoryview, metadata: Metadata | None, condition: Condition | None
    ) -> Entry:
        """Store an object in one request."""
        key = self.key(path)
        try:
            etag = self.fast.put(key, data, metadata, condition)
        except NotFound as error:
            raise self._missing(self.explain(error), condition) from None
        if etag is None:
            etag = self._put(path, data, metadata, condition)
        return Entry(
            path,
            size=len(data),
            mtime_ns=metadata.mtime_ns if metadata else None,
            version=etag,
            hashes=(md5_of(etag) or None) if self.etag_is_md5 else None,
        )

    def _put(
        self, path: str, data: memoryview, metadata: Metadata | None, condition: Condition | None
    ) -> str:
        digest = hashlib.sha256(data).digest()
        headers = {**self.object_headers(metadata), **self.condition_headers(condition)}
        if self.checksums:
            headers["x-amz-checksum-sha256"] = base64.b64encode(digest).decode("ascii")
        try:
            answer = self.request("PUT", path, headers=headers, body=data, digest=digest)
        except NotFound as error:
            raise self._missing(error, condition) from None
        return etag_of(answer.headers, self.where(path))

    @staticmethod
    def _missing(error: NotFound, condition: Condition | None) -> Error:
        # If-Match on what is gone: AWS says 404, others 412.
        if condition is None or condition.version is None or error.message.startswith("there is no bucket"):
            return error
        return Conflict("it is gone, and it should be another version", where=error.where)

    # Readable

    def stat(self, path: str) -> Entry:
        """One HEAD; where that finds nothing, one listing tells whether it is a directory."""
        if not path:
            try:
                self.listing.exists("")
            except NotFound as error:
                raise self.explain(error) from None
            return directory("")
        try:
            return self.head(path)
        except NotFound as error:
            try:
                if self.listing.exists(f"{self.key(path)}/"):
                    return directory(path)
            except NotFound as missing:
                raise self.explain(missing) from None
            raise error

    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        """One GET, whose body is read as it is asked for."""
        return open_stream(self, path, offset, length, version)

    def read_file(
        self,
        path: str,
        local: str,
        *,
        offset: int = 0,
        length: int | None = None,
        version: str | None = None,
    ) -> Entry:
        """One GET, or several side by side for what is large."""
        try:
            return reading.read_file(self, path, local, offset, length, version)
        except NotFound as error:
            raise self.explain(error) from None

    # Listable

    def scan(self, path: str) -> Iterator[Entry]:
        """One level: a request for each thousand."""
        return self._list(path, flat=False)

    def scan_all(self, path: str) -> Iterator[Entry]:
        """All keys below: a request for each thousand."""
        return self._list(path, flat=True)

    def _list(self, path: str, *, flat: bool) -> Iterator[Entry]:
        prefix = f"{self.key(path)}/" if path else ""
        try:
            yield from self.listing.objects(prefix, flat=flat)
        except NotFound as error:
            raise self.explain(error) from None

    # Writable

    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        """One PUT, or parts of an upload that nobody sees before the last of them has arrived."""
        self.new_key(path)
        return writing.write(self, path, source, size, metadata, condition)

    def make_dir(self, path: str) -> None:
        """Nothing to do: a directory is a prefix. The bucket itself must be there."""
        if path:
            self.key(path)
        else:
            self.stat("")

    # Removable

    def remove(self, path: str, *, condition: Condition | None = None) -> None:
        """One DELETE."""
        deleting.remove(self, path, condition)

    # Optional

    def remove_many(self, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
        """A request for each thousand."""
        return deleting.remove_many(self, paths)

    def remove_tree(self, path: str) -> None:
        """List what is below, and remove it by the thousand."""
        deleting.remove_tree(self, path)

    def copy(self, source: str, target: str, *, condition: Condition | None = None) -> Entry:
        """One request; in parts for what is too large for one."""
        self.new_key(target)
        return copying.copy(self, source, target, condition)

    def set_metadata(self, path: str, metadata: Metadata) -> Entry:
        """Copy the object onto itself: S3 has no other way."""
        return copying.set_metadata(self, path, metadata)

    def begin_upload(self, path: str, *, size: int | None = None, metadata: Metadata | None = None) -> Upload:
        """A multipart upload."""
        self.new_key(path)
        return S3Upload.begin(self, path, size, metadata)

    def resume_upload(self, state: Mapping[str, Any], source: Source | None = None) -> Upload:
        """Go on; parts that the store does not hold as they were sent are sent again."""
        return S3Upload.resume(self, state)

    def versions(self) -> Versions:
        """The history that a bucket with versioning keeps."""
        return S3Versions(self)

    def refusal(self, capability: Capability, path: str = "") -> Unsupported:
        """What S3 lacks."""
        from skycap.cloudproviders.s3.shares import refusal

        return refusal(capability, path) or super().refusal(capability, path)

    def shares(self) -> Shares:
        """Links signed by this identity."""
        from skycap.cloudproviders.s3.shares import Links

        return Links(self)

    def cleanup(self, path: str = "", *, older_than_s: float, dry_run: bool = False) -> Iterator[Leftover]:
        """Abort multipart uploads that began longer ago than that."""
        return deleting.cleanup(self, path, older_than_s, dry_run=dry_run)

    def close(self) -> None:
        """Close what is idle."""
        self.client.close()


__all__ = ["S3", "S3Options"]
