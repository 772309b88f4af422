"""The names in a directory, sorted, in bounded memory however many there are.

Up to `RUN` names are sorted in memory. More are written as sorted runs to a file without a name, and merged
as they are read back: a block of each run is in memory then, so a million names take less than a MiB.
"""

from __future__ import annotations

import heapq
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, Any

RUN = 50_000
_SMALL = 1_000
_BLOCK = 500
_LISTED_AT_ONCE = 1 << 20
_ENCODING = sys.getfilesystemencoding()
_ERRORS = sys.getfilesystemencodeerrors()


def sorted_names(place: bytes | int, size: int) -> Iterator[bytes]:
    """The names in the directory `place`, a path or a descriptor; raises OSError before the first.

    `size` is what the system calls the size of the directory: a large one is not listed at once.
    """
    if size <= _LISTED_AT_ONCE:
        return _held(sorted(set(_encoded(os.listdir(place)))))
    return in_order(_listed(place))


def _encoded(names: Iterable[bytes | str]) -> Iterable[bytes]:
    return [name if isinstance(name, bytes) else name.encode(_ENCODING, _ERRORS) for name in names]


def _listed(place: bytes | int) -> Iterator[bytes]:
    entries: Any
    with os.scandir(place) as entries:  # of text for a handle, of bytes for a path
        while some := [entry.name for entry in islice(entries, _SMALL)]:
            yield from _encoded(some)


def in_order(names: Iterable[bytes], run: int = RUN) -> Iterator[bytes]:
    """The same names, sorted; `run` of them are in memory at once. They hold no NUL."""
    waiting = iter(names)
    first = sorted(islice(waiting, run))
    if len(first) < run:
        return _held(sorted(set(first)))
    return _merged(first, waiting, run)


def _held(names: list[bytes]) -> Iterator[bytes]:
    # A directory waits for all those below it: what waits is one piece of memory, and not one a name.
    return iter(names) if len(names) <= _SMALL else _pieces(b"\0".join(names))


def _pieces(joined: bytes) -> Iterator[bytes]:
    start = 0
    while (cut := joined.find(b"\0", start + 8192)) >= 0:
        yield from joined[start:cut].split(b"\0")
        start = cut + 1
    yield from joined[start:].split(b"\0")


def _merged(first: list[bytes], waiting: Iterator[bytes], run: int) -> Iterator[bytes]:
    import tempfile

    with tempfile.TemporaryFile(buffering=0) as file:  # private, and gone with the process
        runs = [_stored(file, first)]
        del first
        while found := sorted(islice(waiting, run)):
            runs.append(_stored(file, found))
            del found
        last = None
        for name in heapq.merge(*[_read(file, start, end) for start, end in runs]):
            if name != last:  # a changing directory may tell of a name twice
                yield name
            last = name


def _stored(file: IO[bytes], names: list[bytes]) -> tuple[int, int]:
    start = file.tell()
    for at in range(0, len(names), _BLOCK):
        block = b"\0".join(names[at : at + _BLOCK])
        file.write(len(block).to_bytes(4, "little") + block)
    return start, file.tell()


def _read(file: IO[bytes], at: int, end: int) -> Iterator[bytes]:
    while at < end:
        file.seek(at)
        length = int.from_bytes(file.read(4), "little")
        yield from file.read(length).split(b"\0")
        at += 4 + length
