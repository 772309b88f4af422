"""A large file from one stream: read part by part, and a few parts sent at once."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING

from skycap.core.errors import Error, UploadFailed
from skycap.core.retry import Caller, Policy, anew, in_threads
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.pieces import read_piece
from skycap.core.storage.source import BinaryReader
from skycap.internxt.storage.upload import Outlived, PartsUpload

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt

_THREADS = 2
_PATIENT = Policy(attempts=4, base_s=0.5, cap_s=20.0)


def write_parts(
    storage: Internxt,
    path: str,
    reader: BinaryReader,
    size: int,
    metadata: Metadata | None,
    condition: Condition | None,
) -> Entry:
    """Store `size` bytes of a stream, all or nothing."""
    with anew():
        upload = PartsUpload.begin(storage, path, size, metadata)
    try:
        with ThreadPoolExecutor(_THREADS, "internxt-parts") as pool:
            _send(upload, reader, size, pool)
        reader.read(1)  # a source that is too long says so
        with anew():
            return upload.complete(condition)
    except Outlived as error:
        upload.abort()
        raise UploadFailed(error.message, where=error.where) from error
    except BaseException:
        # The first error is the one to tell.
        with suppress(Error):
            upload.abort()
        raise


def _send(upload: PartsUpload, reader: BinaryReader, size: int, pool: ThreadPoolExecutor) -> None:
    running: set[Future[None]] = set()
    caller = Caller(_PATIENT)

    def send(index: int, data: bytes | memoryview, last: bool) -> None:
        caller(upload.put_part, index, data, last=last)

    job_of = in_threads(send)
    count = -(-size // upload.part_size)
    try:
        for index in range(count):
            data = read_piece(reader, min(upload.part_size, size - index * upload.part_size))
            running.add(pool.submit(job_of, index, data, index == count - 1))
            del data  # before the next one takes its room
            if len(running) >= _THREADS:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for job in finished:
                    job.result()
        for job in running:
            job.result()
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise
