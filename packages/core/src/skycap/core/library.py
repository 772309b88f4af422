"""Copy, sync, move and check from a script: what the commands of these names do, in one call each.

A place is a `Location`, or text as on the command line: `photos:2024`, `s3://bucket/key`, a local path. What
is opened here is closed here. A file is taken for a file and a folder for a folder, as on the command line.

What ends the whole run is raised; what fails for single files is in the result, with its `exit_status`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from skycap.core import plugins
from skycap.core.errors import UsageError
from skycap.core.location import Location
from skycap.core.remotes.opening import Opener
from skycap.core.remotes.pairing import name_of, named_file, target_of_file, target_of_folder
from skycap.core.transfer.check import Checked, CheckResult
from skycap.core.transfer.check import check as compare
from skycap.core.transfer.engine import Confirm, Transfer
from skycap.core.transfer.events import Listener, ignore
from skycap.core.transfer.options import TransferOptions
from skycap.core.transfer.result import Result

__all__ = ["Place", "check", "copy", "move", "sync"]

Place = str | Location


def copy(
    source: Place,
    target: Place,
    options: TransferOptions | None = None,
    *,
    listener: Listener = ignore,
    opener: Opener | None = None,
    cancel: threading.Event | None = None,
) -> Result:
    """Copy what is missing or different. `listener` hears what happens, from the threads it happens in."""
    with _transfer(source, target, options, listener, opener, cancel) as transfer:
        return transfer.copy()


def sync(
    source: Place,
    target: Place,
    options: TransferOptions | None = None,
    *,
    confirm: Confirm | None = None,
    listener: Listener = ignore,
    opener: Opener | None = None,
    cancel: threading.Event | None = None,
) -> Result:
    """Copy, then remove what only the target has. `confirm` is shown it first; without, nobody is asked.

    `TransferOptions(max_delete=…)` is the limit then, and a source without any file is an error.
    """
    with _transfer(source, target, options, listener, opener, cancel, folders=True) as transfer:
        return transfer.sync(confirm)


def move(
    source: Place,
    target: Place,
    options: TransferOptions | None = None,
    *,
    listener: Listener = ignore,
    opener: Opener | None = None,
    cancel: threading.Event | None = None,
) -> Result:
    """Copy, and remove each file at the source once it is safe at the target."""
    with _transfer(source, target, options, listener, opener, cancel) as transfer:
        return transfer.move()


def check(
    first: Place,
    second: Place,
    options: TransferOptions | None = None,
    *,
    on_checked: Callable[[Checked], None] = lambda _: None,
    content: bool = True,
    extra: bool = True,
    opener: Opener | None = None,
    cancel: threading.Event | None = None,
) -> CheckResult:
    """Compare two places, by content or, without `content`, by size and time. Nothing is changed.

    `on_checked` hears of every path. Without `extra`, what only the second place has is no difference.
    """
    with _opened(opener) as opening:
        ours = _location(opening, first)
        theirs = _location(opening, second)
        single = named_file(ours) is not None
        if single:
            theirs = target_of_file(theirs, name_of(ours))
        return compare(
            ours,
            theirs,
            options,
            on_checked=on_checked,
            content=content,
            extra=extra,
            single=single,
            cancel=cancel,
        )


@contextmanager
def _transfer(
    source: Place,
    target: Place,
    options: TransferOptions | None,
    listener: Listener,
    opener: Opener | None,
    cancel: threading.Event | None,
    *,
    folders: bool = False,
) -> Iterator[Transfer]:
    with _opened(opener) as opening:
        ours = _location(opening, source)
        single = named_file(ours) is not None
        if single and folders:
            raise UsageError("sync makes folders the same, and this is a file", where=ours.shown())
        theirs = _location(opening, target, for_writing=True, as_file=single)
        theirs = target_of_file(theirs, name_of(ours)) if single else target_of_folder(theirs)
        hook = plugins.plugins().transfer_strategy()
        yield Transfer(ours, theirs, options, single=single, listener=listener, hook=hook, cancel=cancel)


@contextmanager
def _opened(opener: Opener | None) -> Iterator[Opener]:
    if opener is not None:
        yield opener
        return
    with Opener() as found:
        yield found


def _location(opener: Opener, place: Place, *, for_writing: bool = False, as_file: bool = False) -> Location:
    if isinstance(place, Location):
        return place
    return opener.resolve(place, for_writing=for_writing, as_file=as_file)
