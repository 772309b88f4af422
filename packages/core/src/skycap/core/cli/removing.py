"""Removes one place for `skycap remove`: looked at first, shown, asked about, then done."""

from __future__ import annotations

import sys
import threading

from skycap.core.cli.failures import as_record
from skycap.core.cli.session import Session
from skycap.core.errors import Error, NotFound, UsageError
from skycap.core.location import Location
from skycap.core.paths import printable
from skycap.core.remotes.address import Form, parse
from skycap.core.remotes.pairing import named_file
from skycap.core.transfer.plan import Action, ActionType
from skycap.core.transfer.removing import Removals
from skycap.core.transfer.walk import Selects, walk
from skycap.core.units import format_size


def remove_place(
    run: Session,
    place: str,
    *,
    recursive: bool,
    yes: bool,
    dry_run: bool,
    interactive: bool,
    max_delete: int | None,
    select: Selects | None,
    cancel: threading.Event,
) -> tuple[int, int]:
    """How many were removed, and how many could not be."""
    location = run.open(place, for_writing=True)
    if named_file(location) is not None:
        return _remove_file(run, location, dry_run=dry_run, interactive=interactive)
    removals = Removals(location, max_delete)
    try:
        for entry in walk(location, _stop, select):
            if interactive and not entry.is_dir and not _asked(location.shown(entry.path)):
                continue
            removals.add(Action(ActionType.REMOVE, entry.path, None, entry))
        if removals.count and not recursive:
            raise UsageError(
                "it is a folder with something in it", where=location.shown(), hint="-r removes it."
            )
        removals.check()
        if dry_run:
            for path in removals.paths():
                _tell(run, location, path, None, dry_run=True)
            return removals.count, 0
        if removals.count and not interactive:
            what = f"{removals.count} items ({format_size(removals.bytes)}) below {location.shown()}"
            run.confirm(f"Remove {what}?", yes=yes)
        removed, failed = _run(run, location, removals, cancel)
    finally:
        removals.close()
    if not failed and select is None and not interactive and not cancel.is_set():
        _remove_itself(location, is_remote=parse(place).form is not Form.LOCAL)
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


def _remove_file(run: Session, location: Location, *, dry_run: bool, interactive: bool) -> tuple[int, int]:
    if interactive and not _asked(location.shown()):
        return 0, 0
    if not dry_run:
        location.storage.remove(location.path)
    _tell(run, location, "", None, dry_run=dry_run)
    return 1, 0


def _remove_itself(location: Location, *, is_remote: bool) -> None:
    """The folder itself, where folders exist by themselves and it is not the whole of a remote."""
    if location.storage.facts.empty_dirs and (location.path or not is_remote):
        location.storage.remove(location.path)


def _stop(path: str, error: Error) -> None:
    if isinstance(error, NotFound) and path:
        return
    raise error


def _asked(shown: str) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("--interactive needs a terminal", hint="Look first with --dry-run.")
    print(f"Remove {printable(shown)}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


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
