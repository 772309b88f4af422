"""Reading an object as a stream."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from skycap.cloudproviders.s3.client import BodyReader
from skycap.cloudproviders.s3.objects import entry_of
from skycap.core.errors import IntegrityError, NotFound, ProviderError
from skycap.core.storage.entry import Entry
from skycap.core.storage.source import BinaryReader
from skycap.core.units import MiB

if TYPE_CHECKING:
    from skycap.cloudproviders.s3.storage import S3

SMALL = MiB + 1
"""What is no longer than this, from the first byte on, comes in one piece."""


class ObjectReader:
    """The content, and the entry that came with it."""

    def __init__(self, body: BodyReader | None, entry: Entry, *, whole: bool = False) -> None:
        self.entry = entry
        self._body = body
        self._expected = (entry.hashes or {}).get("sha256") if whole else None
        self._digest = hashlib.sha256() if self._expected else None
        self._read = 0

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; `IntegrityError` at the end of content that is not what was stored."""
        if self._body is None:
            return b""
        data = self._body.read(size)
        if self._digest is not None:
            self._digest.update(data)
            self._read += len(data)
            if self._read == self.entry.size and self._digest.hexdigest() != self._expected:
                raise IntegrityError(
                    "the content does not fit the checksum it was stored with",
                    where=self._body.where,
                    retryable=True,
                )
        return data


class SmallReader(io.BytesIO):
    """Content that came in one piece, and the entry that came with it."""

    def __init__(self, data: memoryview, entry: Entry) -> None:
        super().__init__(data)
        self.entry = entry


@contextmanager
def open_stream(
    storage: S3, path: str, offset: int, length: int | None, version: str | None
) -> Iterator[BinaryReader]:
    """A reader of `length` bytes from `offset`, or of all that follow."""
    whole = offset == 0 and length is None
    if length == 0:
        yield ObjectReader(None, storage.head(path, version))
        return
    if offset == 0 and length and length <= SMALL and version is None:
        small = storage.fast.get(storage.key(path), length)
        if small is not None:
            yield SmallReader(*small)
            return
    span = "" if whole else f"bytes={offset}-{'' if length is None else offset + length - 1}"

    def ask(path: str, version: str | None) -> BodyReader:
        if span:
            return storage.stream(path, version, {"range": span})
        return storage.stream(path, version, {"x-amz-checksum-mode": "ENABLED"} if storage.checksums else {})

    try:
        body = storage.at_version(path, version, ask)
    except NotFound as error:
        raise storage.explain(error) from None
    except ProviderError as error:
        if whole or not error.message.startswith("the object is shorter"):
            raise
        yield ObjectReader(None, storage.head(path, version))
        return
    try:
        if not whole:
            body.check_range(offset)
        yield ObjectReader(body, entry_of(path, body.headers), whole=whole)
    finally:
        body.close()
