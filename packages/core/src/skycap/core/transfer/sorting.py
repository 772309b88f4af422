"""Sorts more entries than memory should hold: sorted runs on disk, merged as they are read back."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from operator import attrgetter
from typing import IO

from skycap.core.storage.entry import Entry

RUN = 50_000
_BLOCK = 500
_by_order = attrgetter("order")


def in_order(entries: Iterable[Entry], run: int = RUN) -> Iterator[Entry]:
    """The same entries in merging order; `run` of them are in memory at once."""
    waiting = iter(entries)
    first = sorted(islice(waiting, run), key=_by_order)
    if len(first) < run:
        yield from first
        return
    with ExitStack() as files:
        runs = [_stored(files, first, run)]
        while found := sorted(islice(waiting, run), key=_by_order):
            runs.append(_stored(files, found, run))
        del first
        yield from heapq.merge(*map(_read, runs), key=_by_order)


def _stored(files: ExitStack, entries: list[Entry], run: int) -> IO[bytes]:
    import pickle
    import tempfile

    file = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - private, and gone with the process
    for start in range(0, len(entries), min(_BLOCK, run)):
        block = [tuple(entry) for entry in entries[start : start + min(_BLOCK, run)]]
        pickle.dump(block, file, pickle.HIGHEST_PROTOCOL)
    file.seek(0)
    return file


def _read(file: IO[bytes]) -> Iterator[Entry]:
    import pickle

    while True:
        try:
            block = pickle.load(file)  # noqa: S301 - written by this process, into a file nobody else can open
        except EOFError:
            return
        for fields in block:
            yield Entry(*fields)
