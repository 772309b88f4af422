"""A network that breaks, stalls and asks to wait: between the storage and real servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from skycap.cloudproviders.webdav.storage import WebDav
from skycap.core.errors import Error, Timeout
from skycap.core.location import Location
from skycap.core.retry import Policies, Policy
from skycap.core.storage import Metadata
from skycap.core.storage.local import Local
from skycap.core.storage.overlays import Retrying
from skycap.core.testing.conformance.base import content_of, listed, noise
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.testing.proxy import Request, Trouble, TroublingProxy, seeded
from skycap.core.transfer.engine import Transfer
from skycap.core.transfer.events import Event, EventType
from skycap.core.transfer.options import TransferOptions
from skycap.core.units import MiB
from tests.cloudproviders.webdav.nextcloud import Nextcloud
from tests.cloudproviders.webdav.servers import DavServer

_QUICK = Policy(attempts=30, base_s=0.001, cap_s=0.01)


@pytest.fixture(params=["rclone", "wsgidav", "nextcloud"])
def server(request: pytest.FixtureRequest) -> DavServer:
    found: DavServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def through(server: DavServer) -> Iterator[Callable[..., tuple[Retrying, TroublingProxy]]]:
    """A storage that tries again, behind a proxy that makes trouble; its folder is empty."""
    with ExitStack() as stack:

        def make(policy: Policy = _QUICK, **more: Any) -> tuple[Retrying, TroublingProxy]:
            proxy = stack.enter_context(TroublingProxy(server.endpoint))
            url = server.url.replace(server.endpoint, proxy.endpoint)
            storage = server.fresh(url=url, **more)
            assert isinstance(storage, WebDav)
            stack.callback(storage.close)
            return Retrying(storage, Policies(policy, policy, policy, policy)), proxy

        yield make


def test_a_server_that_asks_to_wait_is_asked_again(through: Callable[..., Any]) -> None:
    storage, proxy = through()
    proxy.schedule = seeded(3, 0.15, [Trouble(status=503, retry_after=0), Trouble(status=429, retry_after=0)])
    for number in range(5):
        storage.write(f"d/{number}", b"%d" % number)
    assert len(listed(storage, "d")) == 5
    assert proxy.troubles() > 0


def test_an_upload_that_is_cut_keeps_the_old_file_and_is_sent_again(through: Callable[..., Any]) -> None:
    storage, proxy = through()
    storage.write("file", b"the old content")
    big = noise(2 * MiB)

    def cut(request: Request) -> Trouble | None:
        return Trouble(request_bytes=700_000) if request.method == "PUT" else None

    proxy.schedule = cut
    with pytest.raises(Error):
        storage.inner.write("file", big)
    proxy.heal()
    assert content_of(storage, "file") == b"the old content"
    assert list(listed(storage)) == ["file"]
    cuts = iter([True, True, False])
    proxy.schedule = lambda r: cut(r) if r.method == "PUT" and next(cuts, False) else None
    assert storage.write("file", big).size == len(big)
    proxy.heal()
    assert content_of(storage, "file") == big


def test_a_download_that_is_cut_goes_on_or_says_so(through: Callable[..., Any], server: DavServer) -> None:
    storage, proxy = through()
    big = noise(2 * MiB)
    storage.write("file", big)
    cuts = iter([True, False])
    proxy.schedule = lambda r: (
        Trouble(response_bytes=500_000) if r.method == "GET" and next(cuts, False) else None
    )
    if storage.stat("file").version is None:  # nobody can tell whether the rest is of the same file
        with pytest.raises(Error):
            content_of(storage, "file")
    else:
        assert content_of(storage, "file") == big


def test_a_broken_connection_is_made_anew(through: Callable[..., Any]) -> None:
    storage, proxy = through()
    proxy.schedule = seeded(5, 0.15, [Trouble(reset="before")])
    for number in range(4):
        storage.write(f"d/{number}", noise(1000, number), metadata=Metadata(mtime_ns=10**18))
        assert content_of(storage, f"d/{number}") == noise(1000, number)
    assert proxy.troubles() > 0


def test_a_server_that_falls_silent_is_not_waited_for_without_end(through: Callable[..., Any]) -> None:
    over = threading.Event()
    storage, proxy = through(Policy(attempts=2, base_s=0, per_try_timeout_s=0.3))
    storage.write("file", b"x")
    proxy.schedule = lambda _: Trouble(wait=lambda: over.wait(60), reset="before")
    try:
        with pytest.raises(Timeout):
            storage.stat("file")
        with pytest.raises(Timeout):
            list(storage.scan(""))
    finally:
        over.set()


def test_a_large_file_goes_on_in_the_cloud_with_the_parts_that_are_there(
    nextcloud: Nextcloud, tmp_path: Path
) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "big").write_bytes(big := noise(23 * MiB))
    here = Location(Local(folder), "", str(folder))
    with nextcloud.fresh(chunk_size="5MiB", upload_from="8MiB", connections=1) as storage:
        counted = Faulty(storage)
        there = Location(counted, "top", "dav:top")

        def transfer(**more: Any) -> Transfer:
            options = TransferOptions(transfers=1)
            return Transfer(here, there, options, state_folder=str(tmp_path / "state"), **more)

        first = transfer()
        counted.on("put_part", Fault(wait=first.cancel.set), nth=2)
        assert first.copy().interrupted
        sent = counted.count("put_part")
        counted.calls.clear()
        told: list[Event] = []
        assert transfer(listener=told.append).copy().exit_status == 0
        assert [event.type for event in told].count(EventType.RESUMED) == 1
        assert sent + counted.count("put_part") == 5 < sent + 5
        assert content_of(storage, "top/big") == big
        assert nextcloud.cloud.uploads == {}


def test_a_stream_without_a_size_goes_up_in_parts_and_leaves_nothing_when_it_breaks(
    nextcloud: Nextcloud,
) -> None:
    from skycap.core.testing.conformance.sources import Breaking, SourceBroke, Stream

    with nextcloud.fresh(chunk_size="5MiB") as storage:
        nextcloud.cloud.uploads.clear()
        for size in (300_000, 5 * MiB, 11 * MiB + 1):
            assert storage.write("file", Stream(noise(size))).size == size
            assert content_of(storage, "file") == noise(size)
        with pytest.raises(SourceBroke):
            storage.write("file", Breaking(noise(7 * MiB)))
        assert nextcloud.cloud.uploads == {}
        assert storage.stat("file").size == 11 * MiB + 1
