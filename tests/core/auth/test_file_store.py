"""The encrypted credential file keeps secrets, and gives them to nobody without the passphrase."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from skycap.core.auth.file_store import FileStore, ask_passphrase
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, ConfigInvalid, StateReadFailed


def store_at(path: Path, passphrase: str = "correct horse") -> FileStore:
    return FileStore(str(path), lambda *, new: Secret(passphrase))


def test_what_is_set_comes_back_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    store_at(path).set("skycap", "box.key", Secret("tülip\n"))
    found = store_at(path).get("skycap", "box.key")
    assert found is not None
    assert found.reveal() == "tülip\n"
    assert store_at(path).get("skycap", "other") is None


def test_the_file_is_private_and_holds_nothing_in_plain(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "c.json"
    store_at(path).set("skycap", "box.key", Secret("hunter2hunter2"))
    raw = path.read_bytes()
    assert b"hunter2" not in raw
    assert b"box.key" not in raw
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_deleted_secret_is_gone_and_deleting_twice_is_fine(tmp_path: Path) -> None:
    store = store_at(tmp_path / "c.json")
    store.delete("skycap", "a")
    store.set("skycap", "a", Secret("1"))
    store.set("skycap", "b", Secret("2"))
    store.delete("skycap", "a")
    store.delete("skycap", "a")
    kept = store.get("skycap", "b")
    assert store.get("skycap", "a") is None
    assert kept is not None


def test_a_wrong_passphrase_opens_nothing_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    store_at(path).set("skycap", "a", Secret("1"))
    before = path.read_bytes()
    wrong = store_at(path, "battery staple")
    with pytest.raises(AuthMissing, match="passphrase"):
        wrong.get("skycap", "a")
    with pytest.raises(AuthMissing):
        wrong.set("skycap", "b", Secret("2"))
    assert path.read_bytes() == before


@pytest.mark.parametrize("part", ["nonce", "tag", "ciphertext"])
def test_a_changed_file_is_refused(part: str, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    store_at(path).set("skycap", "a", Secret("1"))
    found = json.loads(path.read_text())
    found[part] = ("B" if found[part][0] != "B" else "C") + found[part][1:]
    path.write_text(json.dumps(found))
    with pytest.raises(AuthMissing):
        store_at(path).get("skycap", "a")


def test_parameters_that_make_guessing_cheap_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    store_at(path).set("skycap", "a", Secret("1"))
    found = json.loads(path.read_text())
    found["kdf"] |= {"memory_kib": 64, "iterations": 1}
    path.write_text(json.dumps(found))
    with pytest.raises(ConfigInvalid, match="cheap"):
        store_at(path).get("skycap", "a")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2}', "\xff"])
def test_a_file_that_is_something_else_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(StateReadFailed, match=r"c\.json"):
        store_at(path).get("skycap", "a")


def test_the_passphrase_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "given")
    assert ask_passphrase(new=True).reveal() == "given"


def test_where_nobody_can_type_it_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKYCAP_PASSPHRASE", raising=False)
    with open(os.devnull) as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        with pytest.raises(AuthMissing) as caught:
            ask_passphrase(new=False)
    assert "SKYCAP_PASSPHRASE" in (caught.value.hint or "")


def typing(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """Somebody sits at a terminal and types these passphrases; what is left to be typed."""
    left = list(words)
    monkeypatch.delenv("SKYCAP_PASSPHRASE", raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream=None: left.pop(0))
    return left


def test_a_person_types_the_passphrase_once_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "c.json")
    left = typing(monkeypatch, "correct horse", "correct horse", "never asked for")
    FileStore(path).set("skycap", "a", Secret("1"))
    FileStore(path).set("skycap", "b", Secret("2"))
    assert FileStore(path).get("skycap", "a") == Secret("1")
    assert left == ["never asked for"]


def test_one_that_opens_nothing_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "c.json")
    store_at(tmp_path / "c.json").set("skycap", "a", Secret("1"))
    left = typing(monkeypatch, "slip", "correct horse")
    with pytest.raises(AuthMissing):
        FileStore(path).get("skycap", "a")
    assert FileStore(path).get("skycap", "a") == Secret("1")
    assert left == []
