"""One real S3 server for the whole run, and a fresh bucket for each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

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


@pytest.fixture
def bucket(options: Callable[..., S3Options]) -> str:
    """The name of a new, empty bucket."""
    name = f"b{os.getpid()}-{next(_numbers)}"
    client = connect(options())
    client.request("PUT", name)
    client.close()
    return name


@pytest.fixture
def versioned(options: Callable[..., S3Options], bucket: str) -> str:
    """The name of a new bucket that keeps old versions."""
    client = connect(options())
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    client.request("PUT", bucket, query=[("versioning", "")], body=body)
    client.close()
    return bucket


@pytest.fixture
def s3(options: Callable[..., S3Options], bucket: str) -> Iterator[S3]:
    """A storage over it."""
    with S3(options(), bucket) as storage:
        yield storage
