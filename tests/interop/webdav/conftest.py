"""A place to try: `server` and `kind` say which; a test that names neither has cheroot over a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from skycap.core.testing.servers import SeaweedFS
from skycap.core.webdav.serving import ServerName
from tests.interop.webdav.places import Served, opened, serving


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], SeaweedFS]]:
    """The S3 server of the run, started when it is first asked for."""
    with ExitStack() as stack:
        started: list[SeaweedFS] = []

        def get() -> SeaweedFS:
            if not started:
                started.append(stack.enter_context(SeaweedFS(tmp_path_factory.mktemp("weed"))))
            return started[0]

        yield get


@pytest.fixture
def server() -> ServerName:
    """Which of the two HTTP servers."""
    return "cheroot"


@pytest.fixture
def kind() -> str:
    """What is served."""
    return "local"


@pytest.fixture
def served(
    server: ServerName,
    kind: str,
    tmp_path: Path,
    weed: Callable[[], SeaweedFS],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Served]:
    """An empty storage behind a server."""
    for name in list(os.environ):  # nothing of the machine's own accounts and proxies
        if name.startswith(("AWS_", "RCLONE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with ExitStack() as stack:
        storage = opened(kind, tmp_path / "served", stack, weed)
        yield stack.enter_context(serving(server, storage, tmp_path / "state"))
