"""DELETE: a file, or a collection and all below it."""

from __future__ import annotations

from collections.abc import Collection

from skycap.core.errors import Conflict, Error, NotFound
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry
from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.books import Books
from skycap.core.webdav.shares import Place
from skycap.core.webdav.trees import Failures, failed
from skycap.core.webdav.trees.walking import Step, Walk

_AT_ONCE = 1000


class Remover:
    """Removes. `kept` are the keys of what must stay, since somebody else holds a lock on it."""

    def __init__(self, books: Books, kept: Collection[str] = ()) -> None:
        self._books = books
        self._kept = frozenset(kept)

    def remove(self, place: Place, entry: Entry) -> Failures:
        """Remove what stands at a place; what could not be removed, with the collections it is in, stays."""
        if not entry.is_dir:
            return self._gone(place, remove_one(place))
        if not self._kept and place.storage.can(Capability.REMOVE_TREE):
            try:
                place.storage.remove_tree(place.path)
            except Error:
                pass  # one by one it shows what is in the way
            else:
                return self._gone(place, [])
        return self._tree(place, entry)

    def _gone(self, place: Place, failures: Failures) -> Failures:
        if not failures:
            self._books.removed(place.key)
        return failures

    def _tree(self, top: Place, entry: Entry) -> Failures:
        failures: Failures = []
        files: list[Place] = []
        walk = Walk(top, entry, self._books)
        for step, place, _ in walk:
            if step is not Step.OUT and place.key in self._kept:
                failures.append((place, Refusal(423, "it is locked")))
                walk.skip()
            elif step is Step.LEAF:
                files.append(place)
            elif step is Step.OUT:
                failures += self._files(files)
                files = []
                if any(other.key.startswith(f"{place.key}/") for other, _ in failures):
                    continue  # it stays for what is in it, and is no failure of its own
                failures += self._gone(place, remove_one(place) if place.facts.empty_dirs else [])
            if len(files) >= _AT_ONCE:
                failures += self._files(files)
                files = []
        return failures

    def _files(self, places: list[Place]) -> Failures:
        if len(places) < 2 or not places[0].storage.can(Capability.REMOVE_MANY):
            return [failure for place in places for failure in self._gone(place, remove_one(place))]
        by_path = {place.path: place for place in places}
        failures: Failures = []
        for path, error in places[0].storage.remove_many(list(by_path)):
            lost = error is not None and not isinstance(error, NotFound)
            failures += self._gone(by_path[path], [failed(by_path[path], error)] if lost and error else [])
        return failures


def remove_one(place: Place) -> Failures:
    """Remove a file or an empty collection."""
    try:
        place.storage.remove(place.path)
    except NotFound:
        pass
    except Conflict:  # somebody put something into it meanwhile
        return [(place, Refusal(409, "the collection is not empty"))]
    except Error as error:
        return [failed(place, error)]
    return []
