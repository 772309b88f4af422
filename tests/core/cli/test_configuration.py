"""The configuration file: named by a flag, looked over by command, and told of where it is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.core.cli.conftest import Skycap


@pytest.mark.parametrize("words", [("ls", "."), ("remote", "list"), ("config", "show"), ("doctor",)])
@pytest.mark.parametrize("before", [True, False])
def test_a_named_file_that_is_not_there_is_an_error(
    words: tuple[str, ...], before: bool, home: Path, skycap: Skycap
) -> None:
    flag = ("--config", "nope.toml")
    outcome = skycap(*flag, *words) if before else skycap(*words, *flag)
    assert outcome.status == 33
    assert outcome.out == ""
    assert f"skycap: {home}/nope.toml: there is no such configuration file" in outcome.err
    assert "config edit" in outcome.err


def test_a_file_that_only_the_environment_names_need_not_be_there(
    skycap: Skycap, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("SKYCAP_CONFIG", "nope.toml")
    assert skycap("ls", ".").status == 0
    assert skycap("remote", "list").status == 0


def test_commands_that_make_the_file_may_name_one_that_is_not_there(home: Path, skycap: Skycap) -> None:
    assert skycap("--config", "c.toml", "config", "path").out == f"{home}/c.toml\n"
    assert skycap("--config", "c.toml", "remote", "add", "docs", "local").status == 0
    assert skycap("--config", "c.toml", "ls", "docs:").status == 0
    assert skycap("ls", "docs:").status == 4


@pytest.mark.skipif(os.name == "nt", reason="needs the program true")
def test_an_editor_opens_a_file_with_a_bare_name(
    home: Path, skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VISUAL", raising=False)
    assert skycap("--config", "c1.toml", "config", "edit").status == 0
    assert (home / "c1.toml").exists()
