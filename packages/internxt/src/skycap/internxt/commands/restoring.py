"""Bringing something back: where to, and what becomes of what stands there meanwhile."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from skycap.core.cli.answers import is_terminal
from skycap.core.cli.prompt import TerminalPrompt
from skycap.core.cli.session import Session as Run
from skycap.core.errors import Conflict, Error, UsageError
from skycap.core.paths import join, normalise, split
from skycap.core.retry import Operation
from skycap.core.storage.entry import Entry
from skycap.internxt.api import files, folders
from skycap.internxt.api.models import File, Folder, Item
from skycap.internxt.commands.drives import Drive, Drives
from skycap.internxt.commands.trashed import InTrash, choose, send
from skycap.internxt.names import split as split_name

OnConflict = Literal["fail", "skip", "overwrite", "rename"]
_MOST_NAMES = 1000


class Restoring:
    """How the things that one command names come back."""

    def __init__(
        self, run: Run, drives: Drives, to: str | None, on_conflict: OnConflict, *, several: bool
    ) -> None:
        self._run = run
        self._drives = drives
        self._to = to
        self._on_conflict = on_conflict
        self._several = several

    def restore(self, word: str) -> tuple[InTrash, Entry | None]:
        """What a word means, and its entry at the place it came back to; None if it was left where it is."""
        found = choose(self._drives, word)
        drive, target = found.drive, self._target(found)
        there = self._at(drive, target)
        if there is not None:
            if self._on_conflict == "skip":
                return found, None
            if self._on_conflict == "rename":
                target, there = self._free(drive, target, found.item), None
            elif self._on_conflict == "fail":
                raise Conflict(
                    "something stands there again",
                    where=drive.shown(target),
                    hint="--on-conflict skip, overwrite or rename says what shall become of it; --to PLACE "
                    "takes another place.",
                )
        if there is None:
            return found, self._back(found, target)
        send(drive, there, target)
        try:
            return found, self._back(found, target)
        except BaseException:
            self._undo(drive, there, target)
            raise

    @staticmethod
    def _back(found: InTrash, target: str) -> Entry:
        return found.drive.around.trash().restore(found.id, target)

    @staticmethod
    def _undo(drive: Drive, item: Item, target: str) -> None:
        """Bring back what went into the trash for nothing."""
        api, where = drive.storage.api, drive.shown(target)
        with suppress(Error):
            if isinstance(item, File):
                files.move(api, item.uuid, item.folder, None, where=where)
            else:
                folders.move(api, item.uuid, item.parent, None, where=where)
        drive.storage.cache.forget(target)

    @staticmethod
    def _at(drive: Drive, path: str) -> Item | None:
        return drive.asked(Operation.LIST, drive.storage.places.find, path)

    def _target(self, found: InTrash) -> str:
        name = found.item.name
        if self._to is not None:
            return self._chosen(found.drive, self._to, name)
        if found.folder is not None:
            return join(found.folder, name)
        if not is_terminal():
            raise Conflict(
                "the folder it was in is gone",
                where=name,
                hint="--to PLACE says where it shall come back to.",
            )
        question = f"The folder that {name} was in is gone. Into which one shall it come back"
        return join(normalise(TerminalPrompt().ask(question, "/")), name)

    def _chosen(self, drive: Drive, to: str, name: str) -> str:
        """The path that `--to` means: below a folder, or itself."""
        other, path = self._drives.where(to)
        if other is not drive:
            raise UsageError(
                f"it is in the trash of {drive.prefix}, and comes back there",
                where=to,
                hint="Bring it back first, then copy it.",
            )
        into = not path or to.endswith("/") or isinstance(self._at(drive, path), Folder)
        if self._several and not into:
            raise UsageError("several things come back, and this is no folder", where=to, hint=f"Write {to}/")
        return join(path, name) if into else path

    def _free(self, drive: Drive, path: str, item: Item) -> str:
        """A path beside this one at which nothing is: `a (1).txt`."""
        folder, name = split(path)
        plain, type_ = split_name(name) if isinstance(item, File) else (name, None)
        end = f".{type_}" if type_ else ""
        for number in range(1, _MOST_NAMES):
            free = join(folder, f"{plain} ({number}){end}")
            if self._at(drive, free) is None:
                return free
        raise Conflict("all names beside it are taken", where=drive.shown(path))
