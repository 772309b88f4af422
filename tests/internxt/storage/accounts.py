"""An account at the emulator, logged in as anybody would, and emptied for each test."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from skycap.core.crypto.secret import Secret
from skycap.core.errors import NotFound
from skycap.internxt.api import files, folders, trash
from skycap.internxt.api.models import File
from skycap.internxt.emulator.running import Emulator
from skycap.internxt.endpoints import Endpoints
from skycap.internxt.login.account import Kept
from skycap.internxt.login.again import Again
from skycap.internxt.login.gate import Gate
from skycap.internxt.login.password import log_in
from skycap.internxt.login.session import Session
from skycap.internxt.options import InternxtOptions
from skycap.internxt.storage.storage import Internxt

EMAIL = "user@example.com"
PASSWORD = "Test-Passw0rd!"
OTHER = "other@example.com"


class Accounts:
    """An emulator with two accounts."""

    def __init__(self, folder: Path, **options: object) -> None:
        accounts = [f"{email}:{PASSWORD}" for email in (EMAIL, OTHER)]
        self.emulator = Emulator(folder, accounts, **options)
        self._kept: dict[str, Kept] = {}
        self._clean = -1

    def __enter__(self) -> Accounts:
        self.emulator.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.emulator.stop()

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints(self.emulator.drive, self.emulator.network, self.emulator.web)

    def session(self, email: str = EMAIL, *, password: bool = False) -> Session:
        """A session, that logs in again by itself if the password was kept."""
        if email not in self._kept:
            with Gate(self.endpoints) as gate:
                self._kept[email] = log_in(gate, email, Secret(PASSWORD), lambda: "")
        again = Again(email, Secret(PASSWORD)) if password else None
        return Session(self._kept[email], self.endpoints, again=again)

    def forget(self) -> None:
        """Log in anew the next time."""
        self._kept.clear()

    def storage(self, email: str = EMAIL, **options: Any) -> Internxt:
        """A storage as a command has it, but for the half second that a new folder is left alone."""
        given = {"settle": 0, **options}
        return Internxt(InternxtOptions.parse(given, where="test"), self.session(email))

    def emptied(self, email: str = EMAIL, **options: Any) -> Internxt:
        """The same, of an account in which nothing is."""
        self.emulator.clear_faults()
        if self.emulator.state()["requests"] != self._clean:  # else nothing was asked since
            with self.storage(email) as cleaner:
                self._empty(cleaner)
            self._clean = self.emulator.state()["requests"] if email == EMAIL else -1
        return self.storage(email, **options)

    @staticmethod
    def _empty(storage: Internxt) -> None:
        api = storage.api
        for kind in ("files", "folders"):
            for item in list(folders.listed(api, storage.root, kind, where="test")):  # type: ignore[arg-type]
                delete = files.delete if isinstance(item, File) else folders.delete
                delete(api, item.uuid, where="test")
        with suppress(NotFound):
            trash.clear(api, where="test")
