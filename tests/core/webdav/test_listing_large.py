"""PROPFIND of large folders: one listing, sent while it is read, and cut if it fails."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from skycap.core.errors import ProviderError
from skycap.core.storage.entry import Entry
from skycap.core.storage.memory import Memory
from tests.core.webdav.conftest import Serve, both_servers


class Scripted(Memory):
    """Lists what a script says."""

    scans = 0
    stats = 0

    def script(self) -> Iterator[Entry]:
        raise NotImplementedError

    def scan(self, path: str) -> Iterator[Entry]:
        self.scans += 1
        return self.script()

    def stat(self, path: str) -> Entry:
        self.stats += 1
        return super().stat(path)


def numbered(count: int) -> Iterator[Entry]:
    for number in range(count):
        yield Entry(f"file {number}", size=number, version=str(number))


@both_servers
def test_many_entries_cost_one_listing_and_no_look_at_each(serve: Serve) -> None:
    class Many(Scripted):
        def script(self) -> Iterator[Entry]:
            return numbered(10_000)

    storage = Many()
    reply = serve(storage).find("/", depth="1")
    assert len(reply.hrefs) == 10_001
    assert storage.scans == 1
    assert storage.stats <= 2
    assert reply.headers["Content-Length"] is None


@both_servers
def test_the_first_bytes_come_before_the_last_entry_is_known(serve: Serve) -> None:
    client_has_some = threading.Event()

    class Slow(Scripted):
        def script(self) -> Iterator[Entry]:
            yield from numbered(20_000)
            assert client_has_some.wait(30)
            yield Entry("last", size=1)

    with closing(serve(Slow()).connect()) as connection:
        connection.request("PROPFIND", "/", headers={"Depth": "1"})
        answer = connection.getresponse()
        begun = answer.read(1000)
        client_has_some.set()
        assert b"/last</D:href>" in begun + answer.read()


@both_servers
def test_a_listing_that_fails_in_the_middle_is_cut_and_no_shorter_listing(serve: Serve) -> None:
    class Failing(Scripted):
        def script(self) -> Iterator[Entry]:
            yield from numbered(20_000)
            raise ProviderError("the store went away")

    served = serve(Failing())
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        served("PROPFIND", "/", depth="1")
    with closing(served.connect()) as connection:
        connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]
        connection.request("PROPFIND", "/", headers={"Depth": "1"})
        assert connection.getresponse().status == 502


def test_a_listing_that_fails_at_once_has_a_status(serve: Serve) -> None:
    class Failing(Scripted):
        def script(self) -> Iterator[Entry]:
            yield from numbered(3)
            raise ProviderError("the store went away")

    assert serve(Failing())("PROPFIND", "/", depth="1").status == 502
