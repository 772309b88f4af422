"""The configuration file: read exactly, refused exactly, changed without loss."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from skycap.core.config import Config, config_path, edited, same_name, variable_name
from skycap.core.config.file import parse
from skycap.core.errors import ConfigInvalid
from skycap.core.state import log_folder, make_private_folder, state_folder

TEXT = """\
# my places
[remotes.photos]  # the good ones
type = "s3"
region = "eu-central-1"  # near

[defaults]
transfers = 8
"""


def test_the_places_are_named_by_the_environment(tmp_path: Path) -> None:
    environ = {"SKYCAP_CONFIG": str(tmp_path / "c.toml"), "SKYCAP_STATE": str(tmp_path / "s")}
    assert config_path(environ) == str(tmp_path / "c.toml")
    assert state_folder(environ) == str(tmp_path / "s")
    assert log_folder(environ) == str(tmp_path / "s" / "logs")


def test_without_the_environment_the_platform_says_where() -> None:
    assert "skycap" in config_path({})
    assert config_path({}).endswith("config.toml")
    assert "skycap" in state_folder({})


def test_a_file_that_is_absent_says_nothing(tmp_path: Path) -> None:
    config = Config.load(str(tmp_path / "nope.toml"))
    assert (list(config), dict(config.defaults)) == ([], {})
    assert not config.is_exposed()


def test_settings_know_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(TEXT)
    setting = Config.load(str(path)).settings("photos")["region"]
    assert setting.value == "eu-central-1"
    assert setting.origin == f"{path} [remotes.photos] region"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = = 1", ("line 1, column 5",)),
        ('[remotes.x]\ntype = "s3', ("line 2",)),
        ("[remotes.x]\n[remotes.x]\n", ("line 2",)),
        ("[remote.x]\n", ("'remote'", "Did you mean 'remotes'?")),
        ("defaults = 3\n", ("'defaults'", "[defaults]")),
        ("[remotes]\nx = 3\n", ("[remotes.x]",)),
        ('[remotes."-x"]\n', ("[remotes.-x]", "name")),
        ("[remotes.x]\ntype = 3\n", ("'type'",)),
    ],
)
def test_what_is_wrong_is_named(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse(text.encode(), "c.toml")
    for word in ("c.toml", *words):
        assert word in f"{caught.value} {caught.value.hint}"


def test_bytes_that_are_no_text_are_named_by_their_line() -> None:
    with pytest.raises(ConfigInvalid, match="line 2"):
        parse(b"# fine\n# caf\xe9\n", "c.toml")


def test_an_edit_keeps_comments_and_order(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(TEXT)
    with edited(str(path)) as document:
        document["remotes"]["photos"]["region"] = "eu-west-1"  # type: ignore[index]
    assert path.read_text() == TEXT.replace("eu-central-1", "eu-west-1")


def test_an_edit_makes_the_file_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "c.toml"
    with edited(str(path)) as document:
        document["defaults"] = {"transfers": 3}
    assert Config.load(str(path)).defaults == {"transfers": 3}
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)
        assert Config.load(str(path)).is_exposed()


def _stop_half_way(path: Path) -> None:
    with edited(str(path)) as document:
        document["defaults"]["transfers"] = 9  # type: ignore[index]
        raise RuntimeError("stop")


def test_an_edit_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(TEXT)
    with pytest.raises(RuntimeError):
        _stop_half_way(path)
    assert path.read_text() == TEXT
    assert {entry.name for entry in tmp_path.iterdir()} == {"c.toml", "c.toml.lock"}


def test_an_edit_that_would_break_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(TEXT)
    with pytest.raises(ConfigInvalid), edited(str(path)) as document:
        document["remotez"] = {}
    assert path.read_text() == TEXT


def test_a_broken_file_is_not_edited(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("broken")
    with pytest.raises(ConfigInvalid), edited(str(path)):
        pass
    assert path.read_text() == "broken"


def test_an_edit_of_a_link_changes_the_file_behind_it(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text(TEXT)
    link = tmp_path / "c.toml"
    link.symlink_to(real)
    with edited(str(link)) as document:
        document["defaults"]["transfers"] = 9  # type: ignore[index]
    assert link.is_symlink()
    assert tomllib.loads(real.read_text())["defaults"]["transfers"] == 9


ADDS = """
import sys, tomlkit
from skycap.core.config import edited
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 4):
    with edited(sys.argv[1]) as document:
        if "remotes" not in document:
            document["remotes"] = tomlkit.table(is_super_table=True)
        table = tomlkit.table()
        table["type"] = "local"
        document["remotes"][f"r{number}"] = table
"""


def test_writers_wait_for_each_other_and_none_is_lost(tmp_path: Path) -> None:
    path = str(tmp_path / "c.toml")
    writers = [
        subprocess.Popen([sys.executable, "-c", ADDS, path, str(number)]) for number in range(0, 12, 4)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert sorted(Config.load(path)) == sorted(f"r{number}" for number in range(12))


def test_names_match_without_case_and_with_dashes_as_underscores() -> None:
    names = {"My-Box": 1, "other": 2}
    assert variable_name("My-Box.2") == "MY_BOX_2"
    assert same_name("my_box", names) == "My-Box"
    assert same_name("other", names) == "other"
    assert same_name("third", names) is None


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_state_folder_is_for_its_owner(tmp_path: Path) -> None:
    made = make_private_folder(str(tmp_path / "a" / "b"))
    assert os.stat(made).st_mode & 0o777 == 0o700
