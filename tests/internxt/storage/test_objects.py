"""Bytes from the object storage: connections are kept, dropped ones are made anew, proxies are heeded."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from skycap.core.errors import DownloadFailed, Error, NotFound, ProviderError
from skycap.core.http import Timeouts, Tls
from skycap.internxt.api import network
from skycap.internxt.api.objects import Objects
from skycap.internxt.storage.storage import Internxt
from tests.internxt.storage.accounts import Accounts
from tests.internxt.storage.reading import noise

_CONTENT = noise(100_000)


@pytest.fixture
def objects() -> Iterator[Objects]:
    with closing(Objects(tls=Tls(), timeouts=Timeouts(), connections=1)) as found:
        yield found


@pytest.fixture
def url(storage: Internxt) -> str:
    storage.write("file", _CONTENT)
    file = storage.places.item("file")
    found = storage.api.drive("GET", f"/files/{file.uuid}/meta", where="test").json()["fileId"]
    return network.info(storage.api, storage.bucket, found, where="test").url


def _got(objects: Objects, url: str, offset: int = 0, length: int = len(_CONTENT)) -> int:
    with objects.get(url, offset, length, len(_CONTENT), where="file") as reader:
        return len(reader.read())


def test_a_connection_is_kept_for_the_next_request(objects: Objects, url: str) -> None:
    for _ in range(3):
        assert _got(objects, url) == len(_CONTENT)
        assert _got(objects, url, 10, 20) == 20
    (kept,) = objects._direct._idle.values()
    assert len(kept) == 1
    objects.close()
    objects.close()


def test_a_connection_that_was_dropped_is_made_anew(objects: Objects, url: str, accounts: Accounts) -> None:
    assert _got(objects, url) == len(_CONTENT)
    accounts.emulator.restart()
    assert _got(objects, url) == len(_CONTENT)


def test_a_stream_that_is_left_early_costs_its_connection_and_no_more(objects: Objects, url: str) -> None:
    with objects.get(url, 0, len(_CONTENT), len(_CONTENT), where="file") as reader:
        assert len(reader.read(10)) == 10
    assert _got(objects, url) == len(_CONTENT)


def test_an_answer_that_breaks_off_is_told(objects: Objects, url: str, accounts: Accounts) -> None:
    accounts.emulator.fault(method="GET", path="/objects/", send_only=10)
    with pytest.raises(DownloadFailed) as caught:
        _got(objects, url)
    assert caught.value.retryable


def test_more_or_fewer_bytes_than_asked_for_are_refused(objects: Objects, url: str) -> None:
    for size in (5, len(_CONTENT) + 1):
        with pytest.raises(ProviderError), objects.get(url, 0, size, size, where="file"):
            pass


def test_a_store_that_gives_the_whole_for_a_part_is_not_believed(
    objects: Objects, url: str, accounts: Accounts
) -> None:
    accounts.emulator.fault(method="GET", path="/objects/", status=200)
    with pytest.raises(ProviderError, match="no part"), objects.get(url, 5, 5, 50, where="file"):
        pass


def test_a_store_that_cannot_be_reached_is_told_with_its_address_and_no_link(objects: Objects) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(DownloadFailed) as caught:
            _got(objects, f"http://127.0.0.1:{port}/x?signature=very-secret")
    assert caught.value.unreached == f"http://127.0.0.1:{port}"
    assert "very-secret" not in repr(vars(caught.value))
    assert caught.value.where == "file"


def test_what_is_gone_is_told_as_such(objects: Objects, url: str, accounts: Accounts) -> None:
    accounts.emulator.fault(method="GET", path="/objects/", status=404)
    with pytest.raises(NotFound):
        _got(objects, url)


@pytest.mark.parametrize("bypassed", [False, True])
def test_a_proxy_is_heeded_and_passed_by_where_the_environment_says_so(
    objects: Objects, url: str, monkeypatch: pytest.MonkeyPatch, bypassed: bool
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1" if bypassed else "elsewhere.example")
    if bypassed:
        assert _got(objects, url) == len(_CONTENT)
    else:
        with pytest.raises(Error):
            _got(objects, url)
