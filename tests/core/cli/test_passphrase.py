"""`skycap remote passphrase`: the vault, what is stored of it, and what is said of the rest."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.core.crypto.kdf import Argon2Parameters
from skycap.core.crypto.secret import Secret
from skycap.core.errors import Error, Timeout
from skycap.core.location import Location
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.crypt import Crypt, Passphrase, change_credential
from skycap.core.testing.faults import Fault, Faulty
from tests.core.cli.conftest import Skycap
from tests.core.cli.test_remotes import answer

OLD, NEW = "the old words", "the new words"
HEADER = ".skycap-crypt"


@pytest.fixture
def vault(home: Path, skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a vault with a file in it; the remote `vault` says not how it is opened."""
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "of the credential file")
    monkeypatch.setenv("SKYCAP_REMOTE_VAULT_PASSPHRASE", OLD)
    skycap("remote", "add", "vault", "crypt", f"remote={home / 'sealed'}")
    (home / "letter").write_text("Dear reader")
    assert skycap("copy", home / "letter", "vault:").status == 0
    monkeypatch.delenv("SKYCAP_REMOTE_VAULT_PASSPHRASE")
    return home / "sealed"


@pytest.fixture
def opens(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], bool]:
    """Whether a passphrase opens it."""

    def ask(words: str) -> bool:
        with monkeypatch.context() as patch:
            patch.setenv("SKYCAP_REMOTE_VAULT_PASSPHRASE", words)
            found = skycap("cat", "vault:letter")
        assert (found.status, found.out) in {(0, "Dear reader"), (11, "")}
        return found.status == 0

    return ask


def test_one_that_is_stored_is_changed_there_too(
    vault: Path, skycap: Skycap, opens: Callable[[str], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, OLD)
    assert skycap("auth", "login", "vault").status == 0
    config = Path(os.environ["SKYCAP_CONFIG"]).read_bytes()
    before = {path: path.read_bytes() for path in vault.rglob("*") if path.is_file()}
    answer(monkeypatch, NEW)
    outcome = skycap("remote", "passphrase", "vault:")
    assert outcome.status == 0, outcome.err
    assert "stored it" in outcome.err
    assert "skycap auth login vault" in outcome.err
    assert NEW not in outcome.err + outcome.out
    assert skycap("cat", "vault:letter").out == "Dear reader"
    assert (opens(OLD), opens(NEW)) == (False, True)
    assert Path(os.environ["SKYCAP_CONFIG"]).read_bytes() == config
    after = {path: path.read_bytes() for path in vault.rglob("*") if path.is_file()}
    assert [path.name for path in after if after[path] != before.get(path)] == [HEADER]
    assert after.keys() == before.keys()


@pytest.mark.parametrize("kind", ["env", "file", "command", "variable"])
def test_where_it_is_not_ours_to_change_it_is_said(
    kind: str,
    vault: Path,
    home: Path,
    skycap: Skycap,
    opens: Callable[[str], bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    where = home / "words"
    where.write_text(OLD)
    where.chmod(0o600)
    monkeypatch.setenv("VAULT_WORDS", OLD)
    if kind == "variable":
        monkeypatch.setenv("SKYCAP_REMOTE_VAULT_PASSPHRASE", OLD)
    else:
        reference = {"env": "env:VAULT_WORDS", "file": f"file:{where}", "command": f"command:cat {where}"}
        skycap("remote", "edit", "vault", f"passphrase={reference[kind]}")
    (home / "new").write_text(f"{NEW}\n")
    (home / "new").chmod(0o600)
    outcome = skycap("remote", "passphrase", "vault", "--new-passphrase-file", home / "new", "--json")
    assert outcome.status == 0, outcome.err
    named = {"env": "VAULT_WORDS", "file": str(where), "command": "cat"}
    said = named.get(kind, "SKYCAP_REMOTE_VAULT_PASSPHRASE")
    assert said in outcome.err
    assert outcome.records[0]["stored"] is False
    assert said in outcome.records[0]["left_to_do"]
    assert (opens(OLD), opens(NEW)) == (False, True)


def test_both_are_asked_for_where_nothing_is_set(
    vault: Path, skycap: Skycap, opens: Callable[[str], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, OLD, NEW)
    outcome = skycap("remote", "passphrase", "vault", "--new-passphrase-file", "-")
    assert outcome.status == 0, outcome.err
    assert "auth login vault" in outcome.err
    assert (
        "passphrase" not in tomllib.loads(Path(os.environ["SKYCAP_CONFIG"]).read_text())["remotes"]["vault"]
    )
    assert (opens(OLD), opens(NEW)) == (False, True)


def test_a_person_types_the_new_one_twice_and_unseen(vault: Path, opens: Callable[[str], bool]) -> None:
    now, new, again = "has now: ", "passphrase of vault: ", "The same again: "
    talk = [(now, OLD), (new, "slip"), (again, "slap"), (new, NEW), (again, NEW)]
    status, screen = answering("remote", "passphrase", "vault", talk=talk)
    assert status == 0, screen
    assert "They are not the same." in screen
    assert "words" not in screen
    assert (opens(OLD), opens(NEW)) == (False, True)


def answering(*args: str, talk: list[tuple[str, str]]) -> tuple[int, str]:
    """Run a command at a pseudo terminal; each answer is typed when its question is on the screen."""
    pty = pytest.importorskip("pty", reason="needs pseudo terminals")
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "skycap.core", *args], stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    screen, seen = "", 0
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        screen += data.decode()
        if talk and talk[0][0] in screen[seen:]:
            seen = len(screen)
            os.write(master, f"{talk.pop(0)[1]}\n".encode())
    os.close(master)
    return process.wait(timeout=10), screen


@pytest.mark.parametrize("answers", [("wrong", NEW), (OLD, ""), (OLD,), ()])
def test_what_is_refused_changes_nothing(
    answers: tuple[str, ...], vault: Path, skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (vault / HEADER).read_bytes()
    answer(monkeypatch, *answers)
    assert skycap("remote", "passphrase", "vault").status == 11
    assert (vault / HEADER).read_bytes() == before


def test_a_remote_without_a_passphrase_is_told_apart(vault: Path, home: Path, skycap: Skycap) -> None:
    skycap("remote", "add", "docs", "local", f"root={home}")
    (home / "k").write_bytes(bytes(32))
    skycap("remote", "add", "safe", "crypt", f"remote={home / 'other'}", "key_file=k")
    assert skycap("remote", "passphrase", "docs").status == 7
    outcome = skycap("remote", "passphrase", "safe")
    assert outcome.status == 7
    assert "key file" in outcome.err


def test_one_that_two_remotes_share_is_not_changed_for_one(
    vault: Path, home: Path, skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, OLD)
    skycap("auth", "login", "vault")
    shared = "passphrase=keyring:skycap/vault.passphrase"
    skycap("remote", "add", "second", "crypt", f"remote={home / 'second'}", shared)
    before = (vault / HEADER).read_bytes()
    answer(monkeypatch, NEW)
    outcome = skycap("remote", "passphrase", "vault")
    assert outcome.status == 32
    assert "auth login second" in outcome.err
    assert (vault / HEADER).read_bytes() == before


def quick(words: str) -> Passphrase:
    return Passphrase(Secret(words), Argon2Parameters(memory_kib=7 * 1024, iterations=5, lanes=1))


@pytest.mark.parametrize("verb", ["stat", "read", "write"])
@pytest.mark.parametrize("done", [False, True])
def test_whichever_call_fails_one_of_the_two_opens_the_vault(verb: str, done: bool) -> None:
    """And where no error came out, it is the new one."""
    for nth in (1, 2):
        inner = Memory()
        Crypt(inner, quick(OLD)).write("letter", b"Dear reader")
        faulty = Faulty(inner)
        faulty.on(verb, Fault(Timeout("no answer"), done=done), nth=nth)
        failed = False
        try:
            change_credential(Location(faulty), quick(OLD), quick(NEW))
        except Error:
            failed = True
        opening = []
        for words in (OLD, NEW):
            try:
                Crypt(inner, quick(words)).unlock()
            except Error:
                continue
            opening.append(words)
        assert len(opening) == 1
        assert failed or opening == [NEW]


def test_an_answer_that_got_lost_is_looked_for() -> None:
    inner = Memory()
    Crypt(inner, quick(OLD)).write("letter", b"Dear reader")
    faulty = Faulty(inner)
    faulty.on("write", Fault(Timeout("no answer"), done=True))
    change_credential(Location(faulty), quick(OLD), quick(NEW))
    Crypt(inner, quick(NEW)).unlock()
