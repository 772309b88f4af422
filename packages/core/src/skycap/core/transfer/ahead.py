"""A listing read ahead by a child process, so that both sides of a plan are listed at the same time.

Nothing is read ahead of a short listing. When one turns out to be long, the process forks, and the child goes
on with the very iterator that the parent has come to stop with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from skycap.core import forking
from skycap.core.errors import Error
from skycap.core.storage.entry import Entry

OnError = Callable[[str, Error], None]
_LONG = 500
_BLOCK = 256
_entry = partial(tuple.__new__, Entry)  # from a row, without a call of Python's for each


class Relay:
    """An `on_error` that tells whoever it is to tell now."""

    def __init__(self, tell: OnError) -> None:
        self.tell = tell

    def __call__(self, path: str, error: Error) -> None:
        """Pass it on."""
        self.tell(path, error)


def read_ahead(entries: Iterator[Entry], relay: Relay) -> Iterator[Entry]:
    """The same entries; `relay` must be what `entries` tells its errors to.

    Only for a storage that makes system calls and nothing else: no connection and no thread survives a fork.
    """
    yield from islice(entries, _LONG)
    first = next(entries, None)
    if first is None:
        return
    yield first
    if not forking.supported():
        yield from entries
        return
    child = forking.Child(lambda _, reply: _list(entries, relay, reply))
    come = 0
    try:
        while True:
            try:
                rows, errors = forking.receive(child.reply)
            except (EOFError, OSError):  # it died; what it would have listed is still to be had here
                yield from islice(entries, come, None)
                return
            come += len(rows)
            yield from map(_entry, rows)
            for path, error in errors:
                relay(path, error)
            if not rows:
                return
    finally:
        child.hang_up()
        child.wait()


def _list(entries: Iterator[Entry], relay: Relay, reply: int) -> None:  # pragma: no cover - another process
    errors: list[tuple[str, Error]] = []
    relay.tell = lambda path, error: errors.append((path, error))
    while True:
        rows = list(map(tuple, islice(entries, _BLOCK)))
        forking.send(reply, (rows, errors))
        errors.clear()
        if not rows:
            return
