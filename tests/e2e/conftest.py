"""The whole of it, through the installed command: a server for the run, a laboratory for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skycap.core.testing.servers import SeaweedFS
from tests.e2e.lab import Lab
from tests.e2e.stores import Store


@pytest.fixture(scope="session")
def store(seaweedfs: SeaweedFS) -> Iterator[Store]:
    found = Store(seaweedfs)
    yield found
    found.client.close()


@pytest.fixture(scope="session")
def shared_bucket(store: Store) -> str:
    """One bucket for tests that keep to a prefix of their own."""
    return store.make_bucket()


@pytest.fixture
def bucket(store: Store) -> str:
    """An empty bucket."""
    return store.make_bucket()


@pytest.fixture
def lab(tmp_path: Path, store: Store) -> Lab:
    """A command line that knows the server as `t:`."""
    return Lab(tmp_path / "lab", store.environment())


@pytest.fixture
def new_lab(tmp_path: Path, store: Store) -> Callable[..., Lab]:
    """More of them: each has a state of its own."""

    def make(name: str, **env: str) -> Lab:
        return Lab(tmp_path / name, {**store.environment(), **env})

    return make
