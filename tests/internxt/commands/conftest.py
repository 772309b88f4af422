"""Commands as one types them, over an account at the emulator that is empty at first."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from skycap.core.cli.app import run
from skycap.core.errors import NotFound
from skycap.core.remotes import Opener
from skycap.core.storage.entry import Metadata
from skycap.core.storage.overlays.overlay import Transparent
from skycap.internxt.api import files, folders, trash
from skycap.internxt.api.models import File
from skycap.internxt.emulator.running import Emulator, running
from skycap.internxt.storage.storage import Internxt
from tests.internxt.login.people import ADA, Said

MTIME = 1_600_000_000


class Account:
    """The account behind the remote `drive`."""

    def __init__(self, skycap: Callable[..., Said], emulator: Emulator, storage: Internxt) -> None:
        self._skycap = skycap
        self.emulator = emulator
        self.storage = storage

    def __call__(self, *words: str | Path, lines: tuple[str, ...] = ()) -> Said:
        """A command that may end as it likes."""
        return self._skycap(*map(str, words), lines=lines)

    def done(self, *words: str | Path, lines: tuple[str, ...] = ()) -> Said:
        """A command that has to succeed."""
        said = self(*words, lines=lines)
        assert said.status == 0, said.err
        return said

    def ix(self, *words: str | Path, lines: tuple[str, ...] = ()) -> Said:
        """One of `skycap internxt` that has to succeed."""
        return self.done("internxt", *words, lines=lines)

    def records(self, *words: str | Path) -> list[dict[str, Any]]:
        """What one of them tells in JSON."""
        return [json.loads(line) for line in self.ix(*words, "--json").out.splitlines()]

    def put(self, path: str, content: bytes = b"content") -> str:
        """Store a file, as another client would; its id."""
        self.storage.cache.forget("")
        self.storage.write(path, content, metadata=Metadata(mtime_ns=MTIME * 10**9))
        return self.id_of(path)

    def id_of(self, path: str) -> str:
        self.storage.cache.forget("")
        return self.storage.places.item(path).uuid

    def cat(self, path: str) -> str:
        return self.done("cat", f"drive:{path}").out

    def names(self, path: str = "") -> list[str]:
        """What is in a folder."""
        return sorted(self.done("ls", f"drive:{path}").out.split("\n"))[1:]

    def trashed(self) -> list[str]:
        """The paths that are in the trash."""
        return sorted(record["path"] for record in self.records("trash", "list"))


@pytest.fixture(scope="session")
def _emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("internxt"), [f"{ADA.email}:{ADA.password}"]) as started:
        yield started


@pytest.fixture
def emulator(_emulator: Emulator) -> Iterator[Emulator]:
    """The server, without faults and as it was at first."""
    before = _emulator.admin("GET", "/settings")
    yield _emulator
    _emulator.clear_faults()
    _emulator.set(**before)


@pytest.fixture
def shelf() -> Iterator[dict[tuple[str, str], str]]:
    """A keyring that holds what is put into it; quicker than a file that Argon2 guards."""
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


@pytest.fixture
def skycap(
    emulator: Emulator,
    shelf: dict[tuple[str, str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Said]:
    """Runs a command whose standard input holds these lines, and nobody sits at it."""
    for name in list(os.environ):
        if name.startswith(("INXT_", "INTERNXT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in emulator.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SKYCAP_CREDENTIAL_STORE", "keyring")

    def call(*words: str, lines: tuple[str, ...] = ()) -> Said:
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        status = run(list(words))
        return Said(status, *capsys.readouterr())

    return call


@dataclass
class LoggedIn:
    """What a login left behind, so that one is enough for all tests."""

    config: str = ""
    held: dict[tuple[str, str], str] = field(default_factory=dict)


@pytest.fixture(scope="session")
def logged_in() -> LoggedIn:
    return LoggedIn()


@pytest.fixture
def drive(
    skycap: Callable[..., Said],
    shelf: dict[tuple[str, str], str],
    logged_in: LoggedIn,
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Account]:
    config = Path(os.environ["SKYCAP_CONFIG"])
    if logged_in.config:
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(logged_in.config)
        shelf |= logged_in.held
    else:
        assert skycap("remote", "add", "drive", "internxt", "settle=0").status == 0
        login = ("internxt", "login", "drive", "--email", ADA.email, "--password-stdin")
        assert skycap(*login, lines=(ADA.password,)).status == 0
        logged_in.config = config.read_text()
        logged_in.held.update(shelf)
    monkeypatch.chdir(tmp_path)
    with Opener() as opener:
        storage = opener.resolve("drive:").storage
        while isinstance(storage, Transparent):
            storage = storage.inner
        assert isinstance(storage, Internxt)
        _empty(storage)
        yield Account(skycap, emulator, storage)


def _empty(storage: Internxt) -> None:
    api = storage.api
    for kind in ("files", "folders"):
        for item in list(folders.listed(api, storage.root, kind, where="test")):  # type: ignore[arg-type]
            delete = files.delete if isinstance(item, File) else folders.delete
            delete(api, item.uuid, where="test")
    with suppress(NotFound):
        trash.clear(api, where="test")
