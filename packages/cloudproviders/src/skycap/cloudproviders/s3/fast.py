"""Whole objects by obstore, outside the interpreter lock.

Only its blocking calls: the asynchronous ones can abort the interpreter at its end. It takes names that its
own path type keeps as they are; others go the ordinary way, as does all that needs a header it cannot send.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from skycap.cloudproviders.s3.client import Client
from skycap.cloudproviders.s3.codes import EXPIRED, REDIRECTED, SKEWED
from skycap.cloudproviders.s3.connection import patience, tls_context
from skycap.cloudproviders.s3.errors import (
    is_no_connection,
    is_tls_failure,
    no_etag,
    obstore_error,
    refusal_of_obstore,
)
from skycap.cloudproviders.s3.objects import md5_of, metadata_fields, metadata_from
from skycap.cloudproviders.s3.options import S3Options
from skycap.core.errors import Error
from skycap.core.retry import answered
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import S3Store

_T = TypeVar("_T")
# obstore turns a backslash into a slash and refuses control characters.
_AWKWARD = re.compile(r"[\x00-\x1f\x7f\\]")
# The time for a whole request; a stall is found by the read timeout long before.
_WHOLE = timedelta(hours=12)


def takes(key: str) -> bool:
    """Whether obstore keeps this key as it is."""
    return _AWKWARD.search(key) is None and key.isprintable()


class Fast:
    """obstore for one bucket. `None` from a method means: go the ordinary way, which mends what is wrong."""

    def __init__(self, client: Client, bucket: str, options: S3Options) -> None:
        self._client = client
        self._bucket = bucket
        self._options = options
        self._lock = threading.Lock()
        self._store: tuple[str, S3Store] | None = None
        self._usable = options.acl is None and not _has_proxy() and options.sse_kms_key_id is None

    def put(
        self, key: str, data: bytes | memoryview, metadata: Metadata | None, condition: Condition | None
    ) -> str | None:
        """Store it; its ETag."""
        mode: Any = "overwrite"
        if condition is not None:
            mode = "create" if condition.version is None else {"e_tag": condition.version}
        attributes: dict[str, str] = dict(metadata_fields(metadata))
        if metadata is not None and metadata.content_type:
            attributes["Content-Type"] = metadata.content_type
        if self._options.storage_class:
            attributes["Storage-Class"] = self._options.storage_class

        def call(store: S3Store) -> str:
            import obstore

            result = obstore.put(
                store, key, data, attributes=attributes or None, mode=mode, use_multipart=False
            )
            if not result["e_tag"]:
                raise no_etag(self._where(key))
            return result["e_tag"]

        return self._run(key, call, writing=True)

    def get(self, key: str, limit: int) -> tuple[memoryview, Entry] | None:
        """The first `limit` bytes, and the entry of the whole object."""

        def call(store: S3Store) -> tuple[memoryview, Entry]:
            import obstore

            result = obstore.get(store, key, options={"range": (0, limit)})
            return memoryview(result.bytes()), self._entry(key, result)

        return self._run(key, call, writing=False)

    def _entry(self, key: str, result: GetResult) -> Entry:
        meta = result.meta
        user = dict(result.attributes)
        content_type = user.pop("Content-Type", None)
        for name in _STANDARD & user.keys():
            del user[name]
        metadata = metadata_from(user, content_type)
        etag = meta["e_tag"]
        if not etag:
            raise no_etag(self._where(key))
        return Entry(
            key,
            size=meta["size"],
            mtime_ns=metadata.mtime_ns,
            stored_at_ns=int(meta["last_modified"].timestamp()) * 1_000_000_000,
            version=etag,
            hashes=md5_of(etag) or None,
            metadata=metadata,
        )

    def _run(self, key: str, call: Callable[[S3Store], _T], *, writing: bool) -> _T | None:
        if not self._usable or self._client.skew_s or not takes(key):
            return None
        if patience(self._options.read_timeout) < self._options.read_timeout:
            return None  # its timeouts are set once for all requests
        store = self._open()
        from obstore.exceptions import BaseError

        try:
            found = call(store)
            answered(self._client.endpoint.url())
            return found
        except Error:  # ours, from within; some of them are an OSError too
            raise
        except (BaseError, OSError) as error:
            refusal = refusal_of_obstore(error)
            mendable = refusal.code in EXPIRED | SKEWED | REDIRECTED or refusal.status in {301, 307, 416}
            if mendable or (refusal.status == 400 and not refusal.code):
                return None
            if is_tls_failure(error):
                self._usable = False
                return None
            endpoint = self._client.endpoint.url(self._bucket)
            failed = obstore_error(error, self._where(key), endpoint, writing=writing)
            if is_no_connection(error):
                failed.unreached = self._client.endpoint.url()
            raise failed from None

    def _where(self, key: str) -> str:
        return self._client.where(self._bucket, key)

    def _open(self) -> S3Store:
        # Asked here and not in the callback: an error in there would come out as obstore's.
        self._client.credentials.keys()
        region = self._client.endpoint.region
        current = self._store
        if current is None or current[0] != region:
            with self._lock:  # the first files come on all threads at once, and one store is for all of them
                current = self._store
                if current is None or current[0] != region:
                    current = self._store = (region, self._new())
        return current[1]

    def _new(self) -> S3Store:
        from obstore.store import S3Store

        options, endpoint = self._options, self._client.endpoint
        client: dict[str, Any] = {
            "allow_http": endpoint.scheme == "http",
            "connect_timeout": timedelta(seconds=options.connect_timeout),
            "read_timeout": timedelta(seconds=options.read_timeout),
            "timeout": _WHOLE,
            "allow_invalid_certificates": not options.verify_tls,
            "pool_max_idle_per_host": str(options.connections),
        }
        if options.ca_bundle:
            tls_context(options)
            with open(options.ca_bundle, "rb") as file:
                client["root_certificate"] = file.read()
        address = endpoint.url(self._bucket) if endpoint.virtual(self._bucket) else endpoint.url()
        config: dict[str, Any] = {
            "region": endpoint.region,
            # Both names, since obstore looks into the environment for what it is not given.
            "endpoint": address,
            "aws_endpoint_url_s3": address,
            "unsigned_payload": False,
            "conditional_put": "etag",
            "virtual_hosted_style_request": endpoint.virtual(self._bucket),
            "skip_signature": options.anonymous,
        }
        if options.checksums == "when_supported":
            config["checksum_algorithm"] = "SHA256"
        if options.sse:
            config["server_side_encryption"] = options.sse
        retry: Any = {"max_retries": 0, "retry_timeout": timedelta(seconds=options.read_timeout)}
        provider = None if options.anonymous else self._credential
        return S3Store(
            self._bucket,
            config=config,  # type: ignore[arg-type]
            client_options=client,  # type: ignore[arg-type]
            retry_config=retry,
            credential_provider=provider,
        )

    def _credential(self) -> Any:
        keys = self._client.credentials.keys()
        if keys is None:
            return {"access_key_id": "", "secret_access_key": "", "expires_at": None}
        expires = None if keys.expires_at is None else datetime.fromtimestamp(keys.expires_at, UTC)
        return {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key,
            "token": keys.session_token,
            "expires_at": expires,
        }


_STANDARD = {
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Type",
    "Storage-Class",
}


def _has_proxy() -> bool:
    import os

    return any(os.environ.get(name) for name in ("ALL_PROXY", "all_proxy"))
