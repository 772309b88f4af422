"""Removes places for `skycap remove`: all are looked at first, then each is asked about and removed."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace

from skycap.core.cli.answers import Choice
from skycap.core.cli.failures import as_record
from skycap.core.cli.session import Session
from skycap.core.cli.stopping import status_of, stopping
from skycap.core.errors import ConfirmationRequired, Error, NotFound, UsageError
from skycap.core.location import Location
from skycap.core.paths import split
from skycap.core.remotes.address import Form, parse
from skycap.core.remotes.pairing import named_file
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry
from skycap.core.transfer.plan import Action, ActionType
from skycap.core.transfer.removing import Removals
from skycap.core.transfer.walk import Selects, fits, walk
from skycap.core.units import format_count, format_size


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What `skycap remove` was told about all of its places."""

    recursive: bool
    yes: bool
    dry_run: bool
    choice: Choice | None
    """Asks for each file, where that is wanted."""
    max_delete: int | None
    select: Selects | None


@dataclass(frozen=True)
class Found:
    """One place, and what of it is to go. `is_file` is a place that is no folder."""

    place: str
    location: Location
    removals: Removals
    is_file: bool


def remove_places(run: Session, places: list[str], wishes: Wishes) -> tuple[int, int, int | None]:
    """How many were removed, how many could not be, and the exit status of the signal that stopped it.

    All places are looked at, and all that is asked of each file is asked, before one is touched.
    """
    removed = failed = 0
    came: list[int] = []
    with ExitStack() as stack:
        found = [_look(run, stack, place, wishes) for place in places]
        _check(found, wishes.max_delete)
        for one in found:
            _agree(run, one, wishes)
        for one in found:
            counts = _remove(run, one, wishes, came)
            removed += counts[0]
            failed += counts[1]
            if came:
                break
    return removed, failed, status_of(came)


def _look(run: Session, stack: ExitStack, place: str, wishes: Wishes) -> Found:
    location = _open(run, place)
    entry = named_file(location)
    removals = Removals(location, None)
    stack.callback(removals.close)
    if entry is not None:
        if _counts(location, entry, wishes.select) and _wanted(wishes, location):
            removals.add(Action(ActionType.REMOVE, "", None, entry))
        return Found(place, location, removals, is_file=True)
    _refuse_root(location)
    for below in walk(location, _stop, wishes.select):
        if not below.is_dir and not _wanted(wishes, location, below.path):
            continue
        removals.add(Action(ActionType.REMOVE, below.path, None, below))
    if removals.count and not wishes.recursive:
        raise UsageError("it is a folder with something in it", where=location.shown(), hint="-r removes it.")
    return Found(place, location, removals, is_file=False)


def _open(run: Session, place: str) -> Location:
    """The location of a place. A link is itself; with a slash at its end, the folder that it leads to."""
    address = parse(place)
    path = os.path.abspath(os.path.expanduser(address.path))
    if address.form is not Form.LOCAL or address.wants_dir or not os.path.islink(path):
        return run.open(place, for_writing=True)
    folder, name = os.path.split(path)
    return replace(run.open(folder, for_writing=True), path=name, name=place)


def _refuse_root(location: Location) -> None:
    """`UsageError` for a folder that somebody is in or at home in, and for those above it: a slip."""
    if not location.storage.can(Capability.LOCAL_PATH):
        return
    folder = os.path.realpath(location.storage.local_path(location.path))
    kept = [os.path.realpath(path) for path in (os.getcwd(), os.path.expanduser("~"))]
    if os.path.dirname(folder) == folder or any(_is_at_or_below(path, folder) for path in kept):
        raise UsageError(
            "it is the current folder, the home folder, or above one of them, and is never removed",
            where=location.shown(),
            hint="Name what is in it, as ./* does; or use another tool.",
        )


def _is_at_or_below(path: str, folder: str) -> bool:
    try:
        return os.path.commonpath([path, folder]) == folder
    except ValueError:  # on another drive
        return False


def _counts(location: Location, entry: Entry, select: Selects | None) -> bool:
    """Whether filters want a file that was named: they see it as one at the top."""
    name = split(location.path)[1] or split(location.name)[1]
    return select is None or (select.names(name, is_dir=False) and fits(entry, select))


def _check(found: list[Found], limit: int | None) -> None:
    count = sum(one.removals.count for one in found)
    if limit is not None and count > limit:
        raise ConfirmationRequired(
            f"{format_count(count, 'item')} would be removed, more than the {limit} that "
            "--max-delete allows; nothing was removed",
            where=found[0].location.shown() if len(found) == 1 else None,
            hint="Look at them with --dry-run, and raise --max-delete if they should go.",
        )


def _agree(run: Session, found: Found, wishes: Wishes) -> None:
    """Ask about a folder as a whole; `ConfirmationRequired` where they say no."""
    removals = found.removals
    if removals.count and not (found.is_file or wishes.dry_run or wishes.choice):
        size = format_size(removals.bytes)
        what = f"{format_count(removals.count, 'item')} ({size}) below {found.location.shown()}"
        run.confirm(f"Remove {what}?", yes=wishes.yes, can_dry_run=True)


def _remove(run: Session, found: Found, wishes: Wishes, came: list[int]) -> tuple[int, int]:
    location, removals = found.location, found.removals
    if wishes.dry_run:
        for path in removals.paths():
            _tell(run, location, path, None, dry_run=True)
        return removals.count, 0
    if found.is_file:
        if removals.count:
            location.storage.remove(location.path)
            _tell(run, location, "", None, dry_run=False)
        return removals.count, 0
    cancel = threading.Event()
    with stopping(cancel, run.note) as signals:
        removed, failed = _run(run, location, removals, cancel)
    came += signals
    if not failed and wishes.select is None and wishes.choice is None and not came:
        is_remote = parse(found.place).form is not Form.LOCAL
        _remove_itself(location, is_remote=is_remote)
        if not removals.count and is_remote and not location.path:
            run.note(f"{location.shown()} is empty; it stays, for remove takes no buckets nor whole remotes.")
    return removed, failed


def _run(run: Session, location: Location, removals: Removals, cancel: threading.Event) -> tuple[int, int]:
    removed = failed = 0
    for path, failure in removals.run(cancel):
        _tell(run, location, path, failure, dry_run=False)
        if failure is None:
            removed += 1
        else:
            failed += 1
    return removed, failed


def _remove_itself(location: Location, *, is_remote: bool) -> None:
    """The folder itself, where folders exist by themselves and it is not the whole of a remote."""
    if location.storage.facts.empty_dirs and (location.path or not is_remote):
        location.storage.remove(location.path)


def _stop(path: str, error: Error) -> None:
    if isinstance(error, NotFound) and path:
        return
    raise error


def _wanted(wishes: Wishes, location: Location, path: str = "") -> bool:
    return wishes.choice is None or wishes.choice.wants(f"Remove {location.shown(path)}")


def _tell(run: Session, location: Location, path: str, failure: Error | None, *, dry_run: bool) -> None:
    shown = location.shown(path)
    if failure is not None:
        if run.json:
            run.emit(as_record(failure, path=path) | {"type": "failed"})
        run.complain(failure)
    elif run.json:
        run.emit({"type": "removed", "path": path or location.path} | ({"dry_run": True} if dry_run else {}))
    elif dry_run:
        run.line(f"remove {shown}")
    elif run.verbosity > 0:
        run.note(f"removed: {shown}")
