"""A remote of type `crypt` as the configuration has it: over another remote, or a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skycap.core.config import Config
from skycap.core.errors import AuthMissing, ConfigInvalid, Error
from skycap.core.remotes import Opener


@pytest.fixture
def opener(tmp_path: Path) -> Callable[..., Opener]:
    """An opener for such remotes, in an environment of its own."""

    def make(environ: dict[str, str] | None = None, **remotes: dict[str, Any]) -> Opener:
        return Opener(Config(str(tmp_path / "config.toml"), {"remotes": remotes}), environ=environ or {})

    return make


def test_a_vault_in_a_folder_is_opened_by_name(opener: Callable[..., Opener], tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(bytes(32))
    vault = {"type": "crypt", "remote": str(tmp_path / "enc"), "key_file": str(tmp_path / "key")}
    with opener(vault=vault) as opened:
        location = opened.resolve("vault:dir/file")
        assert location.path == "dir/file"
        location.storage.write(location.path, b"content")
    with opener(vault=vault) as opened, opened.resolve("vault:").storage.read("dir/file") as reader:
        assert reader.read() == b"content"
    assert b"content" not in b"".join(p.read_bytes() for p in (tmp_path / "enc").rglob("*") if p.is_file())


def test_a_vault_stands_on_another_remote(opener: Callable[..., Opener]) -> None:
    remotes = {
        "below": {"type": "memory", "space": "below a vault"},
        "vault": {"type": "crypt", "remote": "below:some/folder", "passphrase": "env:VAULT_PASSPHRASE"},
    }
    with opener({"VAULT_PASSPHRASE": "right"}, **remotes) as opened:
        opened.resolve("vault:").storage.write("file", b"x")
        below = opened.resolve("below:").storage
        assert [entry.path for entry in below.scan("")] == ["some"]
    with opener({"VAULT_PASSPHRASE": "wrong"}, **remotes) as opened, pytest.raises(AuthMissing) as caught:
        opened.resolve("vault:")
    assert caught.value.exit_status == 11


def test_a_vault_in_a_vault_can_be_read(opener: Callable[..., Opener], tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(bytes(32))
    key = str(tmp_path / "key")
    remotes = {
        "one": {"type": "crypt", "remote": str(tmp_path / "enc"), "key_file": key},
        "two": {"type": "crypt", "remote": "one:deep", "key_file": key},
    }
    with opener(**remotes) as opened:
        storage = opened.resolve("two:").storage
        storage.write("file", bytes(3_000_000))
        with storage.read("file", offset=2_000_000) as reader:
            assert reader.read() == bytes(1_000_000)
        assert [(entry.path, entry.size) for entry in storage.scan("")] == [("file", 3_000_000)]


@pytest.mark.parametrize(
    "options",
    [{}, {"names": "hidden"}, {"key_file": "a", "passphrase": "env:P"}, {"passphrase": "hunter2"}],
)
def test_what_is_wrong_in_the_configuration_is_said(
    opener: Callable[..., Opener], tmp_path: Path, options: dict[str, Any]
) -> None:
    vault = {"type": "crypt", "remote": str(tmp_path / "enc"), **options}
    with opener({"P": "x"}, vault=vault) as opened, pytest.raises(Error) as caught:
        opened.resolve("vault:").storage.write("file", b"x")
    assert isinstance(caught.value, AuthMissing if not options else ConfigInvalid)
    assert "hunter2" not in str(caught.value)
    assert not (tmp_path / "enc" / ".skycap-crypt").exists()
