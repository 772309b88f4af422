"""The store by its URL, and the name of a resource."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.errors import UsageError
from skycap.core.location import Location
from skycap.core.server.locks import Lock, open_lock_store, resource_key
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory


def test_without_a_url_it_is_a_file_in_the_state_folder() -> None:
    with open_lock_store():
        assert os.path.isfile(os.path.join(os.environ["SKYCAP_STATE"], "locks.db"))


@pytest.mark.parametrize("wrap", [str, Secret])
def test_a_sqlite_url_names_an_absolute_path(tmp_path: Path, wrap: type) -> None:
    with open_lock_store(wrap(f"sqlite:///{tmp_path}/a%20b/l.db")):
        assert (tmp_path / "a b" / "l.db").is_file()


def test_a_sqlite_url_names_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_lock_store("sqlite:///l.db"):
        assert (tmp_path / "l.db").is_file()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis://:secret@host/0",
        "/var/lib/secret.db",
        "postgresql:secret",
        "sqlite://host/secret.db",
        "sqlite:///",
        "sqlite:///a.db?secret",
        "sqlite:///a%00secret",
    ],
)
def test_what_names_no_store_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as failed:
        open_lock_store(url)
    assert "secret" not in str(failed.value)
    assert "sqlite:///" in (failed.value.hint or "")


def test_one_file_has_one_key_whatever_remote_it_is_reached_by(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    key = resource_key(Local(str(tmp_path)), "docs/a")
    assert key == f"local:{os.path.realpath(tmp_path)}/docs/a".replace(os.sep, "/")
    assert resource_key(Local(str(tmp_path / "docs")), "a") == key
    assert resource_key(Location(Local(str(tmp_path)), "docs"), "a") == key
    assert resource_key(Location(Local(str(tmp_path / "docs")))) == key.rpartition("/")[0]


@pytest.mark.skipif(os.name == "nt", reason="roots have letters there")
def test_the_root_of_the_file_system_is_above_all_of_it() -> None:
    assert resource_key(Local("/"), "") == "local:"
    assert resource_key(Local("/"), "a") == "local:/a"


def test_two_storages_have_two_keys() -> None:
    assert resource_key(Memory("one"), "a") != resource_key(Memory("two"), "a")


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": ""},
        {"token": "t" * 1025},
        {"token": "é" * 513},
        {"token": "\ud800"},
        {"owner": "o" * 16385},
        {"owner": "\ud800"},
        {"principal": "\ud800"},
        {"resource": ""},
        {"door": ""},
        {"scope": "both"},
        {"timeout_s": 0},
        {"timeout_s": -1},
        {"timeout_s": float("nan")},
    ],
)
def test_a_lock_that_no_store_can_hold_cannot_be_made(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {"resource": "local:/a", "token": "t", "door": "webdav", "timeout_s": 60}
    Lock.wanted(**right)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        Lock.wanted(**{**right, **wrong})  # type: ignore[arg-type]


def test_opening_a_file_loads_nothing_of_postgresql(tmp_path: Path) -> None:
    script = (
        "import sys; from skycap.core.server.locks import open_lock_store\n"
        f"open_lock_store({f'sqlite:///{tmp_path}/l.db'!r}).close()\n"
        "assert 'psycopg' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
