"""Moves, copies, removals and times: what changes a store without bytes travelling."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from skycap.cloudproviders.webdav.dates import SECOND_NS, to_http
from skycap.cloudproviders.webdav.errors import error_of, raise_first
from skycap.cloudproviders.webdav.folders import kind_of
from skycap.cloudproviders.webdav.listing import is_empty, scan
from skycap.cloudproviders.webdav.multistatus import DAV, parsed
from skycap.cloudproviders.webdav.properties import MODIFIED, WIN32_MODIFIED, proppatch
from skycap.cloudproviders.webdav.vendors import ODD
from skycap.core import paths
from skycap.core.errors import Conflict, Locked, NotFound, RateLimited, TransferFailed, Unsupported
from skycap.core.http import Response
from skycap.core.retry import Operation
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Kind

if TYPE_CHECKING:
    from skycap.cloudproviders.webdav.storage import WebDav

_log = logging.getLogger(__name__)
_MISSING = frozenset({404, 409})
_RACES = 8
_MOMENTS_S = (0.02, 0.05, 0.1, 0.2)


def remove(storage: WebDav, path: str, condition: Condition | None) -> None:
    """A look, since DELETE takes all that is in a folder; then one DELETE."""
    headers = storage.condition_headers(condition, path)
    try:
        entry, empty = is_empty(storage, path)
    except NotFound:
        if condition is None:
            return
        raise Conflict("it is not there any more", where=storage.where(path)) from None
    if entry.is_dir and not empty:
        raise Conflict("the directory is not empty", where=storage.where(path))
    delete(storage, path, folder=entry.is_dir, headers=headers)


def remove_tree(storage: WebDav, path: str) -> None:
    """One DELETE; of the root one for each thing in it, since it is not ours to remove."""
    if path:
        delete(storage, path, folder=True)
        return
    try:
        entries = list(scan(storage, "", temporary=True))
    except NotFound:
        return
    for entry in entries:
        delete(storage, entry.path, folder=entry.is_dir)


def delete(
    storage: WebDav, path: str, *, folder: bool = False, headers: dict[str, str] | None = None
) -> None:
    """One DELETE; what is absent is success."""
    where = storage.where(path)

    def send() -> Response:
        return storage.dav.request(
            "DELETE",
            storage.dav.place.url(path, folder=folder),
            operation=Operation.DELETE,
            where=where,
            ok=(404, 410, 423),
            headers=headers,
        )

    answer = _patiently(storage, path, send)
    storage.folders.forget(path)
    if answer.status == 423:
        raise locked(storage, path, answer)
    if answer.status == 207:
        raise_first(parsed(answer.body, where), where, Operation.DELETE)


def locked(storage: WebDav, path: str, answer: Response) -> Locked:
    """The error for a lock, with its owner where the server tells; if there is none, it passes by itself."""
    where = storage.where(path)
    error = error_of(423, answer.headers, answer.body, where=where, operation=Operation.UPLOAD)
    assert isinstance(error, Locked)  # noqa: S101 - so it stands in the table
    owner = _lock_owner(storage, path)
    if owner is None:
        error.retryable = True
        error.hint = "The server was busy with it. Try again."
    elif owner:
        error.message = f"it is locked by {paths.printable(owner)[:100]}"
    return error


def _lock_owner(storage: WebDav, path: str) -> str | None:
    """Who holds a lock, "" where that is not told; None where there is no lock to be seen."""
    name = f"{DAV}lockdiscovery"
    try:
        url, where = storage.dav.place.url(path), storage.where(path)
        for item in list(storage.dav.propfind(url, "0", (name,), where=where)):
            if inner := item.below.get(name):
                return inner.get(f"{DAV}owner") or ""
    except NotFound:
        pass
    return None


def _patiently(storage: WebDav, path: str, send: Callable[[], Response]) -> Response:
    """An answer that is no 423 which passes by itself: some servers lock a file while they work on it."""
    for wait_s in _MOMENTS_S:
        answer = send()
        if answer.status != 423 or _lock_owner(storage, path) is not None:
            return answer
        time.sleep(wait_s)
    return send()


def can_target(storage: WebDav, path: str) -> bool:
    """Whether a move or copy goes to just this name."""
    traits = storage.traits
    return traits.move and (traits.odd_targets or ODD.isdisjoint(path))


def move_over(storage: WebDav, source: str, target: str, there: Kind | None) -> None:
    """One MOVE onto a file, or onto nothing, as was seen before; more where others write there as well.

    A server that replaces in two steps answers two who do it at once with errors of all kinds. As long as the
    source is there, nothing has happened yet.
    """
    for left in reversed(range(_RACES)):
        try:
            _transfer(storage, "MOVE", source, target, overwrite=there is not None)
            return
        except (Conflict, NotFound, TransferFailed) as error:
            if not left or isinstance(error, RateLimited) or kind_of(storage, source) is None:
                raise
            there = kind_of(storage, target)
            if there is Kind.DIRECTORY:
                raise Conflict("a directory stands there", where=storage.where(target)) from None
            time.sleep(random.uniform(0.0, _MOMENTS_S[1]))  # noqa: S311 - so that two do not meet again


def _transfer(
    storage: WebDav, method: str, source: str, target: str, *, overwrite: bool, folder: bool = False
) -> None:
    where = storage.where(target)

    def send() -> Response:
        headers = {
            "destination": storage.dav.place.url(target, folder=folder),
            "overwrite": "T" if overwrite else "F",
        }
        if method == "COPY":
            headers["depth"] = "infinity" if folder else "0"
        return storage.dav.request(
            method,
            storage.dav.place.url(source, folder=folder),
            operation=Operation.UPLOAD,
            where=where,
            ok=(403, 404, 409, 423),
            headers=headers,
        )

    answer = _patiently(storage, target, send)
    if answer.status in {403, *_MISSING}:  # 403 is what rclone says of a folder that is not there
        parent = paths.split(target)[0]
        storage.folders.forget(parent)
        storage.folders.make(parent)
        answer = send()
    if method == "MOVE":
        storage.folders.forget(source)
    if answer.status == 423:
        raise locked(storage, target, answer)
    if answer.status >= 400:
        raise error_of(answer.status, answer.headers, answer.body, where=where, operation=Operation.UPLOAD)
    if answer.status == 207:
        raise_first(parsed(answer.body, where), where, Operation.UPLOAD)


def copy(storage: WebDav, source: str, target: str, condition: Condition | None) -> Entry:
    """A look at both, one COPY, and a look at what came of it."""
    entry = storage.stat(source)
    if entry.is_dir:
        raise Unsupported("only files are copied", where=storage.where(source))
    if source == target:
        return _onto_itself(storage, entry, condition)
    overwrite = _may_replace(storage, entry, target, condition)
    _transfer(storage, "COPY", source, target, overwrite=overwrite)
    return _with_time_of(storage, entry, target)


def rename(storage: WebDav, source: str, target: str, condition: Condition | None) -> Entry:
    """A look at both, one MOVE, and a look at what came of it."""
    entry = storage.stat(source)
    if source == target:
        return _onto_itself(storage, entry, condition)
    if entry.is_dir and target.startswith(f"{source}/"):
        raise Conflict("a directory does not go below itself", where=storage.where(target))
    overwrite = _may_replace(storage, entry, target, condition)
    _transfer(storage, "MOVE", source, target, overwrite=overwrite, folder=entry.is_dir)
    return storage.stat(target) if entry.is_dir else _with_time_of(storage, entry, target)


def _onto_itself(storage: WebDav, entry: Entry, condition: Condition | None) -> Entry:
    if condition is not None:
        raise Conflict("it exists already", where=storage.where(entry.path))
    return entry


def _may_replace(storage: WebDav, entry: Entry, target: str, condition: Condition | None) -> bool:
    """Whether there is a file that is to be replaced. Never a folder: it would go with all that is in it."""
    if not (storage.traits.odd_targets or ODD.isdisjoint(target)):
        raise Unsupported("not every server moves or copies to such a name", where=storage.where(target))
    if condition is not None:
        if condition.version is not None:
            raise Unsupported(
                "a move or copy here knows no condition on a version", where=storage.where(target)
            )
        return False
    there = kind_of(storage, target)
    if there is None:
        return False
    if there is Kind.DIRECTORY or entry.is_dir:
        raise Conflict(f"{there.noun} stands there", where=storage.where(target))
    return True


def _with_time_of(storage: WebDav, entry: Entry, target: str) -> Entry:
    """What is at the target now, with the time of what it was made from where the server keeps times."""
    now = storage.stat(target)
    lost = entry.mtime_ns is not None and now.mtime_ns != entry.mtime_ns
    if lost and storage.traits.patch != "none" and entry.mtime_ns is not None:
        return try_mtime(storage, now, entry.mtime_ns)
    return now


_WAYS: dict[str, tuple[str, Callable[[int], str]]] = {
    "lastmodified": (f"{DAV}lastmodified", lambda ns: str(ns // SECOND_NS)),
    "getlastmodified": (MODIFIED, to_http),
    "win32": (WIN32_MODIFIED, to_http),
}


def try_mtime(storage: WebDav, entry: Entry, mtime_ns: int) -> Entry:
    """Set the time of what was just stored; where the server does not, it is stored all the same."""
    try:
        return set_mtime(storage, entry.path, mtime_ns)
    except Unsupported as error:
        _log.warning("%s", error)
        return entry


def set_mtime(storage: WebDav, path: str, mtime_ns: int) -> Entry:
    """One PROPPATCH, and a look whether it was done."""
    where = storage.where(path)
    name, text = _WAYS[storage.traits.patch]
    answer = storage.dav.request(
        "PROPPATCH",
        storage.dav.place.url(path),
        operation=Operation.UPLOAD,
        where=where,
        headers={"content-type": "application/xml; charset=utf-8"},
        content=proppatch({name: text(mtime_ns)}),
        ok=(403, 405, 423, 500, 501),
    )
    if answer.status == 423:
        raise locked(storage, path, answer)
    refused = answer.status >= 400 or (
        answer.status == 207 and any(item.refused for item in parsed(answer.body, where))
    )
    entry = storage.stat(path)
    if refused or entry.mtime_ns is None or abs(entry.mtime_ns - mtime_ns) >= SECOND_NS:
        raise Unsupported(f"the server does not set the time of {entry.kind.noun}", where=where)
    return entry
