"""The file that holds the key: made with the first write, opened by one secret only, changed in one place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.errors import (
    AuthMissing,
    ConfigInvalid,
    Conflict,
    Error,
    IntegrityError,
    NotFound,
    PathInvalid,
    ScanFailed,
    Unsupported,
)
from skycap.core.location import Location
from skycap.core.storage import Capability, Storage
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.crypt import Crypt, CryptOptions, change_credential
from skycap.core.storage.overlays.crypt.credentials import Credential, KeyFile, Passphrase
from skycap.core.storage.overlays.crypt.vault import CONFIG_NAME

Files = Callable[[Storage], dict[str, bytes]]
Phrase = Callable[[str], Passphrase]


def content(storage: Storage, path: str) -> bytes:
    with storage.read(path) as reader:
        return reader.read()


def test_looking_makes_nothing_and_the_first_write_makes_the_vault(
    inner: Memory, vault: Crypt, sealed_files: Files
) -> None:
    vault.unlock()
    for look in (
        lambda: vault.stat(""),
        lambda: vault.stat("file"),
        lambda: list(vault.scan("")),
        lambda: list(vault.scan_all("")),
        lambda: content(vault, "file"),
    ):
        with pytest.raises(NotFound) as caught:
            look()
        assert "no vault" in caught.value.message
        assert "mount" in (caught.value.hint or "")
    vault.remove("absent")
    vault.remove_tree("")
    assert sealed_files(inner) == {}
    vault.write("file", b"x")
    assert CONFIG_NAME in sealed_files(inner)
    assert [entry.path for entry in vault.scan("")] == ["file"]


def test_a_vault_whose_disk_goes_away_does_not_become_empty(tmp_path: Path, key_file: KeyFile) -> None:
    root, vault = tmp_path / "root", Crypt(Local(tmp_path / "root"), key_file)
    vault.write("file", b"x")
    root.rename(tmp_path / "away")
    for gone in (vault, Crypt(Local(root), key_file)):
        with pytest.raises(NotFound):
            list(gone.scan(""))
        with pytest.raises(NotFound):
            gone.stat("")
    root.mkdir()  # the empty folder on which it was mounted
    with pytest.raises(ScanFailed) as caught:
        list(vault.scan(""))
    assert "mounted" in (caught.value.hint or "")
    with pytest.raises(NotFound):
        list(Crypt(Local(root), key_file).scan(""))


def test_a_folder_made_in_no_vault_makes_an_empty_one(vault: Crypt) -> None:
    vault.make_dir("")
    assert list(vault.scan("")) == list(vault.scan_all("")) == []
    assert vault.stat("").is_dir


def test_a_name_that_cannot_be_makes_no_vault(inner: Memory, vault: Crypt, sealed_files: Files) -> None:
    for path in ("n" * 144, "../up", ""):
        with pytest.raises(Error):
            vault.write(path, b"x")
    assert sealed_files(inner) == {}


@pytest.mark.parametrize("verb", ["stat", "read", "scan", "write", "remove", "begin_upload", "make_dir"])
def test_a_wrong_passphrase_is_an_error_before_anything_happens(
    inner: Memory, passphrase: Phrase, sealed_files: Files, verb: str
) -> None:
    Crypt(inner, passphrase("right")).write("file", b"x")
    before = sealed_files(inner)
    wrong = Crypt(inner, passphrase("wrong"))
    calls: dict[str, Callable[[], object]] = {
        "stat": lambda: wrong.stat("file"),
        "read": lambda: content(wrong, "file"),
        "scan": lambda: list(wrong.scan("")),
        "write": lambda: wrong.write("new", b"y"),
        "remove": lambda: wrong.remove("file"),
        "begin_upload": lambda: wrong.begin_upload("new"),
        "make_dir": lambda: wrong.make_dir("new"),
    }
    with pytest.raises(AuthMissing) as caught:
        calls[verb]()
    assert caught.value.exit_status == 11
    assert caught.value.message.startswith("this passphrase does not open the vault")
    assert sealed_files(inner) == before


def test_opening_says_at_once_that_a_passphrase_is_wrong(inner: Memory, key_file: KeyFile) -> None:
    Crypt(inner, key_file, base="in").write("file", b"x")
    options = CryptOptions(remote="x:in", passphrase=Secret("a passphrase"))
    with pytest.raises(AuthMissing) as caught:
        Crypt.open(options, "", Location(inner, "in"))
    assert "key_file" in (caught.value.hint or "")


def test_a_vault_opens_in_a_place(inner: Memory, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(os.urandom(32))
    options = CryptOptions(remote="x:in", key_file=str(tmp_path / "key"))
    storage, path = Crypt.open(options, "some/path", Location(inner, "in"))
    storage.write("file", b"x")
    assert path == "some/path"
    assert [entry.path for entry in inner.scan("")] == ["in"]
    assert storage.identity == f"crypt:{inner.identity}/in"


def test_exactly_one_secret_is_needed(tmp_path: Path) -> None:
    with pytest.raises(AuthMissing):
        CryptOptions(remote="x:").credential()
    with pytest.raises(ConfigInvalid):
        CryptOptions(remote="x:", passphrase=Secret("a"), key_file="/k").credential()
    with pytest.raises(AuthMissing):
        Passphrase(Secret(""))


def test_a_key_file_must_be_there_and_be_one(inner: Memory, tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(AuthMissing):
        Crypt(inner, KeyFile(str(path))).write("file", b"x")
    for data in (b"", b"short", bytes(31), bytes(4097)):
        path.write_bytes(data)
        with pytest.raises(ConfigInvalid):
            Crypt(inner, KeyFile(str(path))).write("file", b"x")
    with pytest.raises(Error):
        Crypt(inner, KeyFile(str(tmp_path))).write("file", b"x")
    path.write_bytes(bytes(32))
    Crypt(inner, KeyFile(str(path))).write("file", b"x")
    path.write_bytes(bytes(31) + b"\1")
    with pytest.raises(AuthMissing):
        Crypt(inner, KeyFile(str(path))).stat("file")


def test_a_new_passphrase_opens_the_old_files(inner: Memory, passphrase: Phrase, sealed_files: Files) -> None:
    old, new, place = passphrase("old"), passphrase("new"), Location(inner, "in")
    Crypt(inner, old, base="in").write("file", b"content")
    before = sealed_files(inner)
    change_credential(place, old, new)
    after = sealed_files(inner)
    assert [path for path in after if after[path] != before[path]] == [f"in/{CONFIG_NAME}"]
    assert content(Crypt(inner, new, base="in"), "file") == b"content"
    for call in (
        lambda: Crypt(inner, old, base="in").stat("file"),
        lambda: change_credential(place, old, new),
    ):
        with pytest.raises(AuthMissing):
            call()
    assert sealed_files(inner) == after


def test_two_new_passphrases_at_once_are_a_conflict(passphrase: Phrase) -> None:
    class Raced(Memory):
        """Lets another one change the passphrase between our look and our write."""

        def write(self, path: str, *args: Any, **kwargs: Any) -> Any:
            if kwargs["condition"] and kwargs["condition"].version and not racing:
                racing.append(path)
                change_credential(Location(self), old, passphrase("theirs"))
            return super().write(path, *args, **kwargs)

    racing: list[str] = []
    raced, old = Raced(), passphrase("old")
    Crypt(raced, old).write("file", b"content")
    with pytest.raises(Conflict):
        change_credential(Location(raced), old, passphrase("ours"))
    assert content(Crypt(raced, passphrase("theirs")), "file") == b"content"


def _changes() -> dict[str, Callable[[dict[str, Any]], object]]:
    return {
        "id": lambda c: c.update(id="0" * 32),
        "names": lambda c: c.update(names="plain"),
        "salt": lambda c: c["kdf"].update(salt="0" * 32),
        "memory": lambda c: c["kdf"].update(memory_kib=8 * 1024),
        "iterations": lambda c: c["kdf"].update(iterations=6),
        "lanes": lambda c: c["kdf"].update(lanes=2),
        "nonce": lambda c: c.update(nonce="0" * 24),
        "wrapped": lambda c: c.update(wrapped="0" * 96),
        "another member": lambda c: c.update(more="x"),
        "another member of kdf": lambda c: c["kdf"].update(more="x"),
    }


@pytest.mark.parametrize("change", _changes())
def test_every_member_of_the_file_is_authenticated(inner: Memory, passphrase: Phrase, change: str) -> None:
    Crypt(inner, passphrase("right")).write("file", b"x")
    config = json.loads(content(inner, CONFIG_NAME))
    _changes()[change](config)
    inner.write(CONFIG_NAME, json.dumps(config).encode())
    for names in ("encrypt", "plain"):
        with pytest.raises(AuthMissing):
            Crypt(inner, passphrase("right"), names=names).stat("file")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"memory_kib": 8}, ConfigInvalid),
        ({"memory_kib": 64 * 1024 * 1024}, ConfigInvalid),
        ({"iterations": 1}, ConfigInvalid),
        ({"iterations": 10**9}, ConfigInvalid),
        ({"lanes": 0}, ConfigInvalid),
        ({"lanes": "many"}, ConfigInvalid),
        ({"salt": "zz"}, IntegrityError),
        ({"salt": None}, IntegrityError),
    ],
)
def test_a_file_cannot_stop_the_machine_or_make_guessing_cheap(
    inner: Memory, passphrase: Phrase, change: dict[str, Any], error: type[Error]
) -> None:
    Crypt(inner, passphrase("right")).write("file", b"x")
    config = json.loads(content(inner, CONFIG_NAME))
    config["kdf"].update(change)
    inner.write(CONFIG_NAME, json.dumps(config).encode())
    with pytest.raises(error):
        Crypt(inner, passphrase("right")).stat("file")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", IntegrityError),
        (b"{}", IntegrityError),
        (b"[]", IntegrityError),
        (b"\xff\xfe", IntegrityError),
        (b"[" * 50_000, IntegrityError),
        (b"x" * 70_000, IntegrityError),
        (b'{"format": "other"}', IntegrityError),
        (b'{"format": "skycap-crypt", "version": 0}', IntegrityError),
        (b'{"format": "skycap-crypt", "version": 2}', Unsupported),
    ],
)
def test_a_damaged_file_is_an_error_and_is_not_replaced(
    inner: Memory, vault: Crypt, data: bytes, error: type[Error]
) -> None:
    inner.write(CONFIG_NAME, data)
    for call in (lambda: vault.stat("file"), lambda: vault.write("file", b"x")):
        with pytest.raises(error) as caught:
            call()
        assert caught.value.where is not None
        assert CONFIG_NAME in caught.value.where
    assert content(inner, CONFIG_NAME) == data


def test_a_place_with_other_files_does_not_become_a_vault(inner: Memory, vault: Crypt) -> None:
    inner.write("holiday.jpg", b"x")
    for call in (lambda: vault.write("file", b"x"), lambda: list(vault.scan("")), lambda: vault.unlock()):
        with pytest.raises(ConfigInvalid) as caught:
            call()
        assert "empty folder" in (caught.value.hint or "")
    assert [entry.path for entry in inner.scan("")] == ["holiday.jpg"]


def test_a_lost_file_is_noticed_and_not_made_anew(inner: Memory, vault: Crypt, key_file: KeyFile) -> None:
    vault.write("file", b"x")
    kept = content(inner, CONFIG_NAME)
    inner.remove(CONFIG_NAME)
    with pytest.raises(ConfigInvalid):
        Crypt(inner, key_file).write("other", b"y")
    inner.write(CONFIG_NAME, kept)
    assert content(Crypt(inner, key_file), "file") == b"x"


def test_removing_everything_keeps_the_key(inner: Memory, vault: Crypt, key_file: KeyFile) -> None:
    vault.write("dir/sub/file", b"x")
    vault.write("file", b"y")
    vault.remove_tree("")
    assert list(vault.scan("")) == []
    vault.write("new", b"z")
    assert content(Crypt(inner, key_file), "new") == b"z"


def test_of_two_that_make_a_vault_one_wins_and_both_use_it(inner: Memory, key_file: KeyFile) -> None:
    one, two = Crypt(inner, key_file), Crypt(inner, key_file)
    for vault in (one, two):
        with pytest.raises(NotFound):
            list(vault.scan(""))
    one.write("one", b"1")
    two.write("two", b"2")
    for vault in (one, two):
        assert sorted(entry.path for entry in vault.scan("")) == ["one", "two"]
        assert content(vault, "two") == b"2"


def test_two_at_once_make_one_vault(inner: Memory, key_file: KeyFile) -> None:
    class Raced(Memory):
        """Lets another one make the vault just before ours is written."""

        def write(self, path: str, *args: Any, **kwargs: Any) -> Any:
            if path == CONFIG_NAME and not racing:
                racing.append(path)
                Crypt(self, key_file).write("theirs", b"1")
            return super().write(path, *args, **kwargs)

    racing: list[str] = []
    raced = Raced()
    vault = Crypt(raced, key_file)
    vault.write("ours", b"2")
    assert racing
    assert sorted(entry.path for entry in Crypt(raced, key_file).scan("")) == ["ours", "theirs"]
    assert content(vault, "theirs") == b"1"


def test_names_are_not_changed_later(inner: Memory, vault: Crypt, key_file: KeyFile) -> None:
    vault.write("file", b"x")
    with pytest.raises(ConfigInvalid) as caught:
        Crypt(inner, key_file, names="plain").stat("file")
    assert "encrypt" in (caught.value.hint or "")


def test_the_file_is_out_of_reach_among_plain_names(inner: Memory, key_file: KeyFile) -> None:
    vault = Crypt(inner, key_file, names="plain")
    vault.write("file", b"x")
    for call in (
        lambda: vault.write(CONFIG_NAME, b"y"),
        lambda: vault.remove(CONFIG_NAME),
        lambda: vault.rename(CONFIG_NAME, "other"),
        lambda: vault.rename("file", CONFIG_NAME),
        lambda: vault.write(f"{CONFIG_NAME}/below", b"y"),
    ):
        with pytest.raises(PathInvalid):
            call()
    assert [entry.path for entry in vault.scan("")] == [e.path for e in vault.scan_all("")] == ["file"]


def test_what_cannot_be_read_back_holds_no_vault(key_file: Credential) -> None:
    with pytest.raises(Unsupported):
        Crypt(Memory(capabilities={Capability.WRITE}), key_file)


def test_no_secret_is_shown(tmp_path: Path, passphrase: Phrase) -> None:
    vault = Crypt(Local(tmp_path / "root"), passphrase("hush hush"))
    vault.write("file", b"x")
    opened = vault.vault
    for shown in (
        repr(vault),
        repr(opened),
        repr(opened.vault),
        repr(CryptOptions(remote="x:", passphrase=Secret("hush hush"))),
    ):
        assert "hush" not in shown
        assert opened.vault.master.reveal().hex() not in shown
        assert repr(opened.vault.master.reveal()) not in shown
