"""What is written down before one tree takes the place of another, so that a crash in between can be mended.

One small file a swap, in the state folder beside the books. Whoever starts a server next looks at those whose
process is gone: `mend`. Nothing is removed that could be somebody else's; what is left then is told.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skycap.core.config.edit import replace_private
from skycap.core.errors import Error, NotFound, StateReadFailed, StateWriteFailed
from skycap.core.paths import printable
from skycap.core.server.locks import resource_key
from skycap.core.server.processes import birth
from skycap.core.state import make_private_folder
from skycap.core.storage.entry import Entry
from skycap.core.webdav.shares import Place, Share

if TYPE_CHECKING:
    from skycap.core.webdav.books import Books

_log = logging.getLogger("skycap.webdav")
_PATHS = ("target", "kept", "built", "source")


@dataclass(slots=True)
class Note:
    """A swap that is going on."""

    path: str

    def done(self) -> None:
        """It is over, and nothing of it is left beside."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            _log.warning("a note of a swap stays (%s)", error.strerror)


class Swaps:
    """The notes of all swaps, of this process and of others."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    @cached_property
    def _process(self) -> dict[str, Any]:
        return {"pid": os.getpid(), "born": birth(os.getpid())}

    def note(
        self,
        target: Place,
        *,
        kept: Place | None = None,
        built: Place | None = None,
        source: Place | None = None,
    ) -> Note:
        """Write down that `kept`, what stands at the target, is put aside until `source` has its name.

        Or that `built` is made to become the target. `StateWriteFailed` if it cannot be written.
        """
        said = {"store": target.storage.identity, **self._process}
        places = {"target": target, "kept": kept, "built": built, "source": source}
        said |= {name: place.path for name, place in places.items() if place is not None}
        try:
            folder = make_private_folder(self._folder)
            path = os.path.join(folder, f"{secrets.token_hex(8)}.json")
            replace_private(path, json.dumps(said).encode("ascii"))
        except OSError as error:
            raise StateWriteFailed(
                f"the note of a swap cannot be written ({error.strerror})", where=self._folder
            ) from error
        return Note(path)

    def left(self) -> Iterator[tuple[Note, Mapping[str, Any]]]:
        """The swaps that nobody is at any more. Those that put something aside come first."""
        found: list[tuple[Note, Mapping[str, Any]]] = []
        for path in self._files():
            try:
                with open(path, encoding="ascii") as file:
                    said = json.load(file)
            except FileNotFoundError:
                continue  # it has just ended
            except (OSError, ValueError) as error:
                raise StateReadFailed(f"a note of a swap makes no sense ({error})", where=path) from error
            if birth(int(said["pid"])) != said["born"]:
                found.append((Note(path), said))
        yield from sorted(found, key=lambda each: "kept" not in each[1])

    def _files(self) -> list[str]:
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        return [os.path.join(self._folder, name) for name in sorted(names) if name.endswith(".json")]


@contextlib.contextmanager
def building(books: Books, target: Place, built: Place) -> Iterator[None]:
    """While something is built beside what it will replace."""
    note = books.swaps.note(target, built=built)
    yield
    note.done()


def mend(shares: Iterable[Share], books: Books) -> None:
    """Bring back, or clear away, what a crash left beside the trees of these shares.

    What cannot be reached now is left for the next time, with a warning.
    """
    by_store: dict[str, Share] = {}
    for share in shares:
        if not share.read_only:
            by_store.setdefault(share.location.storage.identity, share)
    try:
        for note, said in books.swaps.left():
            if (found := by_store.get(str(said["store"]))) is not None:
                _mend(found, note, said, books)
    except Error as error:
        _log.warning("what a crash left may lie beside: %s", error)


def _mend(share: Share, note: Note, said: Mapping[str, Any], books: Books) -> None:
    from skycap.core.webdav.trees.removing import Remover

    places = {name: _place(share, str(said[name])) for name in _PATHS if name in said}
    there = {name: _look(place) for name, place in places.items()}
    for name in ("kept", "built"):
        entry = there.get(name)
        if entry is None:
            continue
        if there["target"] is None and (name == "kept" or entry.is_file):  # a file was written wholly
            _to_target(places[name], entry, places["target"], books)
        elif name == "kept" and (there.get("source") is not None or "source" not in said):
            # Whoever put something there was not the swap: it is not for us to choose.
            _log.warning("%s was put aside and is still there", printable(places[name].path))
        else:
            failures = Remover(books).remove(places[name], entry)
            if failures:
                return
    note.done()


def _to_target(place: Place, entry: Entry, target: Place, books: Books) -> None:
    from skycap.core.webdav.trees.files import move_file

    if entry.is_dir:
        place.storage.rename(place.path, target.path)
    else:
        move_file(place, entry, target, books)
    _log.warning("%s has its name again: a crash had left it aside", printable(target.path))


def _look(place: Place) -> Entry | None:
    try:
        return place.storage.stat(place.path)
    except NotFound:
        return None


def _place(share: Share, path: str) -> Place:
    storage = share.location.storage
    return Place(path, share, storage, path, f"{resource_key(storage)}/{path}")
