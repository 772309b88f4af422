"""Buckets as other libraries see them, so that skycap is not its own witness."""

from __future__ import annotations

import hashlib
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from skycap.core.testing.servers import SeaweedFS

_numbers = itertools.count()


class Store:
    """The S3 server of a run: makes buckets, and looks into them."""

    def __init__(self, server: SeaweedFS) -> None:
        import boto3
        from botocore.config import Config

        self._stores: dict[str, Any] = {}
        self.endpoint = server.endpoint
        self.keys = {
            "AWS_ACCESS_KEY_ID": server.access_key_id,
            "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
        }
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="us-east-1",
            aws_access_key_id=server.access_key_id,
            aws_secret_access_key=server.secret_access_key,
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=8),
        )

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """A remote `t` by environment, with credentials as AWS names them."""
        return {
            **self.keys,
            "SKYCAP_REMOTE_T_TYPE": "s3",
            "SKYCAP_REMOTE_T_ENDPOINT": endpoint or self.endpoint,
            "SKYCAP_REMOTE_T_REGION": "us-east-1",
        }

    def make_bucket(self) -> str:
        """A new bucket, in which the server has made room already."""
        name = f"e{os.getpid()}-{next(_numbers)}"
        self.client.create_bucket(Bucket=name)
        self.client.put_object(Bucket=name, Key="first", Body=b"x")
        self.client.delete_object(Bucket=name, Key="first")
        return name

    def sizes(self, bucket: str, prefix: str = "") -> dict[str, int]:
        """Sizes by key below a prefix, which is taken off."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {
            item["Key"].removeprefix(prefix): item["Size"]
            for page in pages
            for item in page.get("Contents", [])
        }

    def hashes(self, bucket: str, prefix: str = "") -> dict[str, str]:
        """SHA-256 of the content by key."""
        keys = list(self.sizes(bucket, prefix))
        with ThreadPoolExecutor(8) as pool:
            return dict(zip(keys, pool.map(lambda key: self._hash(bucket, prefix + key), keys), strict=True))

    def _hash(self, bucket: str, key: str) -> str:
        import obstore

        return hashlib.sha256(obstore.get(self._opened(bucket), key).bytes()).hexdigest()

    def _opened(self, bucket: str) -> Any:
        from obstore.store import S3Store

        if bucket not in self._stores:
            self._stores[bucket] = S3Store(
                bucket,
                endpoint=self.endpoint,
                region="us-east-1",
                access_key_id=self.keys["AWS_ACCESS_KEY_ID"],
                secret_access_key=self.keys["AWS_SECRET_ACCESS_KEY"],
                client_options={"allow_http": True},
            )
        return self._stores[bucket]

    def unfinished(self, bucket: str, prefix: str = "") -> list[str]:
        """Keys of multipart uploads that nobody completed or aborted."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Uploads", [])]
