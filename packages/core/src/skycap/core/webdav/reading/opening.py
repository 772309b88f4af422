"""Opening a file so that what is read is the version that the headers promise."""

from __future__ import annotations

import contextlib
import os
import stat as stat_module
from contextlib import ExitStack

from skycap.core.errors import Conflict, NotFound, Unsupported
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry
from skycap.core.storage.local.attributes import file_entry
from skycap.core.webdav.reading.body import FileBody, Stream
from skycap.core.webdav.reading.ranges import Range
from skycap.core.webdav.shares import Place

_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


class Changed(Exception):
    """What stands there is not what was looked at."""


def open_body(place: Place, entry: Entry, part: Range | None) -> Stream | FileBody:
    """The bytes of a range, or all. `Changed` where it is another version by now; errors of the storage."""
    if place.storage.can(Capability.LOCAL_PATH) and entry.size is not None:
        found = _open_local(place, entry, part)
        if found is not None:
            return found
    return _open_stream(place, entry, part)


def _open_local(place: Place, entry: Entry, part: Range | None) -> FileBody | None:
    """None where the storage has to be asked after all: it knows what is wrong."""
    try:
        local = place.storage.local_path(place.path)
        descriptor = os.open(local, _READ)
    except (OSError, Unsupported, NotFound):
        return None
    try:
        info = os.fstat(descriptor)
        if not stat_module.S_ISREG(info.st_mode):
            os.close(descriptor)
            return None
        if file_entry(place.path, info).version != entry.version and not _is_still(place, entry, local, info):
            raise Changed
    except BaseException:
        with contextlib.suppress(OSError):
            os.close(descriptor)
        raise
    whole = part or Range(0, info.st_size)
    return FileBody(descriptor, info, whole.start, whole.length, place.path)


def _is_still(place: Place, entry: Entry, local: str, info: os.stat_result) -> bool:
    """For storages that count versions in another way: whether they still say what they said."""
    try:
        same_file = os.path.samestat(os.stat(local), info)
    except OSError:
        return False
    return same_file and info.st_size == entry.size and _version(place) == entry.version is not None


def _version(place: Place) -> str | None:
    try:
        return place.storage.stat(place.path).version
    except NotFound:
        return None


def _open_stream(place: Place, entry: Entry, part: Range | None) -> Stream:
    pinned = entry.version if place.storage.can(Capability.READ_VERSION) else None
    count = entry.size if part is None else part.length
    with ExitStack() as stack:
        try:
            reader = stack.enter_context(
                place.storage.read(
                    place.path,
                    offset=0 if part is None else part.start,
                    length=None if part is None else part.length,
                    version=pinned,
                )
            )
            _check(place, entry, getattr(reader, "entry", None), pinned)
            body = Stream(reader, count, place.path)
        except (NotFound, Conflict) as error:
            if pinned is not None:
                raise Changed from error
            raise
        body.stack = stack.pop_all()
        return body


def _check(place: Place, entry: Entry, told: Entry | None, pinned: str | None) -> None:
    """`Changed` unless what was opened is what was looked at, as far as anybody can tell."""
    version = pinned if told is None else told.version
    if told is None and pinned is None:
        version = _version(place)
    if entry.version is not None and version is not None and version != entry.version:
        raise Changed
    if told is not None and told.size is not None and told.size != entry.size:
        raise Changed
