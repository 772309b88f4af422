"""Each server is started once, when a test first asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from skycap.cloudproviders.webdav.address import Place
from skycap.cloudproviders.webdav.options import WebDavOptions
from skycap.cloudproviders.webdav.storage import WebDav
from tests.cloudproviders.stub import Stub
from tests.cloudproviders.webdav.answers import Answer
from tests.cloudproviders.webdav.nextcloud import Nextcloud
from tests.cloudproviders.webdav.servers import Rclone, Skycap, SkycapMemory, WsgiDav


@pytest.fixture(scope="session")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rclone]:
    with Rclone(tmp_path_factory.mktemp("rclone")) as server:
        yield server


@pytest.fixture(scope="session")
def skycap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Skycap]:
    with Skycap(tmp_path_factory.mktemp("skycap")) as server:
        yield server


@pytest.fixture(scope="session")
def skycap_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Skycap]:
    with SkycapMemory(tmp_path_factory.mktemp("skycap-memory")) as server:
        yield server


@pytest.fixture(scope="session")
def wsgidav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WsgiDav]:
    with WsgiDav(tmp_path_factory.mktemp("wsgidav")) as server:
        yield server


@pytest.fixture(scope="session")
def nextcloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nextcloud]:
    with Nextcloud(tmp_path_factory.mktemp("nextcloud")) as server:
        yield server


@pytest.fixture
def dav() -> Iterator[Callable[..., tuple[WebDav, Stub]]]:
    """A storage on a server that answers by a function; a root at /dav that is there, unless it says else."""
    with ExitStack() as stack:

        def make(answer: Answer, **more: Any) -> tuple[WebDav, Stub]:
            stub = stack.enter_context(Stub(answer))
            options = {"url": f"{stub.url}/dav", "vendor": "rclone", **more}
            storage = WebDav(WebDavOptions.parse(options, where="test"), Place.parse(options["url"]))
            stack.callback(storage.close)
            return storage, stub

        yield make
