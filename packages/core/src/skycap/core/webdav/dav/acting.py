"""What DELETE, MKCOL, COPY and MOVE do, and what becomes of locks and books with it."""

from __future__ import annotations

from skycap.core.errors import NotFound
from skycap.core.storage.entry import Entry, directory
from skycap.core.webdav import times
from skycap.core.webdav.dav.work import Work
from skycap.core.webdav.shares import Place
from skycap.core.webdav.trees import Failures
from skycap.core.webdav.trees.copying import Copier
from skycap.core.webdav.trees.removing import Remover

ACCEPTED = ("X-OC-Mtime", "accepted")


def remove(work: Work) -> Failures:
    """Remove what the request is about; what others hold a lock on below it stays."""
    place, entry = work.place, work.lookup.needed(work.request, work.place)
    work.locking.check(place, work.tokens, work.request.user)
    store = work.locking.store
    kept = {
        lock.resource
        for lock in store.at_or_below(place.key)
        if not (lock.token in work.tokens and lock.principal == work.request.user)
    }
    failures = Remover(work.books, kept).remove(place, entry)
    side = work.lookup.shares.side(place)
    if not failures and entry.is_dir and side is not None:
        failures = Remover(work.books).remove(side, directory(side.path))
    work.lookup.forget(work.request)
    _keep_parent(work)
    if not failures:
        store.drop_below(place.key)
    else:
        _drop_lost(work, place)
    return failures


def make_collection(work: Work) -> None:
    """Make the collection that the request is about."""
    place = work.place
    place.storage.make_dir(place.path)
    if not place.facts.empty_dirs:
        work.books.add_folder(place.key)
    work.lookup.forget(work.request)
    _set_time(work, place)


def transfer(work: Work, *, move: bool, deep: bool) -> Failures:
    """Copy or move what the request is about to its target."""
    source, target = work.place, work.target
    if target is None:
        raise AssertionError("a request to copy or move has a target")
    entry = work.lookup.needed(work.request, source)
    failures = Copier(work.books, move=move).copy(source, entry, target, work.there, deep=deep)
    if not failures:
        failures = _take_junk_along(work, source, entry, target, move=move, deep=deep)
    work.lookup.forget(work.request)
    store = work.locking.store
    if move:
        _keep_parent(work)
        if not failures:
            store.drop_below(source.key)
    if work.there is not None and not failures:
        _drop_lost(work, target)
    if not failures:
        _set_time(work, target)
    return failures


def _take_junk_along(
    work: Work, source: Place, entry: Entry, target: Place, *, move: bool, deep: bool
) -> Failures:
    """What desktops left in a folder goes where the folder goes. Of a file they take care themselves."""
    ours, theirs = work.lookup.shares.side(source), work.lookup.shares.side(target)
    there = None if theirs is None else _look(theirs)
    failures: Failures = []
    if theirs is not None and there is not None and work.there is not None and work.there.is_dir:
        failures = Remover(work.books).remove(theirs, there)
    if ours is None or theirs is None or not entry.is_dir or not deep or (found := _look(ours)) is None:
        return failures
    return failures or Copier(work.books, move=move).copy(ours, found, theirs, _look(theirs))


def _look(place: Place) -> Entry | None:
    try:
        return place.storage.stat(place.path)
    except NotFound:
        return None


def _set_time(work: Work, place: Place) -> None:
    if work.mtime_ns is not None and (entry := work.lookup.entry(work.request, place)) is not None:
        times.set_time(place, entry, work.mtime_ns, work.books)
        work.headers.append(ACCEPTED)


def _keep_parent(work: Work) -> None:
    """A store in which directories are prefixes forgets one with its last file; nobody asked for that."""
    place = work.place
    if not place.facts.empty_dirs and not place.is_top:
        parent = work.lookup.shares.place(place.url.rpartition("/")[0])
        if parent is not None and not parent.is_top:
            work.books.add_folder(parent.key)


def _drop_lost(work: Work, top: Place) -> None:
    """Forget the locks below a place on what is not there any more; the one on itself stays as it is."""
    for lock in work.locking.store.at_or_below(top.key):
        if lock.resource == top.key:
            continue
        lost = top
        for name in lock.resource.removeprefix(f"{top.key}/").split("/"):
            lost = lost.child(name)
        if work.lookup.entry(work.request, lost) is None:
            work.locking.store.drop_below(lock.resource)
