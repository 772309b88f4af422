"""What `copy SRC DST` means: whether one file moves or what is below a folder, and where to exactly.

The contents of a folder go into the target. A file goes into a target that is a folder or is written with a
slash at its end, else it gets the name that the target has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from skycap.core.errors import AccessDenied, Conflict, Error, NotFound, Unsupported, UsageError
from skycap.core.location import Location
from skycap.core.paths import join, normalise, split
from skycap.core.remotes.address import Form, parse
from skycap.core.remotes.opening import Opener
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry


def named_file(location: Location) -> Entry | None:
    """The entry of the file or link that a location names; None if it is a folder.

    `NotFound` where nothing is. Costs a look, and a listing's first page where folders are only prefixes.
    """
    storage = location.storage
    if not location.path and not storage.can(Capability.LOCAL_PATH):
        return None
    try:
        entry = storage.stat(location.path)
    except NotFound as error:
        if _has_something_below(location):
            return None
        raise NotFound(error.message, where=location.shown(), hint=error.hint) from error
    if entry.is_dir:
        return None
    if location.wants_dir:
        raise NotFound(f"it is {entry.kind.noun}, not a folder", where=location.shown())
    return entry


def is_folder(location: Location) -> bool:
    """Whether a location is a folder that is there already, or one by the way it is written."""
    if not location.path or location.wants_dir:
        return True
    try:
        return location.storage.stat(location.path).is_dir
    except NotFound:
        return _has_something_below(location)
    except AccessDenied:
        return False  # keys that may only write: what happens next says whether they may


def _has_something_below(location: Location) -> bool:
    storage = location.storage
    if storage.facts.empty_dirs or not storage.can(Capability.LIST):
        return False
    try:
        return next(storage.scan(location.path), None) is not None
    except NotFound:
        return False


@contextmanager
def reading(location: Location) -> Iterator[None]:
    """While a location is read as a file: `Unsupported` where it is a folder, be it only a prefix."""
    if not location.path and not location.storage.facts.empty_dirs:
        raise _is_a_folder(location)
    try:
        yield
    except NotFound:
        below = False
        with suppress(Error):  # who may read need not be allowed to list
            below = _has_something_below(location)
        if below:
            raise _is_a_folder(location) from None
        raise


def _is_a_folder(location: Location) -> Unsupported:
    return Unsupported("it is a folder, and a file is wanted", where=location.shown())


def target_of_file(target: Location, name: str) -> Location:
    """Where a file of this name goes."""
    _refuse_top(target)
    if not is_folder(target):
        return target
    shown = target.name if target.name.endswith(("/", ":")) or not target.name else f"{target.name}/"
    return replace(target, path=join(target.path, name), name=f"{shown}{name}", wants_dir=False)


def target_of_folder(target: Location) -> Location:
    """Where the contents of a folder go; `Conflict` if a file is there."""
    _refuse_top(target)
    if target.path and target.storage.can(Capability.LOCAL_PATH):
        try:
            entry = target.storage.stat(target.path)
        except NotFound:
            return target
        if not entry.is_dir:
            raise Conflict(
                f"it is {entry.kind.noun}, and a folder cannot be copied onto it",
                where=target.shown(),
                hint="Name a folder, or remove what is there.",
            )
    return target


def _refuse_top(target: Location) -> None:
    """`UsageError` where each folder would become a bucket: nobody means that who copies a tree."""
    if not target.path and not target.storage.facts.files_at_top:
        where = target.shown()
        raise UsageError(
            "no bucket is named, and files go into one",
            where=where,
            hint=f'Write {where}BUCKET; "skycap mkdir {where}BUCKET" makes one.',
        )


def make_folder(opener: Opener, text: str, location: Location) -> None:
    """Make the folder that `text` names and `location` is.

    Where the first part of a path is a storage by itself, such as a bucket, it is made by what holds it.
    """
    address = parse(text)
    whole = "" if address.form is Form.LOCAL else normalise(address.path)
    if whole and not location.path:
        holder, inside = opener.open(opener.remote_of(address), "", where=address.shown)
        holder.make_dir(join(inside, whole))
    else:
        location.storage.make_dir(location.path)


def name_of(location: Location) -> str:
    """The last part of a location's path."""
    return split(location.path)[1]
