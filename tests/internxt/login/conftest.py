"""An emulator for the tests of a process; whoever runs them may be logged in, and nothing of that is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from skycap.core.cli.app import run
from skycap.core.crypto.secret import Secret
from skycap.internxt.emulator.running import Emulator
from skycap.internxt.emulator.running import running as emulated
from skycap.internxt.endpoints import VARIABLES as ADDRESSES
from skycap.internxt.endpoints import Endpoints
from skycap.internxt.login.account import Kept
from skycap.internxt.login.gate import Gate
from skycap.internxt.login.given import VARIABLES
from skycap.internxt.login.password import log_in
from tests.internxt.login.people import ADA, LINES, Person, Said


@pytest.fixture(autouse=True)
def _nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {one for many in VARIABLES.values() for one in many} | set(ADDRESSES.values())
    for name in list(os.environ):
        if name in names or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SKYCAP_CREDENTIAL_STORE", "file")
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A keyring that holds what is put into it; quicker than a file that Argon2 guards."""
    from keyring import get_keyring, set_keyring
    from keyring.backend import KeyringBackend

    class Shelf(KeyringBackend):
        priority = 1  # type: ignore[assignment]
        held: ClassVar[dict[tuple[str, str], str]] = {}

        def get_password(self, service: str, username: str) -> str | None:
            return self.held.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            self.held[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del self.held[service, username]

    before = get_keyring()
    set_keyring(Shelf())
    monkeypatch.setenv("SKYCAP_CREDENTIAL_STORE", "keyring")
    yield
    set_keyring(before)


@pytest.fixture(scope="session")
def _emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulated(tmp_path_factory.mktemp("internxt"), LINES) as started:
        yield started


@pytest.fixture
def emulator(_emulator: Emulator) -> Iterator[Emulator]:
    """The server, without faults and as it was at first."""
    before = _emulator.admin("GET", "/settings")
    yield _emulator
    _emulator.clear_faults()
    _emulator.set(**before)
    for line in LINES:
        _emulator.unblock(line.split(":")[0])


@pytest.fixture
def endpoints(emulator: Emulator) -> Endpoints:
    return Endpoints(emulator.drive, emulator.network, emulator.web)


@pytest.fixture
def gate(endpoints: Endpoints) -> Iterator[Gate]:
    with Gate(endpoints) as opened:
        yield opened


@pytest.fixture
def enter(gate: Gate) -> Callable[..., Kept]:
    """Logs somebody in."""

    def call(who: Person = ADA, *, password: str | None = None, code: Any = None) -> Kept:
        return log_in(
            gate, who.email, Secret(who.password if password is None else password), code or (lambda: None)
        )

    return call


@pytest.fixture
def skycap(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Runs a command whose standard input holds these lines, and nobody sits at it."""
    for name, value in emulator.env.items():
        monkeypatch.setenv(name, value)

    def call(*words: str, lines: tuple[str, ...] = ()) -> Said:
        capsys.readouterr()
        with open(os.devnull) as nobody:
            monkeypatch.setattr("sys.stdin", _Lines(lines) if lines else nobody)
            status = run(list(words))
        return Said(status, *capsys.readouterr())

    return call


class _Lines:
    """Standard input that is no terminal."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        self._left = [f"{line}\n" for line in lines]

    def isatty(self) -> bool:
        return False

    def readline(self) -> str:
        return self._left.pop(0) if self._left else ""
