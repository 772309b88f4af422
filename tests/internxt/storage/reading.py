"""All bytes of a file, read in pieces."""

from __future__ import annotations

import random
from collections.abc import Iterator

from skycap.core.storage import Entry, Storage
from skycap.core.units import MiB


def content_of(storage: Storage, path: str, *, version: str | None = None) -> bytes:
    with storage.read(path, version=version) as reader:
        return b"".join(iter(lambda: reader.read(MiB), b""))


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that do not repeat, the same ones every time."""
    return random.Random(f"{size}/{seed}").randbytes(size)


def walked(storage: Storage, path: str = "") -> Iterator[Entry]:
    """All that is below a path, folder by folder."""
    for entry in storage.scan(path):
        yield entry
        if entry.is_dir:
            yield from walked(storage, entry.path)
