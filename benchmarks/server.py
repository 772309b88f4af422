"""The S3 server of the benchmarks: a fresh SeaweedFS on loopback, and a count of what lies in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.contenders import Place
from benchmarks.rounds import Count
from skycap.core.testing.servers import SeaweedFS


@contextmanager
def s3(home: Path, folder: Path) -> Iterator[tuple[Place, Count]]:
    """A server with an empty bucket. Its folder goes when it stops: a scenario leaves tens of GiB."""
    try:
        with SeaweedFS(folder) as server:
            place = Place(
                home,
                server.endpoint,
                access_key_id=server.access_key_id,
                secret_access_key=server.secret_access_key,
            )
            client = _client(place)
            client.create_bucket(Bucket=place.bucket)
            # The first object makes the volumes; nobody should pay for that.
            client.put_object(Bucket=place.bucket, Key="warm", Body=b"warm")

            def count(target: str) -> tuple[int, int]:
                prefix = target.removeprefix(f"s3://{place.bucket}/") + "/"
                files = total = 0
                for page in client.get_paginator("list_objects_v2").paginate(
                    Bucket=place.bucket, Prefix=prefix
                ):
                    objects = [one for one in page.get("Contents", []) if not one["Key"].endswith("/")]
                    files += len(objects)
                    total += sum(one["Size"] for one in objects)
                return files, total

            yield place, count
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _client(place: Place) -> Any:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=place.endpoint,
        region_name="us-east-1",
        aws_access_key_id=place.access_key_id,
        aws_secret_access_key=place.secret_access_key,
    )
