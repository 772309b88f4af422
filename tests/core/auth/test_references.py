"""A reference leads to a secret, or says why it does not; the secret itself is never shown."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from skycap.core.auth.method import CredentialStore
from skycap.core.auth.references import Secrets
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing


class Shelf:
    """A credential store in memory."""

    name: ClassVar[str] = "shelf"

    def __init__(self, *, works: bool = True, name: str = "shelf") -> None:
        self.works, self.name = works, name  # type: ignore[misc]
        self.kept: dict[tuple[str, str], str] = {}

    def available(self) -> bool:
        return self.works

    def get(self, service: str, name: str) -> Secret[str] | None:
        value = self.kept.get((service, name))
        return None if value is None else Secret(value)

    def set(self, service: str, name: str, value: Secret[str]) -> None:
        self.kept[service, name] = value.reveal()

    def delete(self, service: str, name: str) -> None:
        self.kept.pop((service, name), None)


def secrets_of(environ: dict[str, str] | None = None, **stores: CredentialStore) -> Secrets:
    return Secrets(stores.get, environ=environ or {}, timeout_s=5.0)


def test_a_variable_gives_its_value() -> None:
    assert secrets_of({"X": "value"}).fetch("env:X", where="here").reveal() == "value"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(AuthMissing, match="NOWHERE") as caught:
        secrets_of().fetch("env:NOWHERE", where="file.toml [remotes.x]")
    assert caught.value.where == "file.toml [remotes.x]"


def test_a_file_gives_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("first\r\nsecond\n")
    path.chmod(0o600)
    assert secrets_of().fetch(f"file:{path}", where="").reveal() == "first"


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_file_that_others_can_read_is_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "secret"
    path.write_text("hunter2hunter2")
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        secrets_of().fetch(f"file:{path}", where="")
    assert "chmod 600" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuthMissing, match="nope"):
        secrets_of().fetch(f"file:{tmp_path / 'nope'}", where="")


def test_a_command_gives_the_first_line_it_prints() -> None:
    command = f"{sys.executable} -c \"print('it is; $HOME'); print('more')\""
    assert secrets_of().fetch(f"command:{command}", where="").reveal() == "it is; $HOME"


def test_a_command_that_fails_is_named_without_its_arguments() -> None:
    with pytest.raises(AuthMissing) as caught:
        secrets_of().fetch(f"command:{sys.executable} -c 'raise SystemExit(3)' hunter2", where="")
    assert "status 3" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("line", ["", "   ", "no-such-program-anywhere x", "'open quote"])
def test_a_command_that_cannot_be_run_is_an_error(line: str) -> None:
    with pytest.raises(AuthMissing):
        secrets_of().fetch(f"command:{line}", where="")


def test_a_command_that_takes_too_long_is_stopped() -> None:
    secrets = Secrets(lambda _: None, environ={}, timeout_s=0.2)
    with pytest.raises(AuthMissing, match="longer than"):
        secrets.fetch(f"command:{sys.executable} -c 'import time; time.sleep(60)'", where="")


def test_an_empty_secret_is_an_error() -> None:
    with pytest.raises(AuthMissing, match="empty"):
        secrets_of({"X": ""}).fetch("env:X", where="")


def test_the_keyring_is_asked_first_and_the_file_after_it() -> None:
    keyring, file = Shelf(), Shelf()
    file.set("skycap", "box.key", Secret("from file"))
    secrets = secrets_of(keyring=keyring, file=file)
    assert secrets.fetch("keyring:skycap/box.key", where="").reveal() == "from file"
    keyring.set("skycap", "box.key", Secret("from keyring"))
    assert secrets.fetch("keyring:skycap/box.key", where="").reveal() == "from keyring"


def test_a_secret_that_no_store_has_names_the_command_that_puts_it_there() -> None:
    with pytest.raises(AuthMissing, match="skycap/box") as caught:
        secrets_of(keyring=Shelf()).fetch("keyring:skycap/box", where="")
    assert "auth login" in (caught.value.hint or "")


@pytest.mark.parametrize("reference", ["keyring:", "keyring:box", "keyring:/box", "keyring:skycap/"])
def test_a_keyring_reference_has_a_service_and_a_name(reference: str) -> None:
    with pytest.raises(AuthMissing, match="is not a reference"):
        secrets_of(keyring=Shelf()).fetch(reference, where="")


def test_new_secrets_go_to_the_first_store_that_works_or_to_the_chosen_one() -> None:
    keyring, file, other = Shelf(works=False), Shelf(), Shelf(name="other")
    stores = {"keyring": keyring, "file": file, "other": other}
    assert secrets_of(**stores).store() is file
    keyring.works = True
    assert secrets_of(**stores).store() is keyring
    assert secrets_of({"SKYCAP_CREDENTIAL_STORE": "other"}, **stores).store() is other
    with pytest.raises(AuthMissing, match="nobodys"):
        secrets_of({"SKYCAP_CREDENTIAL_STORE": "nobodys"}, **stores).store()
    with pytest.raises(AuthMissing, match="its name is 'shelf'"):
        secrets_of({"SKYCAP_CREDENTIAL_STORE": "other"}, other=Shelf()).store()


def test_a_fetched_secret_is_taken_out_of_all_text_from_then_on() -> None:
    from skycap.core.cli.redact import redact

    secrets_of({"X": "rare-value-never-else"}).fetch("env:X", where="")
    assert "rare-value" not in redact("the server says rare-value-never-else is wrong")
