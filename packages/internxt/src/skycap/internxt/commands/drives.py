"""What a word on the command line means: a place, a path of the only account, or the id of something.

drive:2024/a.jpg      a place, as everywhere
/2024/a.jpg           a path of the remote internxt, or of the only one of this type
5f0c6ab2-…            a file or a folder by its id, there; so is drive:5f0c6ab2-…, if no path is called that
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from skycap.core.cli.session import Session as Run
from skycap.core.errors import NotFound, UsageError
from skycap.core.paths import join, normalise
from skycap.core.remotes.address import Address, Form, parse
from skycap.core.retry import Caller, Operation, Policies
from skycap.core.storage.interface import Storage
from skycap.core.storage.overlays.overlay import Transparent
from skycap.internxt.api import files, folders
from skycap.internxt.api.models import DELETED, EXISTS, TRASHED, File, Folder, Item
from skycap.internxt.commands.remotes import required
from skycap.internxt.storage.storage import Internxt

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Drive:
    """An opened account. `prefix` is how it was named, with the colon; `around` has the overlays on it."""

    prefix: str
    storage: Internxt
    around: Storage
    policies: Policies

    def asked(self, operation: Operation, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """A call that goes past the overlays, tried again as they would."""
        return Caller(self.policies.of(operation))(partial(call, *args, **kwargs))

    def shown(self, path: str) -> str:
        """A path as one would write it."""
        return f"{self.prefix}{path}"

    def by_id(self, uuid: str) -> Item:
        """A file or a folder, in the trash or not; `NotFound`."""
        return self.asked(Operation.LIST, self._by_id, uuid.lower())

    def _by_id(self, uuid: str) -> Item:
        api = self.storage.api
        for meta in (files.meta, folders.meta):
            try:
                item: Item = meta(api, uuid, where=uuid)
            except NotFound:
                continue
            if item.status != DELETED:
                return item
        raise NotFound("nothing has this id", where=uuid)

    def path_of(self, item: Item) -> str | None:
        """Where it is; None for what is in the trash, or below something that is."""
        if item.status != EXISTS:
            return None
        if isinstance(item, Folder):
            return self.asked(Operation.LIST, self.storage.places.path_of, item.uuid)
        above = self.asked(Operation.LIST, self.storage.places.path_of, item.folder)
        return None if above is None else join(above, item.name)


@dataclass(frozen=True, eq=False)
class Found:
    """What a word means. `path` is None for what cannot be reached from the root."""

    drive: Drive
    item: Item
    path: str | None

    @property
    def is_trashed(self) -> bool:
        """Whether it is in the trash, or below something that is."""
        return self.path is None or self.item.status == TRASHED

    @property
    def kind(self) -> str:
        """`file` or `folder`, as the service has it."""
        return "file" if isinstance(self.item, File) else "folder"

    def shown(self) -> str:
        """As one would write it."""
        return (
            self.drive.shown(self.path) if self.path is not None else f"{self.item.name} ({self.item.uuid})"
        )

    def reachable(self) -> str:
        """Its path; `NotFound` if it has none."""
        if self.path is None:
            raise NotFound(
                "it is in the trash",
                where=self.shown(),
                hint=f'"skycap internxt trash restore {self.item.uuid}" brings it back.',
            )
        return self.path


class Drives:
    """The accounts that the words of one command are about, each opened once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._opened: dict[str, Drive] = {}

    def of(self, name: str | None) -> Drive:
        """The account of a remote; without a name that of the remote internxt, or of the only one."""
        return self._open(f"{required(self._run.opener, name)}:")

    def where(self, word: str) -> tuple[Drive, str]:
        """The account and the path that a word means; an id counts as a path."""
        address = parse(word)
        drive = self._drive(address)
        return drive, normalise(address.path)

    def find(self, word: str) -> Found:
        """What a word means; `NotFound`."""
        drive, path = self.where(word)
        bare = parse(word).form is Form.LOCAL
        if UUID.fullmatch(path) and bare:
            return self._by_id(drive, path)
        try:
            item = drive.asked(Operation.LIST, drive.storage.places.item, path)
        except NotFound as error:
            if UUID.fullmatch(path):
                return self._by_id(drive, path)
            error.where = drive.shown(path)
            if bare and word in self._run.config.remotes:
                error.hint = f"Is the remote meant? Then write {word}:"
            raise
        if isinstance(item, File) and word.endswith("/"):
            raise NotFound("it is a file, not a folder", where=drive.shown(path))
        return Found(drive, item, path)

    def _by_id(self, drive: Drive, uuid: str) -> Found:
        item = drive.by_id(uuid)
        return Found(drive, item, drive.path_of(item))

    def _drive(self, address: Address) -> Drive:
        if address.form is Form.LOCAL:
            return self.of(None)
        if address.form is Form.REMOTE:
            return self.of(address.name)
        whole = address.text.removesuffix(address.path)
        return self._open(whole)

    def _open(self, prefix: str) -> Drive:
        if prefix not in self._opened:
            location = self._run.open(prefix)
            storage = location.storage
            while isinstance(storage, Transparent):
                storage = storage.inner
            if not isinstance(storage, Internxt):
                raise UsageError("it is no account of Internxt", where=location.shown())
            _, extra = self._run.opener.options(self._run.opener.remote_of(parse(prefix)))
            policies = Policies().merge(extra, where=prefix)
            self._opened[prefix] = Drive(prefix, storage, location.storage, policies)
        return self._opened[prefix]
