"""One real S3 server for the whole run, and a fresh bucket for each test."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from skycap.cloudproviders.s3.client import Client
from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.storage import S3, connect
from tests.cloudproviders.seaweed import SeaweedFS

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with SeaweedFS(tmp_path_factory.mktemp("weed")) as started:
        yield started


@pytest.fixture(autouse=True)
def _no_aws_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whoever runs the tests may have AWS credentials: none of them is used."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SKYCAP_STATE", str(home / "state"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def options(server: SeaweedFS) -> Callable[..., S3Options]:
    """Options that reach the server."""

    def make(**more: Any) -> S3Options:
        return S3Options.parse({**server.options, **more}, where="test")

    return make


@pytest.fixture(scope="session")
def client(server: SeaweedFS) -> Iterator[Client]:
    """Requests as the tests themselves make them."""
    made = connect(S3Options.parse(server.options, where="test"))
    yield made
    made.close()


class NewBuckets:
    """Empty buckets, made ahead: the first write to a new one waits until the server has made a volume."""

    def __init__(self, client: Client, *, ahead: int = 6) -> None:
        self._client = client
        self._pool = ThreadPoolExecutor(3)
        self._ready = deque(self._pool.submit(self._make) for _ in range(ahead))

    def take(self) -> str:
        self._ready.append(self._pool.submit(self._make))
        return self._ready.popleft().result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _make(self) -> str:
        name = f"b{os.getpid()}-{next(_numbers)}"
        self._client.request("PUT", name)
        self._client.request("PUT", name, "first", body=b"x")
        self._client.request("DELETE", name, "first")
        return name


@pytest.fixture(scope="session")
def new_buckets(client: Client) -> Iterator[NewBuckets]:
    made = NewBuckets(client)
    yield made
    made.close()


@pytest.fixture
def bucket(new_buckets: NewBuckets) -> str:
    """The name of an empty bucket."""
    return new_buckets.take()


@pytest.fixture
def versioned(client: Client, bucket: str) -> str:
    """The name of an empty bucket that keeps old versions."""
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    client.request("PUT", bucket, query=[("versioning", "")], body=body)
    return bucket


@pytest.fixture
def s3(options: Callable[..., S3Options], bucket: str) -> Iterator[S3]:
    """A storage over it."""
    with S3(options(), bucket) as storage:
        yield storage
