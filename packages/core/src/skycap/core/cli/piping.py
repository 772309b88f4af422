"""`copy` from standard input and to standard output."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skycap.core.cli.session import Session
from skycap.core.cli.transfer_flags import TransferFlags
from skycap.core.errors import UsageError
from skycap.core.paths import join
from skycap.core.remotes.pairing import is_folder, reading
from skycap.core.storage.source import COPY_BUFFER, LocalFile
from skycap.core.units import format_size

_UNKNOWN = ("verify", "interactive")


def copy_piped(run: Session, source: str, target: str, flags: TransferFlags) -> int:
    """Copy between a pipe and a file."""
    if source == target:
        raise UsageError("a pipe cannot be copied to a pipe", hint='"cat" does that.')
    for name in _UNKNOWN:
        if getattr(flags, name):
            raise UsageError(f"--{name.replace('_', '-')} makes no sense with a pipe")
    return _to_pipe(run, source, flags) if target == "-" else _from_pipe(run, target, flags)


def _to_pipe(run: Session, place: str, flags: TransferFlags) -> int:
    location = run.open(place, overrides=flags.overrides(reading=True))
    with reading(location), location.storage.read(location.path) as reader:
        while data := reader.read(COPY_BUFFER):
            run.write(data)
    return 0


def _from_pipe(run: Session, place: str, flags: TransferFlags) -> int:
    target = run.open(place, for_writing=True, as_file=True, overrides=flags.overrides(reading=False))
    if is_folder(target):
        raise UsageError(
            "this is a folder, and what comes through a pipe has no name",
            where=target.shown(),
            hint=f"Name a file: {join(place.rstrip('/'), 'NAME')}",
        )
    if flags.dry_run:
        run.line(f"copy {target.shown()}")
        return 0
    with _source(needs_size=target.storage.facts.needs_size) as (source, size):
        entry = target.storage.write(target.path, source, size=size)
    if run.json:
        run.emit({"type": "copied", "path": entry.path, "size": entry.size})
    run.note(f"Copied {format_size(entry.size or 0)} to {target.shown()}.")
    return 0


@contextmanager
def _source(*, needs_size: bool) -> Iterator[tuple[Any, int | None]]:
    """Standard input; by way of a file where the store must know the size before the first byte."""
    if not needs_size:
        yield sys.stdin.buffer, None
        return
    with tempfile.NamedTemporaryFile(prefix="skycap-") as file:
        size = 0
        while data := sys.stdin.buffer.read(COPY_BUFFER):
            file.write(data)
            size += len(data)
        file.flush()
        yield LocalFile(file.name), size
