"""COPY and MOVE: a file, or a collection and all below it.

What stood at the target is replaced wholly, and only when what takes its place is there. In a store that
renames collections the new tree is built under a name beside, and the two are swapped. Elsewhere each file is
written over the one that was there, and what the source has not is removed at the end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from skycap.core.errors import Error
from skycap.core.paths import join, relative_to
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry
from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.books import Books
from skycap.core.webdav.shares import Place
from skycap.core.webdav.trees import Failures, failed, sibling
from skycap.core.webdav.trees.files import copy_file, is_same_file, move_file, same_store
from skycap.core.webdav.trees.removing import Remover, remove_one
from skycap.core.webdav.trees.swaps import building
from skycap.core.webdav.trees.walking import Step, Walk, members


class Copier:
    """Copies, or moves. Failures name places of the source; one at the target is about all of it."""

    def __init__(self, books: Books, *, move: bool) -> None:
        self._books = books
        self._move = move

    def copy(
        self, source: Place, entry: Entry, target: Place, there: Entry | None, *, deep: bool = True
    ) -> Failures:
        """Copy or move to a target where `there` stands; with `deep` what is below a collection too."""
        if there is not None and is_same_file(source, target):
            there = None  # another spelling of itself
        if entry.is_dir and self._move and same_store(source, target) and _renames_trees(source):
            return self._rename(source, target, there)
        if there is None:
            if self._move and entry.is_dir:
                return self._whole(source, entry, target)
            return self._build(source, entry, target, deep=deep)
        if not entry.is_dir and not there.is_dir:
            return self._file(source, entry, target)
        if _renames_trees(target):
            return self._beside(source, entry, target, there, deep=deep)
        if not entry.is_dir:
            return self._file_for_tree(source, entry, target, there)
        if not there.is_dir:
            return self._tree_for_file(source, entry, target, there, deep=deep)
        return self._over(source, entry, target, deep=deep)

    # Ways to do it

    def _rename(self, source: Place, target: Place, there: Entry | None) -> Failures:
        try:
            with _aside(target, there, source, self._books):
                source.storage.rename(source.path, target.path)
        except Error as error:
            return [failed(source, error)]
        self._books.moved(source.key, target.key)
        return []

    def _whole(self, source: Place, entry: Entry, target: Place) -> Failures:
        """Move a tree to where nothing is: all of it is there before the first file of the source goes.

        Whoever is stopped on the way leaves the source, or the target, or both, but never a part of each.
        """
        failures = _unmovable(source, entry, self._books)
        if not failures:
            failures = Copier(self._books, move=False)._build(source, entry, target, deep=True)
            if failures:
                Remover(self._books).remove(target, entry)
        return failures or Remover(self._books).remove(source, entry)

    def _beside(self, source: Place, entry: Entry, target: Place, there: Entry, *, deep: bool) -> Failures:
        """Build it under another name, then put it in the place of what is there.

        A source that is to be moved is removed at the very end, so a failure leaves both.
        """
        built = sibling(target)
        with building(self._books, target, built):
            return self._built(source, entry, target, there, built, deep=deep)

    def _built(
        self, source: Place, entry: Entry, target: Place, there: Entry, built: Place, *, deep: bool
    ) -> Failures:
        copier = Copier(self._books, move=False)
        failures = copier._build(source, entry, built, deep=deep)
        if not failures and self._move:
            failures = _unmovable(source, entry, self._books)
        if not failures:
            try:
                with _aside(target, there, built, self._books):
                    target.storage.rename(built.path, target.path)
            except Error as error:
                failures = [failed(target, error)]
            else:
                self._books.moved(built.key, target.key)
                return Remover(self._books).remove(source, entry) if self._move else []
        Remover(self._books).remove(built, entry)
        return [*failures, (target, Refusal(424, "it is as it was"))]

    def _file_for_tree(self, source: Place, entry: Entry, target: Place, there: Entry) -> Failures:
        built = sibling(target)
        with building(self._books, target, built):
            return self._put_for_tree(source, entry, target, there, built)

    def _put_for_tree(
        self, source: Place, entry: Entry, target: Place, there: Entry, built: Place
    ) -> Failures:
        if failures := Copier(self._books, move=False)._file(source, entry, built):
            return failures
        failures = Remover(self._books).remove(target, there)
        if not failures:
            failures = Copier(self._books, move=True)._file(built, entry.at(built.path), target)
        if failures:
            remove_one(built)
            return failures
        return self._remove_moved(source)

    def _tree_for_file(
        self, source: Place, entry: Entry, target: Place, there: Entry, *, deep: bool
    ) -> Failures:
        kept = sibling(target)
        note = self._books.swaps.note(target, kept=kept)
        if failures := Copier(self._books, move=True)._file(target, there, kept):
            note.done()
            return failures
        failures = Copier(self._books, move=False)._build(source, entry, target, deep=deep)
        if failures:
            Remover(self._books).remove(target, entry)
            if not Copier(self._books, move=True)._file(kept, there.at(kept.path), target):
                note.done()
            return [*failures, (target, Refusal(424, "it is as it was"))]
        failures = Remover(self._books).remove(kept, there)
        if not failures:
            note.done()
        if self._move:
            failures += Remover(self._books).remove(source, entry)
        return failures

    def _over(self, source: Place, entry: Entry, target: Place, *, deep: bool) -> Failures:
        """Write each file over the one that is there; at last remove what the source has not."""
        surplus: list[tuple[Place, Entry]] = []
        failures = self._build(source, entry, target, deep=deep, surplus=surplus)
        for place, extra in surplus if not failures else ():
            failures += Remover(self._books).remove(place, extra)
        return failures

    def _build(
        self,
        source: Place,
        entry: Entry,
        target: Place,
        *,
        deep: bool,
        surplus: list[tuple[Place, Entry]] | None = None,
    ) -> Failures:
        failures: Failures = []
        walk = Walk(source, entry, self._books)
        for step, place, found in walk:
            at = target if place is source else _below(target, relative_to(place.path, source.path))
            if step is Step.LEAF:
                failures += self._file(place, found, at)
            elif step is Step.OUT:
                if self._move and not _stays(place, failures):
                    failures += self._leave(place)
            else:
                trouble = self._folder(place, at, surplus if deep else None, deep=deep)
                if deep and not trouble:
                    continue
                if not deep and not trouble and surplus is not None:
                    surplus += members(at, self._books)
                failures += trouble
                walk.skip()
        return failures

    # Steps

    def _file(self, source: Place, entry: Entry, target: Place) -> Failures:
        if not entry.is_file:  # a link or a device, of which WebDAV knows nothing
            return [(source, Refusal(403, f"it is {entry.kind.noun}"))] if self._move else []
        try:
            (move_file if self._move else copy_file)(source, entry, target, self._books)
        except Error as error:
            return [failed(source, error)]
        return []

    def _folder(
        self, source: Place, target: Place, surplus: list[tuple[Place, Entry]] | None, *, deep: bool
    ) -> Failures:
        try:
            if surplus is not None:
                surplus += self._in_the_way(source, target)
            target.storage.make_dir(target.path)
        except Error as error:
            return [failed(source, error)]
        self._books.copied_alone(source.key, target.key)
        if not target.facts.empty_dirs and (source.facts.empty_dirs or not deep):
            self._books.add_folder(target.key)
        return []

    def _in_the_way(self, source: Place, target: Place) -> list[tuple[Place, Entry]]:
        """What the target has and the source has not; what is of another kind goes at once."""
        kinds = {entry.name: entry.is_dir for _, entry in members(source, self._books)}
        surplus = []
        for place, entry in members(target, self._books):
            if place.name not in kinds:
                surplus.append((place, entry))
            elif kinds[place.name] != entry.is_dir:
                Remover(self._books).remove(place, entry)
        return surplus

    def _leave(self, place: Place) -> Failures:
        failures = remove_one(place) if place.facts.empty_dirs else []
        if not failures:
            self._books.removed(place.key)
        return failures

    def _remove_moved(self, source: Place) -> Failures:
        if not self._move:
            return []
        failures = remove_one(source)
        if not failures:
            self._books.removed(source.key)
        return failures


def _renames_trees(place: Place) -> bool:
    return place.facts.rename_dirs and place.storage.can(Capability.RENAME)


@contextlib.contextmanager
def _aside(target: Place, there: Entry | None, source: Place, books: Books) -> Iterator[None]:
    """Put away what is there while `source` takes its place; back again if that fails."""
    if there is None:
        yield
        return
    kept = sibling(target)
    note = books.swaps.note(target, kept=kept, source=source)
    try:
        target.storage.rename(target.path, kept.path)
    except Error:
        note.done()
        raise
    try:
        yield
    except Error:
        target.storage.rename(kept.path, target.path)
        note.done()
        raise
    if not Remover(books).remove(kept, there):
        note.done()


def _below(target: Place, path: str) -> Place:
    return Place(
        join(target.url, path), target.share, target.storage, join(target.path, path), f"{target.key}/{path}"
    )


def _stays(place: Place, failures: Failures) -> bool:
    return any(other.key.startswith(f"{place.key}/") for other, _ in failures)


def _unmovable(source: Place, entry: Entry, books: Books) -> Failures:
    """What is in a tree and cannot be moved, since WebDAV knows nothing of it."""
    return [
        (place, Refusal(403, f"it is {found.kind.noun}"))
        for step, place, found in Walk(source, entry, books)
        if step is Step.LEAF and not found.is_file
    ]
