"""A real account, as a person would use it: by commands, below one folder of the drive.

`make live` runs these, with INXT_USER and INXT_PASSWORD (and INXT_TWOFACTORCODE or INXT_OTPTOKEN) in the
environment; DRIVE_NEW_API_URL, NETWORK_URL and DRIVE_WEB_URL point them at another server. All that is made
lies in `/__skycap_live__/RUN` and is removed for good in the end, the trash included.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skycap.core.cli.app import run
from skycap.internxt.login.given import VARIABLES

TOP = "__skycap_live__"


@dataclass(frozen=True)
class Said:
    status: int
    out: bytes
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Live:
    """The command line, logged in to the account as the remote `live`."""

    def __init__(self, environment: dict[str, str], folder: str) -> None:
        self.environment = environment
        self.folder = folder
        self.secret = ""
        """What the login gave, for processes that do not see the keyring of this one."""

    def place(self, path: str = "") -> str:
        """A path below the folder of this run."""
        return f"live:{self.folder}/{path}" if path else f"live:{self.folder}"

    def __call__(self, *words: str | Path, stdin: bytes = b"", **variables: str) -> Said:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape") for _ in range(2))
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ.keys() - self.environment.keys():
                patch.delenv(name)
            for name, value in (self.environment | variables).items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = run([str(word) for word in words])
        told = []
        for stream in (out, err):
            stream.flush()
            told.append(stream.buffer.getvalue())  # type: ignore[attr-defined]
        return Said(status, told[0], told[1].decode())

    def done(self, *words: str | Path, stdin: bytes = b"", **variables: str) -> Said:
        """A command that has to succeed."""
        said = self(*words, stdin=stdin, **variables)
        assert said.status == 0, f"skycap {' '.join(map(str, words))}: {said.err}"
        return said

    def put(self, path: str, content: bytes) -> None:
        self.done("copy", "-", self.place(path), stdin=content)

    def cat(self, path: str, *words: str) -> bytes:
        return self.done("cat", *words, self.place(path)).out

    def id_of(self, path: str) -> str:
        (record,) = self.done("internxt", "resolve", "--json", self.place(path)).records
        return str(record["id"])

    def clean_up(self) -> None:
        """Remove all of this run, in the trash too."""
        for record in self("internxt", "trash", "list", "live", "--json").records:
            if record["path"].startswith(f"{self.folder}/"):
                self("internxt", "trash", "remove", "--yes", f"live:{record['id']}")
        for_good = {"SKYCAP_REMOTE_LIVE_TRASH": "false"}
        self.done("remove", "-r", "--yes", self.place(), **for_good)
        self("remove", f"live:{TOP}", **for_good)  # stays where another run is at work


@pytest.fixture(scope="session")
def shelf() -> Iterator[dict[tuple[str, str], str]]:
    """A keyring in memory: nothing of the account is written to a disk."""
    from keyring import get_keyring, set_keyring
    from keyring.backend import KeyringBackend

    held: dict[tuple[str, str], str] = {}

    class Shelf(KeyringBackend):
        priority = 1  # type: ignore[assignment]

        def get_password(self, service: str, username: str) -> str | None:
            return held.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            held[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del held[service, username]

    before = get_keyring()
    set_keyring(Shelf())
    yield held
    set_keyring(before)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, shelf: dict[tuple[str, str], str]) -> Iterator[Live]:
    given = {names[0]: found for names in VARIABLES.values() if (found := _first(names))}
    if not {"INXT_USER", "INXT_PASSWORD"} <= given.keys():
        pytest.fail("set INXT_USER and INXT_PASSWORD: these tests need an account", pytrace=False)
    home = tmp_path_factory.mktemp("live")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SKYCAP_", "INXT_", "INTERNXT_"))
    }
    environment |= {
        "SKYCAP_CONFIG": str(home / "config.toml"),
        "SKYCAP_STATE": str(home / "state"),
        "SKYCAP_CREDENTIAL_STORE": "keyring",
    }
    account = Live(environment, f"{TOP}/{int(time.time())}-{os.urandom(4).hex()}")
    account.done("remote", "add", "live", "internxt")
    account.done("internxt", "login", "live", **given)
    (account.secret,) = shelf.values()
    try:
        account.done("mkdir", account.place())
        try:
            yield account
        finally:
            account.clean_up()
    finally:
        account.done("internxt", "logout", "live")


def _first(names: tuple[str, ...]) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)
