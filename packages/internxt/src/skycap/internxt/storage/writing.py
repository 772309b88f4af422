"""Files on their way: encrypted as they are read, sent in one piece or in parts, then named.

Bytes whose number nobody knows are encrypted into a temporary file first, since the service wants to know.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, cast

from skycap.core import paths
from skycap.core.errors import Conflict, UploadFailed
from skycap.core.retry import anew
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.source import BinaryReader, Source, known_size, opened, read_exactly
from skycap.core.units import MiB
from skycap.internxt.api import network
from skycap.internxt.api.models import File, Folder
from skycap.internxt.crypto.content import Content
from skycap.internxt.crypto.keys import new_index
from skycap.internxt.storage.naming import Object, name_object
from skycap.internxt.storage.sealing import AHEAD_FROM, Ahead, Digests, Joined, SealedReader

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt

_AT_ONCE = MiB


def write(
    storage: Internxt,
    path: str,
    source: Source,
    size: int | None,
    metadata: Metadata | None,
    condition: Condition | None,
) -> Entry:
    """Store a file; its entry."""
    size = known_size(source) if size is None else size
    with opened(source, size) as reader:
        head = read_exactly(reader, _AT_ONCE + 1)
        if len(head) <= _AT_ONCE:
            # Shorter than what was asked for is the end; `opened` has seen to the size.
            if size is None or len(head) == size:
                reader.read(1)
            meet(storage, path, condition)
            return _write_small(storage, path, head, metadata, condition)
        meet(storage, path, condition)
        whole = Joined(head, reader)
        if size is None:
            return _write_unknown(storage, path, whole, metadata, condition)
        if size >= network.MULTIPART_MIN:
            from skycap.internxt.storage.parallel import write_parts

            return write_parts(storage, path, whole, size, metadata, condition)
        return _write_one(storage, path, whole, size, metadata, condition)


def meet(storage: Internxt, path: str, condition: Condition | None) -> None:
    """Make the folder above, and see that nothing is there which cannot be replaced."""
    where = storage.where(path)
    if not storage.cache.is_absent(path):
        there = storage.places.find(path, cached=True)
        if isinstance(there, Folder):
            raise Conflict("a directory stands there", where=where)
        if there is not None and condition is not None:
            raise Conflict("it exists already", where=where)
        if there is None:
            storage.places.make(paths.split(path)[0])
    else:
        storage.places.make(paths.split(path)[0])


def finished(storage: Internxt, path: str, file: File, digests_sha256: str | None) -> Entry:
    """The entry of what was stored, with its hash."""
    if file.file_id is not None and digests_sha256 is not None:
        storage.record.remember(file.file_id, file.size, digests_sha256)
    return storage.entry(path, file)


def _write_small(
    storage: Internxt, path: str, data: bytes, metadata: Metadata | None, condition: Condition | None
) -> Entry:
    with anew():  # reading the source may have taken long
        if not data:
            file = name_object(storage, path, Object(None, 0), metadata, condition)
            return finished(storage, path, file, None)
        index, digests = new_index(), Digests()
        sealed = Content(storage.keys().file(index), index).at(0).update(data)
        digests.update(data, sealed)
        return _send(storage, path, sealed, index, digests, len(data), metadata, condition)


def _write_one(
    storage: Internxt,
    path: str,
    reader: BinaryReader,
    size: int,
    metadata: Metadata | None,
    condition: Condition | None,
) -> Entry:
    index, digests = new_index(), Digests()
    sealed: BinaryReader = SealedReader(reader, Content(storage.keys().file(index), index), digests)
    with ExitStack() as stack:
        if size >= AHEAD_FROM:
            sealed = stack.enter_context(Ahead(sealed))
        return _send(storage, path, sealed, index, digests, size, metadata, condition)


def _send(
    storage: Internxt,
    path: str,
    sealed: bytes | BinaryReader,
    index: bytes,
    digests: Digests,
    size: int,
    metadata: Metadata | None,
    condition: Condition | None,
) -> Entry:
    where = storage.where(path)
    started = network.start(storage.api, storage.bucket, size, where=where)
    storage.objects.put(started.urls[0], sealed, size, where=where)
    with anew():
        file_id = network.finish(
            storage.api,
            storage.bucket,
            index=index,
            hash=digests.shard.hexdigest(),
            uuid=started.uuid,
            where=where,
        )
    if digests.size != size:
        raise UploadFailed(f"{digests.size} bytes were sent of {size}", where=where)
    file = name_object(storage, path, Object(file_id, size), metadata, condition)
    return finished(storage, path, file, digests.sha256)


def _write_unknown(
    storage: Internxt,
    path: str,
    reader: BinaryReader,
    metadata: Metadata | None,
    condition: Condition | None,
) -> Entry:
    with sealed_file(storage, reader) as (spool, index, digests):
        return send_sealed(storage, path, spool, index, digests, metadata, condition)


@contextmanager
def sealed_file(storage: Internxt, reader: BinaryReader) -> Iterator[tuple[IO[bytes], bytes, Digests]]:
    """All that a reader gives, encrypted in a temporary file."""
    index, digests = new_index(), Digests()
    sealed = SealedReader(reader, Content(storage.keys().file(index), index), digests)
    with tempfile.TemporaryFile(prefix="skycap-") as spool:
        while data := sealed.read(MiB):
            spool.write(data)
        spool.seek(0)
        yield spool, index, digests


def send_sealed(
    storage: Internxt,
    path: str,
    spool: IO[bytes],
    index: bytes,
    digests: Digests,
    metadata: Metadata | None,
    condition: Condition | None,
) -> Entry:
    """Store what was encrypted before."""
    size = digests.size
    if not size:
        return _write_small(storage, path, b"", metadata, condition)
    with anew():
        return _send(storage, path, cast(BinaryReader, spool), index, digests, size, metadata, condition)
