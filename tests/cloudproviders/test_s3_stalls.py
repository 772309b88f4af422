"""A store that falls silent: the limit of a try ends the wait in every thread, and cuts off nothing else."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from skycap.cloudproviders.s3.client import Client
from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.reading import FIRST, RANGE
from skycap.cloudproviders.s3.storage import S3
from skycap.core.errors import DownloadFailed
from skycap.core.location import Location
from skycap.core.retry import Caller, Policies, Policy
from skycap.core.storage.local import Local
from skycap.core.storage.overlays import Retrying
from skycap.core.testing.clock import ManualClock
from skycap.core.testing.proxy import Request, Trouble, TroublingProxy
from skycap.core.transfer.engine import Transfer
from skycap.core.units import MiB
from tests.cloudproviders.seaweed import SeaweedFS
from tests.cloudproviders.stub import Reply, Stub
from tests.cloudproviders.stub import Request as Asked

_LIMIT_S = 2.0
"""Of a try. The store itself would be waited for much longer."""
_SOON_S = 90.0


class Stall:
    """One request that nobody answers until the test ends: the first one that fits."""

    def __init__(self, fits: Callable[[Request], bool]) -> None:
        self.over = threading.Event()
        self.met = 0
        self._fits = fits

    def __call__(self, request: Request) -> Trouble | None:
        if self.met or not self._fits(request):
            return None
        self.met += 1
        return Trouble(wait=lambda: self.over.wait(150), reset="before")


@pytest.fixture
def proxy(server: SeaweedFS) -> Iterator[TroublingProxy]:
    with TroublingProxy(server.endpoint) as found:
        yield found
        if isinstance(found.schedule, Stall):
            found.schedule.over.set()


@pytest.fixture
def through(proxy: TroublingProxy, options: Callable[..., S3Options], bucket: str) -> Iterator[Any]:
    """A storage through the proxy, whose tries have a limit."""
    with ExitStack() as stack:

        def make(policy: Policy | None = None, **more: Any) -> Retrying:
            given = {"endpoint": proxy.endpoint, "part_size": "5MiB", "copy_from": "6MiB", **more}
            given = {"copy_part_size": "5MiB", "read_timeout": "10m", **given}
            policy = policy or Policy(attempts=40, base_s=0.01, per_try_timeout_s=_LIMIT_S)
            policies = Policies(upload=policy, download=policy, list=policy, delete=policy)
            return Retrying(stack.enter_context(S3(options(**given), bucket)), policies)

        yield make


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def content(storage: Any, path: str) -> bytes:
    with storage.read(path) as reader:
        found: bytes = reader.read()
        return found


def unfinished(client: Client, bucket: str) -> int:
    return client.request("GET", bucket, query=[("uploads", "")]).body.count(b"<Upload>")


def is_part(request: Request) -> bool:
    return request.method == "PUT" and "partNumber=2" in request.target


def is_end(request: Request) -> bool:
    return request.method == "POST" and "uploadId=" in request.target


@pytest.mark.parametrize("fits", [is_part, is_end])
def test_a_large_write_goes_on_when_the_limit_is_over(
    fits: Callable[[Request], bool], proxy: TroublingProxy, through: Any, s3: S3, client: Client
) -> None:
    data = noise(17 * MiB)
    proxy.schedule = stall = Stall(fits)
    began = time.monotonic()
    through().write("a", data)
    assert time.monotonic() - began < _SOON_S
    assert stall.met == 1
    assert content(s3, "a") == data
    assert unfinished(client, s3.bucket) == 0


def test_a_large_read_into_a_file_goes_on_when_the_limit_is_over(
    tmp_path: Path, proxy: TroublingProxy, through: Any, s3: S3
) -> None:
    data = noise(FIRST + 2 * RANGE)
    s3.write("a", data)
    local = tmp_path / "a"
    local.touch()
    gets = iter(range(100))
    proxy.schedule = stall = Stall(lambda request: request.method == "GET" and next(gets) == 1)
    began = time.monotonic()
    through().read_file("a", str(local))
    assert time.monotonic() - began < _SOON_S
    assert stall.met == 1
    assert local.read_bytes() == data


def test_a_large_copy_goes_on_when_the_limit_is_over(
    proxy: TroublingProxy, through: Any, s3: S3, client: Client
) -> None:
    data = noise(11 * MiB)
    s3.write("a", data)
    proxy.schedule = stall = Stall(is_part)
    began = time.monotonic()
    through().copy("a", "b")
    assert time.monotonic() - began < _SOON_S
    assert stall.met == 1
    assert content(s3, "b") == data
    assert unfinished(client, s3.bucket) == 0


def test_the_parts_of_a_transfer_go_on_when_the_limit_is_over(
    tmp_path: Path, proxy: TroublingProxy, through: Any, s3: S3
) -> None:
    data = noise(17 * MiB)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_bytes(data)
    proxy.schedule = stall = Stall(is_part)
    there = through(upload_from="8MiB")
    began = time.monotonic()
    result = Transfer(
        Location(Local(tmp_path / "source")), Location(there), state_folder=str(tmp_path / "state")
    ).copy()
    assert time.monotonic() - began < _SOON_S
    assert (result.exit_status, stall.met, dict(result.counts.strategies)) == (0, 1, {"parts": 1})
    assert result.counts.retries == 1
    assert content(s3, "a") == data


def test_a_later_page_of_a_listing_is_waited_for_no_longer_than_a_try(
    options: Callable[..., S3Options],
) -> None:
    over, tokens = threading.Event(), []

    def answer(request: Asked) -> Reply:
        token = request.query.get("continuation-token", "")
        tokens.append(token)
        if tokens == ["", "f0"]:
            over.wait(150)
        rest = [f"f{n}" for n in range(3) if f"f{n}" > token]
        more = f"<NextContinuationToken>{rest[0]}</NextContinuationToken>" if len(rest) > 1 else ""
        item = f"<Contents><Key>{rest[0]}</Key><Size>1</Size><ETag>e</ETag>"
        item += "<LastModified>2023-01-02T03:04:05.000Z</LastModified></Contents>"
        truncated = f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>"
        return Reply(body=f"<ListBucketResult>{truncated}{item}{more}</ListBucketResult>".encode())

    policies = Policies(list=Policy(attempts=40, base_s=0.01, per_try_timeout_s=_LIMIT_S))
    began = time.monotonic()
    with Stub(answer) as stub, S3(options(endpoint=stub.url, read_timeout="10m"), "bucket") as storage:
        found = [entry.path for entry in Retrying(storage, policies).scan_all("")]
        assert time.monotonic() - began < _SOON_S
        over.set()
    assert found == ["f0", "f1", "f2"]
    assert tokens.count("") == 1, "the first page was asked for again"


def test_a_large_file_may_take_longer_than_a_try(
    tmp_path: Path, proxy: TroublingProxy, through: Any, s3: S3
) -> None:
    clock = ManualClock()
    made = through(Policy(attempts=1, per_try_timeout_s=300)).inner
    call = Caller(Policy(attempts=1, per_try_timeout_s=300), clock=clock.monotonic)
    data = noise(27 * MiB)
    s3.write("b", data)
    local = tmp_path / "b"
    local.touch()
    gets = iter(range(100))

    def slow(request: Request) -> Trouble | None:
        """What is asked for alone takes longer than a try, and all that follows comes after it."""
        alone = request.method == "POST" or (request.method == "GET" and next(gets) == 0)
        return Trouble(wait=lambda: clock.advance(400)) if alone else None

    proxy.schedule = slow
    call(made.write, "a", data)
    call(made.read_file, "b", str(local))
    call(made.copy, "b", "c")
    proxy.heal()
    assert content(s3, "a") == content(s3, "c") == local.read_bytes() == data


def test_a_body_that_stops_coming_is_waited_for_no_longer_than_a_try(
    options: Callable[..., S3Options],
) -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 99\r\n\r\nhalf')
                over.wait(150)

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        policy = Policy(attempts=1, per_try_timeout_s=0.5)
        began = time.monotonic()
        with S3(options(endpoint=url, read_timeout="10m"), "bucket") as storage:
            retrying = Retrying(storage, Policies(download=policy))
            with retrying.read("a") as reader, pytest.raises(DownloadFailed):
                list(iter(lambda: reader.read(100), b""))
        over.set()
        thread.join()
    assert time.monotonic() - began < _SOON_S
