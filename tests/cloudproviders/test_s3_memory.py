"""How much of what is being sent is in memory at once: bounded for a storage, whatever is written to it."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.storage import IN_MEMORY, S3
from skycap.core.errors import Error
from skycap.core.storage import BinaryReader, LocalFile, Source
from skycap.core.units import MiB
from tests.cloudproviders.stub import Reply, Request, Stub

PIECE = 12 * MiB
FIT = IN_MEMORY // PIECE


class Zeros:
    """A source that starts again."""

    def __init__(self, size: int) -> None:
        self._size = size

    @contextmanager
    def open(self) -> Iterator[BinaryReader]:
        yield io.BytesIO(bytes(self._size))


class Store:
    """Takes everything. As many pieces as there is room for are let in before the first is answered."""

    def __init__(self) -> None:
        self.inside = self.most = self.pieces = 0
        self._lock = threading.Lock()
        self._full = threading.Event()

    def __call__(self, request: Request) -> Reply:
        if request.method == "POST":
            name = "InitiateMultipartUpload" if "uploads" in request.query else "CompleteMultipartUpload"
            inner = "<UploadId>u</UploadId><ETag>e</ETag>"
            return Reply(body=f"<{name}Result>{inner}</{name}Result>".encode())
        with self._lock:
            self.pieces += 1
            self.inside += len(request.body)
            self.most = max(self.most, self.inside)
            if self.inside >= FIT * PIECE:
                self._full.set()
        assert self._full.wait(60)
        with self._lock:
            self.inside -= len(request.body)
        return Reply(headers={"etag": '"e"'})


@contextmanager
def storage_over(stub: Stub) -> Iterator[S3]:
    given = {"endpoint": stub.url, "access_key_id": "AK", "secret_access_key": "SK", "part_size": PIECE}
    with S3(S3Options.parse(given, where="test"), "bucket") as storage:
        yield storage


@pytest.mark.parametrize(
    ("kind", "size", "count"),
    [("file", PIECE, 12), ("stored", PIECE, 12), ("file", 4 * PIECE, 3), ("stored", 4 * PIECE, 3)],
)
def test_what_is_being_sent_has_a_bound(tmp_path: Path, kind: str, size: int, count: int) -> None:
    with open(tmp_path / "file", "wb") as file:
        file.truncate(size)
    source: Source = LocalFile(str(tmp_path / "file")) if kind == "file" else Zeros(size)
    store = Store()
    with Stub(store) as stub, storage_over(stub) as storage, ThreadPoolExecutor(count) as pool:
        jobs = [pool.submit(storage.write, f"k{n}", source, size=size) for n in range(count)]
        assert all(job.result(60).size == size for job in jobs)
        assert store.most == FIT * PIECE
        storage.memory.take(IN_MEMORY)  # all of it came back


@pytest.mark.parametrize("size", [PIECE, 4 * PIECE])
def test_a_failed_write_gives_its_memory_back(tmp_path: Path, size: int) -> None:
    def answer(request: Request) -> Reply:
        if request.method == "POST":
            body = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            return Reply(body=body.encode())
        return Reply(500)

    with Stub(answer) as stub, storage_over(stub) as storage:
        with pytest.raises(Error):
            storage.write("k", Zeros(size), size=size)
        with pytest.raises(Error):
            storage.write("k", Zeros(size - 1), size=size)
        storage.memory.take(IN_MEMORY)


def test_plain_streams_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Whoever feeds one may be waiting for another."""
    count = FIT + 3
    together = threading.Barrier(count)

    class Fed(io.BytesIO):
        begun = False

        def read(self, size: int | None = -1, /) -> bytes:
            if not self.begun:
                self.begun = True
                together.wait(60)
            return super().read(size)

    with (
        Stub(lambda _: Reply(headers={"etag": '"e"'})) as stub,
        storage_over(stub) as storage,
        ThreadPoolExecutor(count) as pool,
    ):
        jobs = [pool.submit(storage.write, f"k{n}", Fed(bytes(PIECE)), size=PIECE) for n in range(count)]
        assert all(job.result(60).size == PIECE for job in jobs)
